"""A layer of maps: a unit sees one window of all maps below, and the units of a map share their weights (L16).

    forward      z[m, r, c] = b[m] + sum_kij Theta[m, k, i, j] x[k, stride r + i, stride c + j]      a = g(z)

As products of matrices, with S = im2col(x) the windows, a column each, and M the matrix of Theta:

    forward      z = M S + b
    backward     delta = d_out * g'(z)      dM = delta S^T      db = sum of delta      dS = M^T delta

These are the dense layer's equations (L2, L26, L27) with a window for x. Theta collects dM over the units that share
it, and d_in collects dS over the windows that share a pixel.

How it is made fast on CPUs, where a convolution's gradient inside a compiled loop is slow (jax-ml/jax#12868):
1. The batch is the last axis: windows are copied, added and activated in runs as long as the batch.
2. A window serves a block of 2 x 2 units, which are pooled next: (5 + 1)^2 = 36 numbers are copied, not 4 * 25, for
   44 % more multiplications by zeros. The products have four times as many rows, which suits them.
3. The units of a block are an axis of their own, so that pooling adds four arrays and needs no windows of its own.
4. The gradient of the windows is added up in whole blocks (`im2col.col2im`), not pixel by pixel.
5. delta is stacked from its parts, so that XLA finishes 4 first, and does so once, not for each unit of the block.
Variants and times: experiments/benchmarks, `lenet5`.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from nnjax.network.activations import Activation
from nnjax.network.initializers import Initializer
from nnjax.network.layers.dense import Layer
from nnjax.network.layers.im2col import col2im, crop, im2col, pad
from nnjax.network.matmul import Product, matmul

Images = Float[Array, "maps_in height width batch"]
Windows = Float[Array, "maps_in window rows columns batch"]
Units = Float[Array, "maps_out block rows columns batch"]
Weights = Float[Array, "maps_out maps_in size size"]
Matrix = Float[Array, "block_out window_in"]


class Geometry(NamedTuple):
    """Where the units of a map look.

    Attributes:
        stride: pixels from the window of one unit to that of the next.
        padding: `valid`, or `same` with zeros around the images.
        block: units come in blocks of block x block, as a pooling layer takes them. Units that fill no block are left
            out.
    """

    stride: int = 1
    padding: str = "valid"
    block: int = 1


class Residuals(NamedTuple):
    """What the forward pass keeps for the backward pass.

    Attributes:
        x: the layer's inputs (maps_in, height, width, batch).
        windows: what the blocks see (maps_in, window^2, rows, columns, batch).
        z: pre-activations (maps_out, block^2, rows, columns, batch).
        a: activations g(z), of the same shape.
    """

    x: Images
    windows: Windows
    z: Units
    a: Units


def init(
    key: Key[Array, ""],
    maps: tuple[int, int],
    size: int,
    initializer: Initializer,
    scale: Float[Array, ""] | float,
) -> Layer:
    """Return Theta = scale * initializer, of shape (maps_out, maps_in, size, size), and b = 0 (L33).

    maps: (maps_in, maps_out). A unit has maps_in * size^2 inputs.
    """
    maps_in, maps_out = maps
    drawn = initializer(key, (maps_out, maps_in * size**2)).reshape(maps_out, maps_in, size, size)
    return Layer((scale * drawn).astype(float), jnp.zeros(maps_out))


def forward(
    layer: Layer, x: Images, g: Activation, geometry: Geometry, product: Product = matmul
) -> tuple[Units, Residuals]:
    """Compute a = g(M S + b) for padded x (L2, L16), and what `backward` needs. `product` multiplies matrices.

    a is (maps_out, block^2, rows, columns, batch), the unit (p, q) of a block at p * block + q.
    """
    stride, padding, block = geometry
    size = layer.Theta.shape[-1]
    windows = im2col(pad(x, size, stride, padding), size + (block - 1) * stride, block * stride)
    maps_in, window, *places = windows.shape
    z = product(block_matrix(layer.Theta, stride, block), windows.reshape(maps_in * window, -1))
    z = z.reshape(len(layer.b), block**2, *places) + layer.b[:, None, None, None, None]
    a = g.value(z)
    return a, Residuals(x, windows, z, a)


def backward(
    layer: Layer, residuals: Residuals, d_out: Units, g: Activation, geometry: Geometry, product: Product = matmul
) -> tuple[Layer, Images]:
    """Compute the gradients of Theta, b (L27) and x (L26), from d_out = d cost / d a."""
    stride, padding, block = geometry
    x, windows, z, a = residuals
    Theta, maps, size = layer.Theta, len(layer.b), layer.Theta.shape[-1]
    parts = [d_out[:, i] * g.derivative(z[:, i], a[:, i]) for i in range(block**2)]
    delta = jnp.stack(parts, axis=1).reshape(maps * block**2, -1)
    dM = product(delta, windows.reshape(-1, delta.shape[1]).T)
    db = delta.sum(axis=1).reshape(maps, -1).sum(axis=1)
    dS = product(block_matrix(Theta, stride, block).T, delta).reshape(windows.shape)
    d_in = col2im(dS, size + (block - 1) * stride, block * stride, pad(x, size, stride, padding).shape)
    dTheta = block_matrix_backward(dM, Theta.shape, stride, block)
    return Layer(dTheta, db), crop(d_in, size, stride, padding, x.shape)


def block_matrix(Theta: Weights, stride: int, block: int) -> Matrix:
    """Return M: Theta for a block of units and the window that they see together, zero where a unit doesn't look."""
    places = [(p * stride, q * stride) for p in range(block) for q in range(block)]
    last = (block - 1) * stride
    shifted = [jnp.pad(Theta, ((0, 0), (0, 0), (p, last - p), (q, last - q))) for p, q in places]
    return jnp.stack(shifted, axis=1).reshape(len(Theta) * block**2, -1)


def block_matrix_backward(dM: Matrix, shape: tuple[int, ...], stride: int, block: int) -> Weights:
    """Return the gradient of a Theta of this shape from that of M: the adjoint of `block_matrix`."""
    maps_out, maps_in, size, _ = shape
    window = size + (block - 1) * stride
    parts = dM.reshape(maps_out, block, block, maps_in, window, window)
    places = [(p, q) for p in range(block) for q in range(block)]
    return sum(  # type: ignore[return-value]
        parts[:, p, q, :, p * stride : p * stride + size, q * stride : q * stride + size] for p, q in places
    )
