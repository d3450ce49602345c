"""The dense layer: vectorised it is the lecture's sums (L1, L4), backward the transpose of its Jacobian (L26, L27)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import normal
from nnjax.network.layers import dense

G = ACTIVATIONS["tanh"]


def layer_and_rows(n_out=3, n_in=4, rows=5):
    rng = np.random.default_rng(3)
    layer = dense.Layer(jnp.asarray(rng.normal(size=(n_out, n_in))), jnp.asarray(rng.normal(size=n_out)))
    return layer, jnp.asarray(rng.normal(size=(rows, n_in)))


def test_forward_is_the_sum_of_each_unit():
    with jax.enable_x64(True):
        layer, x = layer_and_rows()
        a, _ = dense.forward(layer, x, G)
        for row in range(5):
            for unit in range(3):
                z = sum(float(layer.Theta[unit, j] * x[row, j]) for j in range(4)) + float(layer.b[unit])
                np.testing.assert_allclose(a[row, unit], np.tanh(z), rtol=1e-13)


@pytest.mark.parametrize("shape", [(3, 4, 5), (30, 20, 10), (100, 150, 128), (260, 260, 128)])  # each kind of product
def test_backward_is_the_vector_jacobian_product(shape):
    with jax.enable_x64(True):
        layer, x = layer_and_rows(*shape)
        a, kept = dense.forward(layer, x, G)
        d_out = jnp.cos(a)
        grads, d_in = jax.jit(lambda layer, kept, d_out: dense.backward(layer, kept, d_out, G))(layer, kept, d_out)
        _, pull = jax.vjp(lambda layer, x: dense.forward(layer, x, G)[0], layer, x)
        for found, expected in zip(jax.tree.leaves((grads, d_in)), jax.tree.leaves(pull(d_out)), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12 if x.size > 100 else 1e-14)


def test_the_worked_3_3_1_network_joined():
    """L3: Theta^(1) is 3 x 4, Theta^(2) 1 x 4, column 0 the bias; a_0 = 1 in front of a gives the same z (L2)."""
    rng = np.random.default_rng(0)
    layers = [dense.Layer(rng.normal(size=(n, 3)), rng.normal(size=n)) for n in (3, 1)]
    assert [dense.to_augmented(layer).shape for layer in layers] == [(3, 4), (1, 4)]
    joined_a = split_a = rng.normal(size=(5, 3))
    with jax.enable_x64(True):
        for layer in layers:
            joined_a = np.tanh(np.c_[np.ones(5), joined_a] @ dense.to_augmented(layer).T)
            split_a, _ = dense.forward(dense.Layer(*map(jnp.asarray, layer)), jnp.asarray(split_a), G)
    np.testing.assert_allclose(split_a, joined_a, rtol=1e-13)


@pytest.mark.parametrize(("kind", "dtype"), [(np, np.float64), (np, np.float32), (jnp, np.float32)])
def test_joined_and_split_lose_nothing(kind, dtype):
    rng = np.random.default_rng(0)
    matrix = kind.asarray(rng.normal(size=(3, 5)).astype(dtype))
    layer = dense.from_augmented(matrix)
    assert (layer.Theta.shape, layer.b.shape) == ((3, 4), (3,))
    for found, given in [
        (dense.to_augmented(layer), matrix),
        *zip(dense.from_augmented(dense.to_augmented(layer)), layer, strict=True),
    ]:
        assert type(found) is type(given)
        assert found.dtype == dtype
        assert (found == given).all()
    assert (layer.b == matrix[:, 0]).all()


def test_init_scales_the_weights_and_not_the_bias():
    one, three = (dense.init(jax.random.key(0), 4, 3, normal, scale) for scale in (1.0, 3.0))
    np.testing.assert_allclose(three.Theta, 3 * one.Theta, rtol=1e-6)
    assert (three.b == 0).all()
