"""The dense layer: vectorised it is the lecture's sums (L1, L4), backward the transpose of its Jacobian."""

import jax
import jax.numpy as jnp
import numpy as np

from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import normal
from nnjax.network.layers import dense

G = ACTIVATIONS["tanh"]


def layer_and_rows():
    rng = np.random.default_rng(3)
    return dense.Layer(jnp.asarray(rng.normal(size=(3, 4))), jnp.asarray(rng.normal(size=3))), jnp.asarray(
        rng.normal(size=(5, 4))
    )


def test_forward_is_the_sum_of_each_unit():
    with jax.enable_x64(True):
        layer, x = layer_and_rows()
        a, _ = dense.forward(layer, x, G)
        for row in range(5):
            for unit in range(3):
                z = sum(float(layer.Theta[unit, j] * x[row, j]) for j in range(4)) + float(layer.b[unit])
                np.testing.assert_allclose(a[row, unit], np.tanh(z), rtol=1e-13)


def test_backward_is_the_vector_jacobian_product():
    with jax.enable_x64(True):
        layer, x = layer_and_rows()
        a, kept = dense.forward(layer, x, G)
        d_out = jnp.cos(a)
        grads, d_in = dense.backward(layer, kept, d_out, G)
        _, pull = jax.vjp(lambda layer, x: dense.forward(layer, x, G)[0], layer, x)
        for found, expected in zip(jax.tree.leaves((grads, d_in)), jax.tree.leaves(pull(d_out)), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_init_scales_the_weights_and_not_the_bias():
    one, three = (dense.init(jax.random.key(0), 4, 3, normal, scale) for scale in (1.0, 3.0))
    np.testing.assert_allclose(three.Theta, 3 * one.Theta, rtol=1e-6)
    assert (three.b == 0).all()
