"""Convolution, pooling and flattening (L16): the lecture's sums, and backward the Jacobian transposed (L26, L27)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnjax.network.activations import ACTIVATIONS
from nnjax.network.gradient_check import QUICK
from nnjax.network.initializers import normal
from nnjax.network.layers import convolution, im2col, pooling
from nnjax.network.layers.convolution import Geometry
from nnjax.network.layers.dense import Layer

TANH = ACTIVATIONS["tanh"]
CASES = 8


def draw(seed):
    """A random layer, images and geometry: 1 to 3 maps, kernels 1 to 4, strides 1 to 3, blocks 1 to 3."""
    rng = np.random.default_rng(seed)
    maps_in, maps_out, batch = rng.integers(1, 4, 3)
    size, stride, block = int(rng.integers(1, 5)), int(rng.integers(1, 4)), int(rng.integers(1, 4))
    window = size + (block - 1) * stride
    height, width = window + rng.integers(0, 6, 2)
    layer = Layer(jnp.asarray(rng.normal(size=(maps_out, maps_in, size, size))), jnp.asarray(rng.normal(size=maps_out)))
    x = jnp.asarray(rng.normal(size=(maps_in, height, width, batch)))
    return layer, x, Geometry(stride, ("valid", "same")[seed % 2], block)


def in_place(a, block):
    """Units in blocks (maps, block^2, rows, columns, batch) where they stand in the map."""
    maps, _, rows, columns, batch = a.shape
    units = a.reshape(maps, block, block, rows, columns, batch).transpose(0, 3, 1, 4, 2, 5)
    return units.reshape(maps, block * rows, block * columns, batch)


def by_lax(layer, x, geometry):
    """The same by XLA's own convolution."""
    dimensions = ("CHWN", "OIHW", "CHWN")
    z = jax.lax.conv_general_dilated(
        x, layer.Theta, (geometry.stride,) * 2, geometry.padding.upper(), dimension_numbers=dimensions
    )
    return jnp.tanh(z + layer.b[:, None, None, None])


def derivatives(function, arguments, d_out, by_hand):
    """Gradients by hand and by jax.vjp, and the slope along a random direction measured and by hand (L32)."""
    rng = np.random.default_rng(0)
    leaves, tree = jax.tree.flatten(arguments)
    direction = [rng.normal(size=leaf.shape) for leaf in leaves]
    after, before = (
        function(*jax.tree.unflatten(tree, [a + step * d for a, d in zip(leaves, direction, strict=True)]))
        for step in (1e-6, -1e-6)
    )
    hand = jax.tree.leaves(by_hand)
    slope = sum(jnp.vdot(gradient, d) for gradient, d in zip(hand, direction, strict=True))
    _, pull = jax.vjp(function, *arguments)
    return hand, jax.tree.leaves(pull(d_out)), jnp.vdot(d_out, after - before) / 2e-6, slope


def agree(hand, automatic, measured, slope, d_out):
    for found, expected in zip(hand, automatic, strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-12)
    assert float(measured) == pytest.approx(float(slope), rel=1e-6, abs=1e-6 * np.linalg.norm(np.asarray(d_out)))


def test_a_unit_is_the_sum_over_its_window():
    """L1 for one unit: its map's weights times its window of every map below, and the map's bias."""
    with jax.enable_x64(True):
        layer, x, _ = draw(3)
        a, _ = convolution.forward(layer, x, TANH, Geometry(stride=2))
        Theta, size = np.asarray(layer.Theta), layer.Theta.shape[-1]
        for m, r, c, n in [(0, 0, 0, 0), (len(Theta) - 1, a.shape[2] - 1, a.shape[3] - 1, a.shape[4] - 1)]:
            z = float(layer.b[m])
            for k in range(x.shape[0]):
                for i in range(size):
                    for j in range(size):
                        z += Theta[m, k, i, j] * float(x[k, 2 * r + i, 2 * c + j, n])
            assert float(a[m, 0, r, c, n]) == pytest.approx(np.tanh(z), rel=1e-12)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.ci) for seed in range(1, CASES))])
