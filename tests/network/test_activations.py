"""Activations: g' is the derivative of g (L26), and the conventions at kinks and far out."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnjax.network.activations import ACTIVATIONS, relu, relu_derivative, sigmoid, softplus

POINTS = np.array([-30.0, -2.0, -0.3, 1e-3, 0.7, 2.0, 30.0])


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivative_is_that_of_the_function(name):
    g = ACTIVATIONS[name]
    with jax.enable_x64(True):
        z = jnp.asarray(POINTS)
        np.testing.assert_allclose(g.derivative(z, g.value(z)), jax.vmap(jax.grad(g.value))(z), rtol=1e-13, atol=1e-13)


def test_sigmoid_is_its_equation():
    np.testing.assert_allclose(sigmoid(jnp.asarray(POINTS)), 1 / (1 + np.exp(-POINTS)), rtol=1e-6)  # L1


def test_relu_at_its_kink_has_derivative_0():
    z = jnp.zeros(1)
    assert relu_derivative(z, relu(z)) == 0


def test_far_out_nothing_overflows():
    z = jnp.array([-1e4, 1e4])
    assert jnp.isfinite(sigmoid(z)).all()
    np.testing.assert_array_equal(softplus(z), [0, 1e4])
