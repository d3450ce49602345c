"""Equal work is equal: from the same weights, all sides reach the same ones."""

import importlib
from functools import cache

import numpy as np
import pytest

from experiments.benchmarks.peers import LIMITS, OURS, PEERS
from experiments.benchmarks.works import WORKS, Work, data, initial

TINY = Work("mlp", (784, 5, 3), "sigmoid", 12, 0.5, 12, 2, 12, 2)  # a batch of all: the order of instances is nothing
XOR = WORKS["xor"]._replace(epochs=3)


pytestmark = pytest.mark.ci


def prepared(name: str, work: Work):
    """The side `name`, ready for a work."""
    peer = {**PEERS, **LIMITS}[name]
    if not peer.installed:
        pytest.skip(f"{peer.needs} is not installed")
    module = importlib.import_module(f"experiments.benchmarks.peers.{peer.module}")
    x, y = data(work, None)
    return module.prepare(work, x, y % max(2, work.units[-1]), initial(work), **peer.settings)


@cache
def reached(name: str, work: Work):
    """The weights of a side after the work's turn."""
    side = prepared(name, work)
    side.train(work.epochs)
    return side.weights()


@pytest.mark.parametrize("work", [TINY, XOR], ids=["softmax", "sigmoid"])
@pytest.mark.parametrize("name", [name for name in PEERS if name != OURS])
def test_all_sides_reach_the_same_weights(name, work):
    """Gradients of the mean over the batch (L27), a step against them (L37): whoever computes them."""
    for ours, theirs in zip(reached(OURS, work), reached(name, work), strict=True):
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(b, a, atol=2e-6)


def test_networks_side_by_side_are_each_that_of_a_turn():
    """Of a sweep nnjax trains all at once: the first is the one of the others' turn."""
    sweep = prepared(OURS, TINY._replace(networks=3))
    sweep.train(TINY.epochs)
    assert sweep.networks == 3
    for ours, alone in zip(sweep.weights(), reached(OURS, TINY), strict=True):
        for a, b in zip(ours, alone, strict=True):
            np.testing.assert_allclose(a, b, atol=2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain JAX", "PyTorch", "Keras on JAX", "Flax NNX", "Equinox"])
def test_lenet5_trains(name):
    prepared(name, WORKS["lenet5"]._replace(batch=4, rows=6)).train(1)
