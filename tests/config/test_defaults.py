"""Settings compared with the defaults, and the command that has them."""

import dataclasses
import shlex

import pytest

from nnjax.config import lanes
from nnjax.config.defaults import compare_with_defaults, format_command, quote_override
from tests.config.test_schema import read


def differing(*overrides):
    settings = compare_with_defaults(dataclasses.asdict(read(*overrides)))
    return {setting.key: setting.value for setting in settings if setting.differs}


def test_without_overrides_every_setting_has_its_default():
    assert differing() == {}


def test_an_option_is_compared_with_its_own_defaults():
    """adam's rate is not sgd's."""
    settings = differing("optimizer=adam", "optimizer.b1=0.8", "seed=3", "tracking.figures=false", "checkpoint.every=5")
    assert [*settings.items()] == [
        ("seed", 3),
        ("optimizer.name", "adam"),
        ("optimizer.b1", 0.8),
        ("checkpoint.every", 5),
        ("tracking.figures", False),
    ], "what results depend on comes first"


def test_a_tag_has_no_default():
    settings = compare_with_defaults(dataclasses.asdict(read("+tracking.tags.team=x")))
    assert [setting for setting in settings if setting.differs] == [("tracking.tags.team", "x", None)]


@pytest.mark.parametrize(
    "overrides",
    [
        ["+experiment=mnist", "seed=3", "runtime.precision=float64", "training.clip_norm=1"],
        ["model=perceptron", "data=boolean", "data.function=and", "training.epochs=10"],
        ["+experiment=xor", 'data.expression="(x1 & x2) | ~(x3 ^ x1)"', "loss=squared_error", "training.batch_size=2"],
        ["+experiment=xor", 'data.table="0110"', "model.hidden=[]"],
        ["data=file", 'data.path="a \\"b\\" \'c\' = {$}\\\\.csv"', "schedule=step"],
    ],
    ids=lambda overrides: overrides[0] if "file" not in overrides[0] else "quotes",
)
def test_the_command_gives_the_same_settings_without_the_experiment(overrides):
    settings = read(*overrides)
    program, *words = shlex.split(format_command(dataclasses.asdict(settings)))[2:]
    assert program == "nnjax.train"
    assert not [word for word in words if "experiment" in word]
    assert lanes.result_settings(read(*words)) == lanes.result_settings(settings)


def test_the_command_names_only_settings_that_differ():
    assert (
        format_command(dataclasses.asdict(read("model=softmax", "seed=1")))
        == "python -m nnjax.train seed=1 model=softmax"
    )


@pytest.mark.parametrize(
    ("value", "typed"),
    [
        ("full", "full"),
        ("/a/b-c_1.csv", "/a/b-c_1.csv"),
        ("0110", '"0110"'),
        ("null", '"null"'),
        ("a b", '"a b"'),
        ('say "x"', '"say \\"x\\""'),
        ("end\\", '"end\\\\"'),
        (None, "null"),
        (True, "true"),
        ([300, 100], "[300,100]"),
        (1e-8, "1e-08"),
    ],
)
def test_text_that_hydra_would_read_as_another_value_is_quoted(value, typed):
    assert quote_override(value) == typed
