"""A layer of maps: a unit sees one window of all maps below, and the units of a map share their weights (L16).

How it is made fast on CPUs, where a convolution's gradient inside a compiled loop is slow (jax-ml/jax#12868):
1. A convolution is one product of matrices, Theta times the windows; its gradients are the two others (L26, L27).
2. Batch last: windows are copied, added up and activated in runs as long as the batch, never number by number. Their
   lines are copied first, their columns from those: as fast, and a third of the time to compile.
3. A window serves a block of 2 x 2 units, which are pooled next: (5 + 1)^2 = 36 numbers copied instead of 4 * 25, for
   44 % more multiplications by zeros. The products have four times as many rows, which suits them.
4. The units of a block are an axis of their own, so that pooling adds four arrays, without a window of its own.
5. The windows' gradient is added up in whole blocks (`images.overlaid`), not pixel by pixel.
6. delta is stacked from its parts, so that XLA finishes 5 first, instead of once for each unit of the block.
Variants and times: experiments/benchmarks, `lenet5`.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from nnjax.network.activations import Activation
from nnjax.network.initializers import Initializer
from nnjax.network.layers.dense import Layer
from nnjax.network.layers.im2col import col2im, cropped, im2col, padded
from nnjax.network.matmul import Product, matmul

Images = Float[Array, "maps_in height width batch"]
Windows = Float[Array, "maps_in window rows columns batch"]
Units = Float[Array, "maps_out block rows columns batch"]
Theta = Float[Array, "maps_out maps_in size size"]
Matrix = Float[Array, "block_out window_in"]


class Geometry(NamedTuple):
    """Where the units of a map look.

    Attributes:
        stride: pixels from one unit's window to the next one's.
        padding: `valid`, or `same` with zeros around the images.
        block: units come in blocks of block x block, as a pooling layer takes them; a rest that fills none is left out.
    """

    stride: int = 1
    padding: str = "valid"
    block: int = 1


class Kept(NamedTuple):
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
    """Theta = scale * initializer, of shape (maps_out, maps_in, size, size) for maps = (in, out), and b = 0 (L33).

    A unit has maps_in * size^2 inputs.
    """
    maps_in, maps_out = maps
    drawn = initializer(key, (maps_out, maps_in * size**2)).reshape(maps_out, maps_in, size, size)
    return Layer((scale * drawn).astype(float), jnp.zeros(maps_out))


def forward(
    layer: Layer, x: Images, g: Activation, geometry: Geometry, product: Product = matmul
) -> tuple[Units, Kept]:
    """a = g(z), z[m, r, c] = b[m] + sum_kij Theta[m, k, i, j] x[k, stride r + i, stride c + j], for padded x.

    Units stand in blocks: a is (maps_out, block^2, rows, columns, batch), the unit (p, q) of a block at p * block + q.
    """
    stride, padding, block = geometry
    size = layer.Theta.shape[-1]
    seen = im2col(padded(x, size, stride, padding), size + (block - 1) * stride, block * stride)
    maps_in, window, *places = seen.shape
    z = product(block_matrix(layer.Theta, stride, block), seen.reshape(maps_in * window, -1))
    z = z.reshape(len(layer.b), block**2, *places) + layer.b[:, None, None, None, None]
    a = g.value(z)
    return a, Kept(x, seen, z, a)


def backward(
    layer: Layer, kept: Kept, d_out: Units, g: Activation, geometry: Geometry, product: Product = matmul
) -> tuple[Layer, Images]:
    """Gradients of the layer's parameters and of its inputs, from d_out = d cost / d a.

    delta = d_out * g'(z) (L26); the gradients are the dense layer's, with windows for inputs (L27): those of weights
    that units share are summed over the units, and those of pixels over the windows that have them.
    """
    stride, padding, block = geometry
    size, window = layer.Theta.shape[-1], layer.Theta.shape[-1] + (block - 1) * stride
    parts = [d_out[:, i] * g.derivative(kept.z[:, i], kept.a[:, i]) for i in range(block**2)]
    delta = jnp.stack(parts, axis=1).reshape(len(layer.b) * block**2, -1)
    seen = kept.windows.reshape(-1, delta.shape[1])
    d_theta = block_matrix_backward(product(seen, delta.T).T, layer.Theta.shape, stride, block)
    d_b = delta.sum(axis=1).reshape(len(layer.b), -1).sum(axis=1)
    d_seen = product(block_matrix(layer.Theta, stride, block).T, delta).reshape(kept.windows.shape)
    shape_padded = padded(kept.x, size, stride, padding).shape
    d_in = col2im(d_seen, window, block * stride, shape_padded)
    return Layer(d_theta, d_b), cropped(d_in, size, stride, padding, kept.x.shape)


def block_matrix(Theta: Theta, stride: int, block: int) -> Matrix:
    """Theta for a block of units and the window that they see together, zero where a unit doesn't look."""
    places = [(p * stride, q * stride) for p in range(block) for q in range(block)]
    last = (block - 1) * stride
    shifted = [jnp.pad(Theta, ((0, 0), (0, 0), (p, last - p), (q, last - q))) for p, q in places]
    return jnp.stack(shifted, axis=1).reshape(len(Theta) * block**2, -1)


def block_matrix_backward(d_matrix: Matrix, shape: tuple[int, ...], stride: int, block: int) -> Theta:
    """The adjoint of `block_matrix`: the gradient of Theta of this shape."""
    maps_out, maps_in, size, _ = shape
    window = size + (block - 1) * stride
    parts = d_matrix.reshape(maps_out, block, block, maps_in, window, window)
    places = [(p, q) for p in range(block) for q in range(block)]
    return sum(  # type: ignore[return-value]
        parts[:, p, q, :, p * stride : p * stride + size, q * stride : q * stride + size] for p, q in places
    )
