"""Settings beside the defaults, and the command that gives them back."""

import dataclasses
import shlex

import pytest

from nnjax.config import lanes
from nnjax.config.defaults import beside_defaults, command, quoted
from tests.config.test_schema import read


def differing(*overrides):
    return {each.key: each.value for each in beside_defaults(dataclasses.asdict(read(*overrides))) if each.differs}


def test_without_a_word_every_setting_has_its_default():
    assert differing() == {}


def test_an_option_is_compared_with_its_own_defaults():
    """adam's rate is not sgd's."""
    found = differing("optimizer=adam", "optimizer.b1=0.8", "seed=3", "tracking.figures=false", "checkpoint.every=5")
    assert [*found.items()] == [
        ("seed", 3),
        ("optimizer.name", "adam"),
        ("optimizer.b1", 0.8),
        ("checkpoint.every", 5),
        ("tracking.figures", False),
    ], "what results depend on comes first"


def test_a_tag_of_ones_own_has_no_default():
    (tag,) = [each for each in beside_defaults(dataclasses.asdict(read("+tracking.tags.team=x"))) if each.differs]
    assert tag == ("tracking.tags.team", "x", None)


@pytest.mark.parametrize(
    "given",
    [
        ["+experiment=mnist", "seed=3", "runtime.precision=float64", "training.clip_norm=1"],
        ["model=perceptron", "data=boolean", "data.function=and", "training.epochs=10"],
        ["+experiment=xor", 'data.expression="(x1 & x2) | ~(x3 ^ x1)"', "loss=squared_error", "training.batch_size=2"],
        ["+experiment=xor", 'data.table="0110"', "model.hidden=[]"],
        ["data=file", 'data.path="a \\"b\\" \'c\' = {$}\\\\.csv"', "schedule=step"],
    ],
    ids=lambda given: given[0] if "file" not in given[0] else "quotes",
)
def test_the_command_gives_the_same_settings_without_the_experiment(given):
    settings = read(*given)
    program, *words = shlex.split(command(dataclasses.asdict(settings)))[2:]
    assert program == "nnjax.train"
    assert not [word for word in words if "experiment" in word]
    assert lanes.settings(read(*words)) == lanes.settings(settings)


def test_only_what_differs_is_typed():
    assert command(dataclasses.asdict(read("model=softmax", "seed=1"))) == "python -m nnjax.train seed=1 model=softmax"


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
def test_text_that_could_be_something_else_is_quoted(value, typed):
    assert quoted(value) == typed
