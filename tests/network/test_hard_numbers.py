"""Losses, probabilities and gradients in float32 where it is hard: within 1e-6 of float64, up to logits of +-1e4.

The error is |value - reference| / max(1, |reference|). The reference is NumPy's, in float64, by formulas of its own:
log(e^a + e^b) by `logaddexp`, sigmoid(z) = (1 + tanh(z / 2)) / 2.
"""

from functools import cache
from itertools import product

import hypothesis.extra.numpy as arrays
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnjax.inference import predictor
from nnjax.network.activations import ACTIVATIONS, identity
from nnjax.network.backprop import GRADIENTS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.layers.dense import Layer
from nnjax.network.losses import LOSSES
from nnjax.network.models import mlp

TOLERANCE = 1e-6
SIZES = [1e-8, 1e-3, 0.5, 3, 8, 15.9, 20, 88, 104, 1e3, 9999.5, 1e4]  # float32: e^88 is finite, e^-104 is 0
HARD = np.array([0.0, *SIZES, *(-size for size in SIZES)], np.float32)
ROWS = np.array([*product(HARD, HARD, HARD[:8]), *zip(HARD, HARD, HARD, strict=True)], np.float32)  # ties, all equal


def sigmoid(z):
    return (1 + np.tanh(z / 2)) / 2


def softmax(z):
    return np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))


VALUES = {  # L21-L23, L17: (z, targets in {0, 1}) -> (rows,)
    "cross_entropy": lambda z, y: np.logaddexp.reduce(z, axis=1) - z[y == 1],
    "log_loss": lambda z, y: np.logaddexp(0, np.where(y == 1, -z, z)).sum(axis=1),
    "squared_error": lambda z, y: ((z - y) ** 2).sum(axis=1) / 2,
    "sigmoid_squared_error": lambda z, y: ((sigmoid(z) - y) ** 2).sum(axis=1) / 2,
    "perceptron": lambda z, y: np.maximum(np.where(y == 1, -z, z), 0).sum(axis=1),
}
DELTAS = {  # L25, L18
    "cross_entropy": lambda z, y: softmax(z) - y,
    "log_loss": lambda z, y: sigmoid(z) - y,
    "squared_error": lambda z, y: z - y,
    "sigmoid_squared_error": lambda z, y: (sigmoid(z) - y) * sigmoid(z) * sigmoid(-z),
    "perceptron": lambda z, y: np.where((y == 1) & (z <= 0), -1.0, np.where((y == 0) & (z >= 0), 1.0, 0.0)),
}
OUTPUTS = {"softmax": softmax, "sigmoid": sigmoid, "identity": lambda z: z, "step": lambda z: (z > 0).astype(float)}
FUNCTIONS = {  # g, g'
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * sigmoid(-z)),
    "tanh": (np.tanh, lambda z: 4 * sigmoid(2 * z) * sigmoid(-2 * z)),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "softplus": (lambda z: np.logaddexp(z, 0), sigmoid),
    "identity": (lambda z: z, np.ones_like),
}


def assert_near(found, reference):
    """Float32, finite, and within TOLERANCE."""
    found = np.asarray(found)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    reference = np.asarray(reference)
    errors = np.abs(found - reference) / np.maximum(1, np.abs(reference))
    assert errors.max() <= TOLERANCE, errors.max()


@cache
def program(name):
    """(z, targets) -> value, delta and `jax.grad` of a loss."""
    loss = LOSSES[name]
    return jax.jit(lambda z, y: (loss.value(z, y), loss.delta(z, y), jax.grad(lambda z: loss.value(z, y).sum())(z)))