def test_both_passes_are_xlas(seed):
    """Random kernels, strides, paddings and blocks: XLA's own convolution, and the transpose of its Jacobian."""

    def program(layer, x, d_out):
        a, kept = convolution.forward(layer, x, TANH, geometry)
        by_hand = convolution.backward(layer, kept, d_out, TANH, geometry)
        expected = by_lax(layer, x, geometry)

        def whole_blocks(layer, x):
            return by_lax(layer, x, geometry)[:, : in_place(a, geometry.block).shape[1], : a.shape[3] * geometry.block]

        wanted = in_place(d_out, geometry.block)
        return in_place(a, geometry.block), expected, derivatives(whole_blocks, (layer, x), wanted, by_hand)

    with jax.enable_x64(True):
        layer, x, geometry = draw(seed)
        shape = jax.eval_shape(lambda: convolution.forward(layer, x, TANH, geometry)[0]).shape
        d_out = jnp.asarray(np.random.default_rng(seed).normal(size=shape))
        found, expected, compared = jax.device_get(jax.jit(program, compiler_options=QUICK)(layer, x, d_out))
    for axis in (1, 2):
        assert 0 <= expected.shape[axis] - found.shape[axis] < geometry.block
    np.testing.assert_allclose(found, expected[:, : found.shape[1], : found.shape[2]], rtol=1e-12, atol=1e-12)
    agree(*compared, d_out)


@pytest.mark.parametrize("kind", ["average", "max"])
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (2, 3), (1, 1)])
def test_pooling_of_windows(kind, size, stride):
    """Any window and stride: XLA's reduce_window, and its derivative."""
    forward, backward, _ = pooling.POOLINGS[kind]
    start, operation = (0.0, jax.lax.add) if kind == "average" else (-jnp.inf, jax.lax.max)

    def by_lax(x):
        reduced = jax.lax.reduce_window(x, start, operation, (1, size, size, 1), (1, stride, stride, 1), "VALID")
        return reduced / size**2 if kind == "average" else reduced

    def program(x):
        out, kept = forward(im2col.im2col(x, size, stride))
        d_out = jnp.cos(out)
        by_hand = (im2col.col2im(backward(kept, d_out), size, stride, x.shape),)
        return out, by_lax(x), derivatives(by_lax, (x,), d_out, by_hand), d_out

    with jax.enable_x64(True):
        x = jnp.asarray(np.random.default_rng(size).normal(size=(2, 7, 8, 3)))
        found, expected, compared, d_out = jax.device_get(jax.jit(program, compiler_options=QUICK)(x))
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    agree(*compared, d_out)


def test_equally_large_numbers_share():
    a = jnp.array([1.0, 3.0, 3.0, 2.0]).reshape(1, 4, 1, 1, 1)
    _, kept = pooling.maximum(a)
    np.testing.assert_array_equal(pooling.maximum_backward(kept, jnp.ones((1, 1, 1, 1))).ravel(), [0, 0.5, 0.5, 0])


def test_rows_and_back():
    """L14: a row is an image's pixels, row by row; a layer's maps are flattened one after another."""
    x = jnp.arange(2 * 12.0).reshape(2, 12)
    made = im2col.from_rows(x, 3, 4)
    np.testing.assert_array_equal(made[0, :, :, 1], x[1].reshape(3, 4))
    np.testing.assert_array_equal(im2col.flatten(made), x)
    maps = jnp.arange(24.0).reshape(2, 2, 2, 3)
    rows = im2col.flatten(maps)
    np.testing.assert_array_equal(rows[2], maps[..., 2].ravel())
    np.testing.assert_array_equal(im2col.flatten_backward(rows, maps.shape), maps)


@pytest.mark.parametrize(("length", "size", "stride"), [(28, 5, 1), (7, 3, 2), (8, 3, 2), (5, 1, 3), (6, 4, 3)])
def test_same_padding_fits_one_window_a_stride(length, size, stride):
    before, after = im2col.margins(length, size, stride, "same")
    assert after - before in (0, 1)
    assert (length + before + after - size) // stride + 1 == -(-length // stride)
    assert im2col.margins(length, size, stride, "valid") == (0, 0)


def test_init_scales_the_weights_and_not_the_bias():
    one, three = (convolution.init(jax.random.key(0), (2, 4), 5, normal, scale) for scale in (1.0, 3.0))
    assert one.Theta.shape == (4, 2, 5, 5)
    np.testing.assert_allclose(three.Theta, 3 * one.Theta, rtol=1e-6)
    assert (three.b == 0).all()
