"""Pooling: one number of each window, its average or its largest; no parameters (L16).

Windows are an axis (maps, window, rows, columns, batch): those of `images.windows`, or a convolution's blocks. Windows
are added and compared place by place: a reduction over that axis takes XLA ten times as long on CPUs.
"""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import jax.numpy as jnp

from nnjax.network.layers.im2col import Images, Windows


class Pooling(NamedTuple):
    """A kind of pooling.

    Attributes:
        forward: windows -> (images, kept).
        backward: (kept, d_out like the images) -> the gradient of the windows.
        smooth: whether its derivative exists everywhere.
    """

    forward: Callable[[Windows], tuple[Images, Windows]]
    backward: Callable[[Windows, Images], Windows]
    smooth: bool


def average(a: Windows) -> tuple[Images, Windows]:
    """The mean of each window, without weights of its own; keeps the windows."""
    return reduce(jnp.add, [a[:, i] for i in range(a.shape[1])]) / a.shape[1], a


def average_backward(kept: Windows, d_out: Images) -> Windows:
    """Each place of a window has an equal share of its mean."""
    return jnp.broadcast_to(d_out[:, None] / kept.shape[1], kept.shape)


def maximum(a: Windows) -> tuple[Images, Windows]:
    """The largest of each window; keeps the share that each place has in it."""
    largest = reduce(jnp.maximum, [a[:, i] for i in range(a.shape[1])])
    equal = (a == largest[:, None]).astype(a.dtype)
    return largest, equal / reduce(jnp.add, [equal[:, i] for i in range(a.shape[1])])[:, None]


def maximum_backward(kept: Windows, d_out: Images) -> Windows:
    """All of it for the largest; at the kink, where several are equally large, as much for each, as `jax.grad` says."""
    return d_out[:, None] * kept


POOLINGS = {
    "average": Pooling(average, average_backward, smooth=True),
    "max": Pooling(maximum, maximum_backward, smooth=False),
}