def compare(name, rows):
    """A loss at these rows, each class being the right one. Below 2^-126 a processor may take a float32 for 0."""
    rows = np.tile(np.where(np.abs(rows) < 2.0**-126, np.float32(0), rows), (3, 1))
    y = np.eye(3, dtype=np.float32)[np.repeat(range(3), len(rows) // 3)]
    value, delta, automatic = program(name)(rows, y)
    z = rows.astype(float)
    assert_near(value, VALUES[name](z, y))
    assert_near(delta, DELTAS[name](z, y))
    assert_near(automatic, DELTAS[name](z, y))


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_their_gradients_at_hard_logits(name):
    """L21-L25: one right class and every pair of hard values against it."""
    compare(name, ROWS)


LOGITS = arrays.arrays(np.float32, (20, 3), elements=st.floats(-1e4, 1e4, width=32))


@pytest.mark.parametrize("name", LOSSES)
@given(LOGITS, st.sampled_from([1.0, 1e-2, 1e-4]))
@settings(max_examples=30, deadline=None)
def test_losses_and_their_gradients_at_any_logits(name, rows, scale):
    compare(name, rows * np.float32(scale))


def test_two_equal_logits_far_out_cost_the_logarithm_of_two():
    """L23: -log(1/2), also where logsumexp(z) and y.z are both 1e4; as they are, float32 sees 0.69336 there."""
    z = jnp.array([[1e4, 1e4, -1e4]], jnp.float32)
    assert_near(LOSSES["cross_entropy"].value(z, jnp.eye(3, dtype=jnp.float32)[:1]), [np.log(2)])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_and_their_derivatives_at_hard_values(name):
    """L1, L26."""
    z, (value, derivative) = jnp.asarray(HARD), FUNCTIONS[name]
    a = ACTIVATIONS[name].value(z)
    assert_near(a, value(HARD.astype(float)))
    assert_near(ACTIVATIONS[name].derivative(z, a), derivative(HARD.astype(float)))


@pytest.mark.parametrize("name", LOSSES)
def test_outputs_in_jax_and_of_the_predictor_at_hard_logits(name):
    """L5-L8: probabilities lie in [0, 1]; softmax's sum to 1 (L7)."""
    loss = LOSSES[name]
    reference = OUTPUTS[loss.activation](ROWS.astype(float))
    for found in (jax.jit(loss.output)(ROWS), predictor.OUTPUTS[loss.activation](ROWS)):
        assert_near(found, reference)
        if loss.activation in predictor.PROBABILITIES:
            assert 0 <= np.min(found) <= np.max(found) <= 1
        if loss.activation == "softmax":
            np.testing.assert_allclose(np.sum(found, axis=1), 1, rtol=TOLERANCE)


@pytest.mark.parametrize("name", predictor.ACTIVATIONS)
def test_the_predictors_activations_at_hard_values(name):
    assert_near(predictor.ACTIVATIONS[name](HARD), FUNCTIONS[name][0](HARD.astype(float)))


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("name", LOSSES)
def test_a_networks_gradient_at_logits_far_out(name, gradient):
    """L26, L27: from the weights on, where rounding of z itself has a part, too."""
    model = mlp((4, 3), ACTIVATIONS["identity"], INITIALIZERS["normal"])
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.1, 1, (6, 4)).astype(np.float32), np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
    Theta, b = 3e3 * rng.uniform(-1, 1, (3, 4)).astype(np.float32), np.zeros(3, np.float32)
    z = x.astype(float) @ Theta.T.astype(float)
    assert 3e3 < np.abs(z).max() < 1e4
    delta = DELTAS[name](z, y) / 6
    (value, _), ((dTheta, db),) = jax.jit(GRADIENTS[gradient](model, LOSSES[name]))((Layer(Theta, b),), x, y)
    assert_near(value, VALUES[name](z, y).mean())
    assert_near(dTheta, delta.T @ x)
    assert_near(db, delta.sum(axis=0))


def test_not_a_number_is_never_hidden():
    """Whatever the loss and the activation, nan goes in and comes out."""
    z = jnp.array([[0.5, jnp.nan, 1.0]])
    for name, loss in LOSSES.items():
        assert jnp.isnan(loss.value(z, jnp.eye(3)[:1])).all(), name
    assert all(jnp.isnan(g.value(z[0, 1])) for g in ACTIVATIONS.values())
    assert jnp.isnan(identity(z[0, 1]))
