"""Settings: any KEY=VALUE through Hydra's parser, the schema and our rules; config.yaml of a stored run, changed."""

import copy
import dataclasses
import json

import hydra
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hypothesis import strategies as st
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from nnjax.config import saved, schema, validation
from nnjax.errors import InputError, one_line
from tests.fuzz import answered, files, fuzzed

GROUPS = [["data=boolean"], ["data=file", "optimizer=adamw", "schedule=warmup_cosine"], ["optimizer=rmsprop"]]
SIGNS = "0123456789[]{}(),:=.$'\"\\ -+eE~*!&|@#%^/\t\x00é\udcff"
NAMES = "null true nan inf ${ oc.env:HOME seed range( sort( glob(*) choice( interval(0,1) int( str( 1e400 ../ ??? lanes"
LONG = ["9" * 5_000, "[" * 300, "a" * 300, "${oc.decode:'[1]'}", "${hydra:runtime.cwd}", "${now:%Y}", "_target_"]
WORDS = st.sampled_from([*SIGNS, *NAMES.split(), *LONG])
VALUES = st.one_of(
    st.lists(WORDS, max_size=6).map("".join),
    st.text(max_size=12),
    files.HUGE.map(str),
    st.floats().map(str),
    files.ANYTHING.map(json.dumps),
    st.dictionaries(st.sampled_from(["seed", "optimizer.learning_rate", "x"]), st.lists(files.HUGE, max_size=3)).map(
        json.dumps
    ),
)


def composed(overrides):
    schema.register()
    with hydra.initialize_config_dir(str(schema.configuration_folder()), version_base="1.3"):
        return hydra.compose("config", overrides)


BASES = [composed(overrides) for overrides in GROUPS]
LEAVES = [[key for key, _, _ in validation.leaves(OmegaConf.to_object(base))] for base in BASES]


@st.composite
def overrides(draw):
    """A composed configuration, and an override of one of its keys, or of one that it hasn't."""
    base = draw(st.integers(0, len(BASES) - 1))
    key = draw(st.one_of(st.sampled_from(LEAVES[base]), st.sampled_from(LEAVES[base]), VALUES))
    return base, f"{draw(st.sampled_from(['', '', '', '+', '++', '~']))}{key}={draw(VALUES)}"


def given(base, override):
    """What compose does with an override that chooses no group, without reading all files again."""
    validation.check_text(override)
    parsed = OverridesParser.create().parse_overrides([override])
    node = copy.deepcopy(BASES[base])
    ConfigLoaderImpl._apply_overrides_to_config(parsed, node)
    return validation.read(node, [override])


@fuzzed(overrides())
def test_settings(folder, drawn):
    def read():
        try:
            return given(*drawn)
        except (HydraException, OmegaConfBaseException) as error:
            raise InputError(one_line(error)) from None

    answered(read)


@fuzzed(files.changed(dataclasses.asdict(validation.read(BASES[0]))))
def test_settings_of_a_stored_run(folder, text):
    (folder / "config.yaml").write_text(text, "utf-8")
    found = answered(lambda: saved.read(folder / "config.yaml"))
    if found is not None:
        answered(lambda: saved.complete(found, "it"))
