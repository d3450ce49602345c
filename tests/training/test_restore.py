"""A training that was saved and restored ends as the one that went on: every bit, from every save point (L34-L37)."""

import json

import jax
import numpy as np
import pytest

from nnjax.training import trainer
from nnjax.training.layout import ExecutionPlan
from nnjax.training.optimizers import OPTIMIZERS, schedule
from nnjax.training.vectorize import Layout
from tests.training.conftest import finished

HYPER = {
    "learning_rate": 0.2,
    "momentum": 0.9,
    "b1": 0.9,
    "b2": 0.999,
    "eps": 1e-8,
    "weight_decay": 0.01,
    "decay": 0.9,
    "l2": 0.1,
}
SCHEDULES = {
    "cosine": {"final": 0.1},
    "step": {"every": 1, "factor": 0.5},
    "warmup_cosine": {"warmup": 1, "final": 0.0},
}
ONE, MANY = (0,), tuple(range(16))


def leaves(training):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(training.state)]


def assert_ends_alike(make, monkeypatch):
    """Trains on from each save point of a training of single steps, in a training of its own."""
    whole = finished(make())
    monkeypatch.setattr(trainer, "FIRST_STEPS", 1)
    monkeypatch.setattr(trainer, "CHUNK_SECONDS", 0.0)
    stepwise = make()
    saved = []
    for _ in stepwise.chunks():
        arrays, facts = stepwise.saved()
        saved.append(({name: array.copy() for name, array in arrays.items()}, json.loads(json.dumps(facts))))
    assert len(saved) == 2 * stepwise.per_epoch + 1
    for arrays, facts in saved:
        again = make()
        again.restore(arrays, facts)
        finished(again)
        assert again.position == whole.position
        for found, expected in zip(leaves(again), leaves(whole), strict=True):
            np.testing.assert_array_equal(found, expected)
        for name, values in whole.history().items():
            np.testing.assert_array_equal(again.history()[name], values)


@pytest.mark.parametrize("lanes", [ONE, pytest.param(MANY, marks=pytest.mark.slow)], ids=["one lane", "16 lanes"])
def test_from_every_save_point_of_two_epochs(training, monkeypatch, lanes):
    assert_ends_alike(lambda: training(HYPER, seeds=lanes, epochs=2, optimizer="adamw"), monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("lanes", [ONE, MANY], ids=["one lane", "16 lanes"])
def test_with_each_optimizer(training, monkeypatch, optimizer, lanes):
    assert_ends_alike(lambda: training(HYPER, seeds=lanes, epochs=2, optimizer=optimizer), monkeypatch)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("lanes", [ONE, MANY], ids=["one lane", "16 lanes"])
def test_with_each_schedule(training, monkeypatch, name, lanes):
    chosen = schedule(name, 2 * 7, 7, **SCHEDULES[name])
    make = lambda: training(HYPER, seeds=lanes, epochs=2, optimizer="adam", schedule=chosen)  # noqa: E731
    assert_ends_alike(make, monkeypatch)


@pytest.mark.ci
def test_another_training_is_refused(training):
    arrays, facts = finished(training(HYPER, epochs=1)).saved()
    other = training(HYPER, epochs=1, optimizer="momentum")
    with pytest.raises(ValueError, match="state"):
        other.restore(arrays, facts)


@pytest.mark.ci
def test_lanes_after_one_another(training, monkeypatch):
    plan = ExecutionPlan(Layout(1, 3, 1), shared_batches=False)
    assert_ends_alike(lambda: training(seeds=(0, 1, 2), epochs=2, plan=plan), monkeypatch)
