"""Losses from logits: the lecture's formulas (L21-L23), their deltas (L25), and finite values far out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnjax.network.losses import LOSSES

Z = np.array([[0.3, -1.2, 2.0], [1.5, 0.1, -0.4]])
Y = np.eye(3)[[2, 0]]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


SOFTMAX = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
FORMULAS = {
    "cross_entropy": -np.sum(Y * np.log(SOFTMAX), axis=1),  # L23
    "log_loss": -np.sum(Y * np.log(sigmoid(Z)) + (1 - Y) * np.log(1 - sigmoid(Z)), axis=1),  # L21
    "squared_error": np.sum((Z - Y) ** 2, axis=1) / 2,  # L22
    "sigmoid_squared_error": np.sum((sigmoid(Z) - Y) ** 2, axis=1) / 2,  # L22
    "perceptron": [0.3, 0.1],  # L17: of row 1 the first output is on the wrong side, of row 2 the second
}
DELTAS = {  # L25
    "cross_entropy": SOFTMAX - Y,
    "log_loss": sigmoid(Z) - Y,
    "squared_error": Z - Y,
    "sigmoid_squared_error": (sigmoid(Z) - Y) * sigmoid(Z) * (1 - sigmoid(Z)),
    "perceptron": [[1, 0, 0], [0, 1, 0]],  # -y of the mistakes, y = -1
}


@pytest.mark.parametrize("name", LOSSES)
def test_value_and_delta_are_the_lectures(name):
    with jax.enable_x64(True):
        z, y = jnp.asarray(Z), jnp.asarray(Y)
        np.testing.assert_allclose(LOSSES[name].value(z, y), FORMULAS[name], rtol=1e-13)
        np.testing.assert_allclose(LOSSES[name].delta(z, y), DELTAS[name], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", LOSSES)
def test_delta_is_the_derivative_of_the_value(name):
    with jax.enable_x64(True):
        z, y = jnp.asarray(Z), jnp.asarray(Y)
        automatic = jax.grad(lambda z: LOSSES[name].value(z, y).sum())(z)
        np.testing.assert_allclose(LOSSES[name].delta(z, y), automatic, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("size", [1e4, -1e4])
def test_logits_far_out_stay_finite(name, size):
    z, y = jnp.array([[size, 0.0]]), jnp.array([[0.0, 1.0]])
    assert jnp.isfinite(LOSSES[name].value(z, y)).all()
    assert jnp.isfinite(LOSSES[name].delta(z, y)).all()


def test_outputs():
    z = jnp.asarray(Z, jnp.float32)
    softmax, one_vs_rest = LOSSES["cross_entropy"].output(z), LOSSES["log_loss"].output(z)
    np.testing.assert_allclose(softmax.sum(axis=1), 1, rtol=1e-6)  # L7: coordinated
    assert (jnp.abs(one_vs_rest.sum(axis=1) - 1) > 0.1).any()  # L6: each by itself
    np.testing.assert_array_equal(LOSSES["squared_error"].output(z), z)  # L8
    np.testing.assert_array_equal(LOSSES["perceptron"].output(z), [[1, 0, 1], [1, 1, 0]])  # L17


def test_an_instance_on_the_line_is_a_mistake_for_jax_grad_too():
    """L18: from theta = 0, where z = 0, the perceptron must move: by y, not by half of it; and h is that of class 0."""
    loss, z, y = LOSSES["perceptron"], jnp.zeros((2, 1)), jnp.array([[0.0], [1.0]])
    np.testing.assert_array_equal(loss.delta(z, y), [[1], [-1]])
    np.testing.assert_array_equal(jax.grad(lambda z: loss.value(z, y).sum())(z), [[1], [-1]])
    np.testing.assert_array_equal(loss.value(z, y), [0, 0])
    np.testing.assert_array_equal(loss.output(z), [[0], [0]])


def test_a_perceptron_s_nan_is_seen():
    assert jnp.isnan(LOSSES["perceptron"].value(jnp.full((1, 1), jnp.nan), jnp.ones((1, 1)))).all()
