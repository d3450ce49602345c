"""`resume=RUN`: which run, and what may differ."""

import pytest

from nnjax.errors import InputError
from nnjax.runs import resume

RUN = {
    "seed": 3,
    "training.epochs": 10,
    "optimizer.name": "adam",
    "optimizer.learning_rate": 0.1,
    "tracking.uri": None,
}
DEFAULTS = {
    "seed": 0,
    "training.epochs": 5,
    "optimizer.name": "sgd",
    "optimizer.learning_rate": 0.01,
    "tracking.uri": None,
}


def changed(asked, *overrides):
    return resume.changed_settings(
        RUN, {**DEFAULTS, "resume": "run", **asked}, {**DEFAULTS, "resume": None}, overrides, "run"
    )


def test_nothing_asked_for_changes_nothing():
    assert changed({}, "resume=run") == {}


def test_the_runs_own_settings_may_be_named_again():
    assert changed({"seed": 3}, "seed=3") == {}


def test_epochs_intervals_and_tracking_may_differ():
    asked = {"training.epochs": 20, "tracking.uri": "sqlite:///x.db", "checkpoint.every": 3}
    assert changed(asked) == asked


def test_a_plain_commands_value_counts_if_it_is_named():
    """5 epochs are a plain command's, but somebody who writes them means them."""
    assert changed({"training.epochs": 5}, "training.epochs=5") == {"training.epochs": 5}
    with pytest.raises(InputError, match="seed=0 differs from the run's 3"):
        changed({"seed": 0}, "seed=0")


@pytest.mark.parametrize("asked", [{"optimizer.learning_rate": 0.2}, {"seed": 1}, {"optimizer.name": "rmsprop"}])
def test_what_may_not_differ_is_one_line(asked):
    (key,) = asked
    with pytest.raises(InputError, match=f"{key}={asked[key]} differs from the run's {RUN[key]}"):
        changed(asked)
