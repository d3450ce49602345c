"""Divergence is found in the epoch in which it happens, whatever it is that isn't finite; and what is said then."""

import jax
import numpy as np
import pytest

from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.losses import LOSSES
from nnjax.network.models import mlp
from nnjax.runs import divergence
from nnjax.training.batches import Encoding, Split
from nnjax.training.train_state import DIVERGED, TRAINING
from tests.config.test_schema import read
from tests.training.conftest import VALIDATION, digits, finished

NONE = digits(0, 0)
RELU = mlp((6, 5, 3), ACTIVATIONS["relu"], INITIALIZERS["lecun"])
ADAM = {"b1": 0.9, "b2": 0.99, "eps": 1e-8}


def changed(training, change, **settings):
    """A training of two epochs at its end, whose state was changed before the first: `change(state)` -> state."""
    made = training(epochs=2, **settings)
    made.state = change(made.state)
    return finished(made)


def spoiled(leaf, value, at=(0,)):
    """The leaf with one number replaced."""
    return leaf.at[at].set(value)


def with_layer(state, number, name, value, at):
    """The state with one parameter replaced."""
    layer = state.params[number]
    layer = layer._replace(**{name: spoiled(getattr(layer, name), value, at)})
    params = (*state.params[:number], layer, *state.params[number + 1 :])
    return state._replace(params=params)


@pytest.mark.ci
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("validation", [VALIDATION, NONE], ids=["validation", "none"])
def test_a_parameter_whose_unit_is_dead(training, value, validation):
    """-inf in the bias of a relu unit: its a and its gradient are 0, the loss is finite for ever."""
    made = changed(
        training,
        lambda state: with_layer(state, 0, "b", value, (0, 2)),
        model=RELU,
        validation=validation,
        keep_best=False,
    )
    if value == -np.inf:
        assert np.isfinite(made.history()["train/loss"]).all()
    assert made.stopped == ["diverged"]
    assert made.epochs.tolist() == [1]


@pytest.mark.ci
def test_an_infinite_moment_keeps_its_parameter_where_it_is(training):
    """Adam divides by its root: the step is 0, loss and parameters stay finite, and nothing is learned there again."""

    def change(state):
        moments = [leaf for leaf in jax.tree.leaves(state.optimizer) if leaf.shape == (1, 5, 6)]
        spoil = moments[-1]  # of the squares
        leaves = [
            spoiled(leaf, np.inf, (0, 1, 1)) if leaf is spoil else leaf for leaf in jax.tree.leaves(state.optimizer)
        ]
        return state._replace(optimizer=jax.tree.unflatten(jax.tree.structure(state.optimizer), leaves))

    made = changed(training, change, hyperparams={"learning_rate": 0.01, **ADAM}, optimizer="adam")
    assert np.isfinite(made.history()["train/loss"]).all()
    assert np.isfinite(made.history()["parameters/norm"]).all()
    assert (made.stopped, made.epochs.tolist()) == (["diverged"], [1])
    assert divergence.find_nonfinite(one(made), 1) == "the optimiser's state"


def one(made):
    """The history of the first lane."""
    return {name: values[0] for name, values in made.history().items()}


LINE = mlp((2, 1), ACTIVATIONS["identity"], INITIALIZERS["zeros"])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(16, 2)).astype(np.float32), RNG.integers(2, size=16).astype(np.int32)
EMPTY = Split(X[:0], Y[:0])


def line(training, loss, hyperparams, scale, y=Y, validation=EMPTY, **changes):
    """A network without a hidden layer from Theta = 0, fed X * scale, all rows a batch."""
    encoding = Encoding(scale, 0.0, (2,), 1)
    settings = {"model": LINE, "loss": LOSSES[loss], "encoding": encoding, "batch_size": 16, "keep_best": False}
    return finished(training(hyperparams, train=Split(X, y), validation=validation, **settings, **changes))


def test_a_gradient_too_large_to_have_a_norm_is_no_convergence(training):
    """Clipped by its infinite norm it is 0: nothing moves, which by L37 would be called converged."""
    hyperparams = {"learning_rate": 0.1, "clip_norm": 1.0, "tolerance": 1e-3}
    run = line(training, "sigmoid_squared_error", hyperparams, 1e22, clip=True)
    history = one(run)
    assert (run.stopped, run.epochs.tolist()) == (["diverged"], [1])
    assert np.isfinite(history["train/loss"]).all()
    assert history["parameters/norm"][1] == 0
    assert divergence.find_nonfinite(history, 1) == "the gradient's norm"


@pytest.mark.parametrize("loss", ["squared_error", "perceptron", "log_loss"])
def test_each_kind_of_network_in_the_epoch_where_it_happens(training, loss):
    """A regression (L8), the perceptron (L17) and logistic regression (L5): the first step is beyond float32."""
    y = X[:, 0] if loss == "squared_error" else Y
    run = line(training, loss, {"learning_rate": 1e38}, 1e3, y, Split(X[:0], y[:0]))
    assert (run.stopped, run.epochs.tolist()) == (["diverged"], [1])
    np.testing.assert_array_equal(run.params("last")[0].Theta, 0)  # those before it


def test_only_the_validation(training):
    """L8: rows that nobody trains on are 1e30; at Theta = 0 that is no matter, after an epoch their loss overflows."""
    y = X[:, 0]
    run = line(training, "squared_error", {}, 1.0, y, Split(X * np.float32(1e30), y))
    history = one(run)
    assert (run.stopped, run.epochs.tolist()) == (["diverged"], [1])
    assert np.isfinite([history["train/loss"][1], history["validation/loss"][0], history["parameters/norm"][1]]).all()
    assert divergence.find_nonfinite(history, 1) == "the validation loss"


@pytest.mark.ci
def test_a_penalty_too_large_is_an_infinite_cost(training):
    """L20: the loss of sigmoids is finite whatever Theta is; J, which is what descends, is not."""
    settings = {
        "hyperparams": {"init_scale": 1e30, "l2": 1.0, "learning_rate": 1e-30},
        "loss": LOSSES["sigmoid_squared_error"],
    }
    run = finished(training(validation=NONE, keep_best=False, **settings))
    history = one(run)
    assert (run.stopped, run.epochs.tolist()) == (["diverged"], [1])
    assert np.isfinite(history["train/loss"][:2]).all()
    assert divergence.find_nonfinite(history, 1) == "the cost"


def test_the_hint_names_gradient_and_rate_or_the_scale_of_an_untrained_network():
    config = read("+experiment=xor", "optimizer.learning_rate=7", "model.init_scale=1e30")
    history = {"train/loss": np.array([0.5, 0.4, np.nan]), "gradient/norm": np.array([np.nan, 123.0, np.inf])}
    assert divergence.find_nonfinite(history, 2) == "the loss"
    hint = divergence.divergence_hint(config, history, 2)
    assert "gradient's norm was 123 before" in hint
    assert "optimizer.learning_rate below 7" in hint
    untrained = {**history, "train/loss": np.full(3, np.nan)}
    assert "model.init_scale below 1e+30" in divergence.divergence_hint(config, untrained, 1)


def test_one_lane_of_three_and_each_in_its_own_epoch(training):
    """The others go on; the one that diverged keeps its last finite parameters."""
    made = changed(training, lambda state: with_layer(state, 1, "Theta", np.inf, (1, 0, 0)), seeds=(0, 1, 2))
    assert made.status.tolist() == [TRAINING, DIVERGED, TRAINING]
    assert made.epochs.tolist() == [2, 1, 2]
