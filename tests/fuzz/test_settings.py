"""Settings: any KEY=VALUE through Hydra's parser, the schema and our rules; a changed config.yaml of a run."""

import copy
import dataclasses
import json

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import strategies as st
from omegaconf import OmegaConf

from nnjax.config import composition, saved, validation
from nnjax.config.overrides import check_override
from nnjax.system.hydra_errors import as_input_error
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


BASES = [composition.compose(overrides) for overrides in GROUPS]
KEYS = [[key for key, _, _ in validation.iterate_settings(OmegaConf.to_object(base))] for base in BASES]


@st.composite
def overrides(draw):
    """Draw the number of a base configuration, and an override of one of its keys or of a key that it does not have."""
    base = draw(st.integers(0, len(BASES) - 1))
    key = draw(st.one_of(st.sampled_from(KEYS[base]), st.sampled_from(KEYS[base]), VALUES))
    return base, f"{draw(st.sampled_from(['', '', '', '+', '++', '~']))}{key}={draw(VALUES)}"


def apply_override(base, override):
    """Do what compose does with an override that chooses no option, without reading all files again."""
    check_override(override)
    parsed = OverridesParser.create().parse_overrides([override])
    node = copy.deepcopy(BASES[base])
    ConfigLoaderImpl._apply_overrides_to_config(parsed, node)
    return validation.to_config(node, [override])


@fuzzed(overrides())
def test_settings(folder, drawn):
    answered(lambda: as_input_error(lambda: apply_override(*drawn)))


@fuzzed(files.changed(dataclasses.asdict(validation.to_config(BASES[0]))))
def test_settings_of_a_stored_run(folder, text):
    (folder / "config.yaml").write_text(text, "utf-8")
    settings = answered(lambda: saved.read_settings(folder / "config.yaml"))
    if settings is not None:
        answered(lambda: saved.to_config(settings, "it"))
