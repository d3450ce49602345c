"""Images and their windows as arrays with the batch last: (maps, height, width, batch) (L14, L16).

`im2col` copies the windows of an image into the columns of a matrix, so that a convolution is one product of matrices.
`col2im` is its adjoint, which the gradient needs. With the batch last, moving a window moves whole rows of numbers, and
an operation on one pixel is an operation on a vector.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

Images = Float[Array, "maps height width batch"]
Resized = Float[Array, "maps _ _ batch"]
Windows = Float[Array, "maps window rows columns batch"]


def from_rows(x: Float[Array, "batch pixels"], height: int, width: int) -> Float[Array, "1 height width batch"]:
    """Return images of one map each from images unrolled row by row (L14)."""
    return x.T.reshape(1, height, width, len(x))


def flatten(x: Images) -> Float[Array, "batch units"]:
    """Return images as the inputs of a fully connected layer, unrolled map by map and row by row."""
    return x.reshape(-1, x.shape[-1]).T


def flatten_backward(d_out: Float[Array, "batch units"], shape: tuple[int, ...]) -> Images:
    """Return the gradient of images of this shape from that of their unrolled rows."""
    return d_out.T.reshape(shape)


def margins(length: int, size: int, stride: int, padding: str) -> tuple[int, int]:
    """Return how many zeros stand before and after an axis of this length, for windows of `size` pixels.

    None for the padding `valid`; for `same` so many that ceil(length / stride) windows fit. If their number is odd, the
    one more stands after, as in TensorFlow.
    """
    if padding == "valid":
        return 0, 0
    zeros = max((-(-length // stride) - 1) * stride + size - length, 0)
    return zeros // 2, zeros - zeros // 2


def pad(x: Images, size: int, stride: int, padding: str) -> Resized:
    """Return the images with `margins` of zeros around them."""
    height, width = (margins(length, size, stride, padding) for length in x.shape[1:3])
    return jnp.pad(x, ((0, 0), height, width, (0, 0)))


def crop(x: Images, size: int, stride: int, padding: str, shape: tuple[int, ...]) -> Resized:
    """Return images of this shape without their `margins`: the adjoint of `pad`."""
    top, left = (margins(length, size, stride, padding)[0] for length in shape[1:3])
    return x[:, top : top + shape[1], left : left + shape[2]]


def im2col(x: Images, size: int, stride: int) -> Windows:
    """Return all size x size windows: out[m, i * size + j, r, c] = x[m, stride r + i, stride c + j].

    The result is (maps, size^2, rows, columns, batch). Pixels that fill no whole window are left out. Lines are copied
    first and columns from those, which takes a third of the time to compile and as long to run.
    """
    rows, columns = (stride * ((length - size) // stride) + 1 for length in x.shape[1:3])
    lines = jnp.stack([x[:, i : i + rows : stride] for i in range(size)], axis=1)
    windows = jnp.stack([lines[:, :, :, j : j + columns : stride] for j in range(size)], axis=2)
    return windows.reshape(len(x), size**2, *windows.shape[3:])


def col2im(d_out: Windows, size: int, stride: int, shape: tuple[int, ...]) -> Images:
    """Return the adjoint of `im2col`: each pixel of images of this shape gets the sum of its places in all windows.

    Pixel stride R + s of an axis is place s of the windows at R, place s + stride of those at R - 1, and so on. So the
    windows are added in whole blocks, one for each such step (u, v), to pixels that are sorted by s.
    """
    maps, _, rows, columns, batch = d_out.shape
    d_out = d_out.reshape(maps, size, size, rows, columns, batch)
    steps = -(-size // stride)
    shape_sorted = (maps, stride, stride, rows + steps - 1, columns + steps - 1, batch)
    d_in = jnp.zeros(shape_sorted, d_out.dtype)
    for u in range(steps):
        for v in range(steps):
            block = d_out[:, u * stride : (u + 1) * stride, v * stride : (v + 1) * stride]
            d_in = d_in.at[:, : block.shape[1], : block.shape[2], u : u + rows, v : v + columns].add(block)
    height, width = stride * shape_sorted[3], stride * shape_sorted[4]
    d_in = d_in.transpose(0, 3, 1, 4, 2, 5).reshape(maps, height, width, batch)[:, : shape[1], : shape[2]]
    missing = ((0, 0), (0, max(shape[1] - height, 0)), (0, max(shape[2] - width, 0)), (0, 0))
    return jnp.pad(d_in, missing) if height < shape[1] or width < shape[2] else d_in
