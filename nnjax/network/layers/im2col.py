"""Batches of images, batch last: (maps, height, width, batch), and their windows.

With the batch last, moving a window moves whole rows of numbers, and every operation on one pixel is one on a vector.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

Images = Float[Array, "maps height width batch"]
Resized = Float[Array, "maps _ _ batch"]
Windows = Float[Array, "maps window rows columns batch"]


def from_rows(x: Float[Array, "batch pixels"], height: int, width: int) -> Float[Array, "1 height width batch"]:
    """One map each from images unrolled row by row (L14)."""
    return x.T.reshape(1, height, width, len(x))


def flatten(x: Images) -> Float[Array, "batch units"]:
    """Rows as a fully connected layer takes them: map by map, row by row."""
    return x.reshape(-1, x.shape[-1]).T


def flatten_backward(d_out: Float[Array, "batch units"], shape: tuple[int, ...]) -> Images:
    """The gradient of the images of this shape, from that of their rows."""
    return d_out.T.reshape(shape)


def margins(length: int, size: int, stride: int, padding: str) -> tuple[int, int]:
    """Zeros before and after an axis: none for `valid`; for `same` so many that ceil(length / stride) windows fit.

    Where their number is odd, the one more is after, as TensorFlow has it.
    """
    if padding == "valid":
        return 0, 0
    zeros = max((-(-length // stride) - 1) * stride + size - length, 0)
    return zeros // 2, zeros - zeros // 2


def padded(x: Images, size: int, stride: int, padding: str) -> Resized:
    """The images with zeros around them."""
    height, width = (margins(length, size, stride, padding) for length in x.shape[1:3])
    return jnp.pad(x, ((0, 0), height, width, (0, 0)))


def cropped(x: Images, size: int, stride: int, padding: str, shape: tuple[int, ...]) -> Resized:
    """The adjoint of `padded`: what lies in the images of this shape."""
    top, left = (margins(length, size, stride, padding)[0] for length in shape[1:3])
    return x[:, top : top + shape[1], left : left + shape[2]]


def im2col(x: Images, size: int, stride: int) -> Windows:
    """Pixel (i, j) of every size x size window, at i * size + j of the second axis; rows that fill none are left out.

    out[m, i * size + j, r, c] = x[m, stride r + i, stride c + j]; (maps, size^2, rows, columns, batch).
    """
    rows, columns = (stride * ((length - size) // stride) + 1 for length in x.shape[1:3])
    lines = jnp.stack([x[:, i : i + rows : stride] for i in range(size)], axis=1)
    seen = jnp.stack([lines[:, :, :, j : j + columns : stride] for j in range(size)], axis=2)
    return seen.reshape(len(x), size**2, *seen.shape[3:])


def col2im(d_out: Windows, size: int, stride: int, shape: tuple[int, ...]) -> Images:
    """The adjoint of `windows`: every pixel of images of this shape gets the sum of its places in all windows.

    Pixel stride R + s of an axis is place s of the windows at R, place s + stride of those at R - 1, and so on: the
    windows of each such u are added as one block, at u, to pixels that lie sorted by s.
    """
    maps, _, rows, columns, batch = d_out.shape
    d_out = d_out.reshape(maps, size, size, rows, columns, batch)
    reach = -(-size // stride)
    shape_sorted = (maps, stride, stride, rows + reach - 1, columns + reach - 1, batch)
    d_in = jnp.zeros(shape_sorted, d_out.dtype)
    for u in range(reach):
        for v in range(reach):
            block = d_out[:, u * stride : (u + 1) * stride, v * stride : (v + 1) * stride]
            d_in = d_in.at[:, : block.shape[1], : block.shape[2], u : u + rows, v : v + columns].add(block)
    height, width = stride * shape_sorted[3], stride * shape_sorted[4]
    d_in = d_in.transpose(0, 3, 1, 4, 2, 5).reshape(maps, height, width, batch)[:, : shape[1], : shape[2]]
    missing = ((0, 0), (0, max(shape[1] - height, 0)), (0, max(shape[2] - width, 0)), (0, 0))
    return jnp.pad(d_in, missing) if height < shape[1] or width < shape[2] else d_in
