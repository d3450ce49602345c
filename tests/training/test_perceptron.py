"""The perceptron (L17, L18): Theta after every epoch is that of the lecture's loop, and so is its stop."""

import numpy as np
import pytest

from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.losses import LOSSES
from nnjax.network.models import mlp
from nnjax.training import trainer
from nnjax.training.batches import Encoding, Split
from tests.training.conftest import finished

ROWS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
AND, OR, XOR = "0001", "0111", "0110"
EPSILON = 1e-6


def by_the_lecture(x, targets, alpha, divided, epsilon, epochs):
    """L17 line by line for one unit, targets 0 and 1; divided by n, or not (L18). Yields theta after each epoch."""
    x, y = np.c_[np.ones(len(x)), x], 2 * np.asarray(targets) - 1
    theta = np.zeros(x.shape[1])
    for _ in range(epochs):
        Delta = np.zeros_like(theta)
        for row, label in zip(x, y, strict=True):
            if label * (row @ theta) <= 0:
                Delta += label * row
        theta = theta + alpha * (Delta / len(x) if divided else Delta)
        yield theta
        if np.linalg.norm(Delta / len(x)) < epsilon:
            return


def labels(table):
    return np.array([int(value) for value in table], np.int32)


@pytest.fixture
def perceptron(training):
    """A training from Theta = 0, of all instances at once unless told otherwise."""

    def make(rows, y, rate, outputs=1, init="zeros", hyperparams=None, **changes):
        settings = {
            "model": mlp((rows.shape[1], outputs), ACTIVATIONS["identity"], INITIALIZERS[init]),
            "loss": LOSSES["perceptron"],
            "encoding": Encoding(1.0, 0.0, (rows.shape[1],), outputs),
            "batch_size": len(rows),
            "keep_best": False,
        }
        hyperparams = {"learning_rate": rate, "tolerance": EPSILON} | (hyperparams or {})
        settings |= {"validation": Split(rows[:0], y[:0]), "epochs": 50} | changes
        return training(hyperparams, train=Split(rows, y), **settings)

    return make


def thetas(run, monkeypatch):
    """Theta (outputs, 1 + inputs) after each epoch, bias first."""
    monkeypatch.setattr(trainer, "FIRST_STEPS", 1)
    monkeypatch.setattr(trainer, "CHUNK_SECONDS", 0.0)
    found = []
    for _ in run.chunks():
        (layer,) = run.params("last")
        found.append(np.c_[layer.b[0], layer.Theta[0]])
    return found[1:]


@pytest.mark.parametrize("table", [AND, OR])
@pytest.mark.parametrize(("divided", "rate"), [(True, 1.0), (False, 4.0)], ids=["L17", "fixed increment, L18"])
def test_theta_after_every_epoch_is_the_lecture_s(perceptron, monkeypatch, table, divided, rate):
    """The fixed increment, alpha = 1 without division by n, is a learning rate of n."""
    run = perceptron(ROWS, labels(table), rate)
    found = thetas(run, monkeypatch)
    expected = list(by_the_lecture(ROWS, labels(table), 1.0, divided, EPSILON, 50))
    np.testing.assert_array_equal(np.concatenate(found), expected)
    assert 2 < len(found) < 50
    assert run.stopped == ["converged"]
    assert run.history()["train/accuracy"][0, -1] == 1


def test_epsilon_is_that_of_the_lecture(perceptron, monkeypatch):
    """A larger epsilon stops while one of the instances is still a mistake: ||Delta||_2 = 1/4 for the row 0, 0."""
    run = perceptron(ROWS, labels(OR), 1.0, hyperparams={"tolerance": 0.3})
    found = thetas(run, monkeypatch)
    expected = list(by_the_lecture(ROWS, labels(OR), 1.0, True, 0.3, 50))
    np.testing.assert_array_equal(np.concatenate(found), expected)
    assert run.stopped == ["converged"]
    assert run.history()["gradient/norm"][0, -1] == 0.25


def test_without_a_tolerance_nothing_converges(perceptron):
    run = finished(perceptron(ROWS, labels(AND), 1.0, hyperparams={"tolerance": 0.0}))
    assert run.stopped == ["epoch limit"]
    assert run.history()["train/loss"][0, -1] == 0


@pytest.mark.parametrize(("init", "size"), [("zeros", 4), ("normal", 4), ("zeros", 1), ("normal", 3)])
def test_xor_ends_at_the_epoch_limit_and_says_so(perceptron, init, size):
    """L18, also where mistakes cancel: at Theta = 0 all four are mistakes and Delta = 0, which is no convergence."""
    run = finished(perceptron(ROWS, labels(XOR), 0.1, init=init, batch_size=size))
    assert run.stopped == ["epoch limit"]
    assert run.epochs.tolist() == [50]


def test_the_mistakes_of_xor_at_zero_cancel(perceptron):
    run = finished(perceptron(ROWS, labels(XOR), 0.1))
    assert (run.history()["gradient/norm"][0, 1:] == 0).all()
    assert all((leaf == 0).all() for layer in run.params("last") for leaf in layer)


@pytest.mark.parametrize("size", [1, 3])
def test_mini_batches_converge_when_none_of_an_epoch_has_a_mistake(perceptron, size):
    run = finished(perceptron(ROWS, labels(AND), 0.1, batch_size=size))
    assert run.stopped == ["converged"]
    history = run.history()
    assert history["train/accuracy"][0, -1] == 1
    assert history["gradient/norm"][0, -1] == 0
    assert (history["gradient/norm"][0, 1:-1] > 0).all()


def test_theta_0_is_not_the_best_although_its_loss_is_0(perceptron):
    """At Theta = 0 all instances are mistakes on the line: the untrained network is no candidate."""
    rows = np.tile(ROWS, (2, 1))
    run = perceptron(rows, np.tile(labels(AND), 2), 1.0, keep_best=True, validation=Split(ROWS, labels(AND)))
    finished(run)
    assert run.history()["validation/loss"][0, 0] == 0
    assert run.best_epoch[0] > 0
    assert all((layer.Theta != 0).any() for layer in run.params("best"))


def test_several_classes_are_one_against_the_rest(perceptron, monkeypatch):
    """Each unit is a perceptron of its own; the class is the largest z (L38)."""
    rows, y = np.eye(4, dtype=np.float32), np.arange(4, dtype=np.int32)
    run = perceptron(rows, y, 4.0, outputs=4)
    found = thetas(run, monkeypatch)
    for unit in range(4):
        alone = list(by_the_lecture(rows, y == unit, 1.0, False, EPSILON, 50))
        together = np.stack([theta[unit] for theta in found])
        np.testing.assert_array_equal(together[: len(alone)], alone)
    assert run.stopped == ["converged"]
    assert run.history()["train/accuracy"][0, -1] == 1


def test_other_losses_converge_by_their_move(training):
    """L37: a gradient below the tolerance stops no other loss while an epoch still moves the parameters by more."""
    run = finished(training({"tolerance": 1.0, "learning_rate": 1.0}, epochs=1))
    assert run.history()["gradient/norm"][0, 1] < 0.8
    assert run.stopped == ["epoch limit"]
