"""Pooling: one number for each window, its average or its largest. There are no parameters (L16).

Windows are an axis of (maps, window, rows, columns, batch): those of `im2col`, or the blocks of a convolution. They are
added and compared place by place: a reduction over that axis takes XLA ten times as long on CPUs.
"""

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

import jax.numpy as jnp

from nnjax.network.layers.im2col import Images, Windows


class Pooling(NamedTuple):
    """A kind of pooling.

    Attributes:
        forward: windows -> (images, residuals).
        backward: (residuals, d_out like the images) -> the gradient of the windows.
        smooth: whether its derivative exists everywhere.
    """

    forward: Callable[[Windows], tuple[Images, Windows]]
    backward: Callable[[Windows, Images], Windows]
    smooth: bool


def average(a: Windows) -> tuple[Images, Windows]:
    """Compute the mean of each window, and return the windows as residuals."""
    return reduce(jnp.add, [a[:, i] for i in range(a.shape[1])]) / a.shape[1], a


def average_backward(residuals: Windows, d_out: Images) -> Windows:
    """Give each place of a window an equal share of d_out."""
    return jnp.broadcast_to(d_out[:, None] / residuals.shape[1], residuals.shape)


def maximum(a: Windows) -> tuple[Images, Windows]:
    """Compute the largest number of each window; the residuals are the share that each place has in it."""
    largest = reduce(jnp.maximum, [a[:, i] for i in range(a.shape[1])])
    equal = (a == largest[:, None]).astype(a.dtype)
    return largest, equal / reduce(jnp.add, [equal[:, i] for i in range(a.shape[1])])[:, None]


def maximum_backward(residuals: Windows, d_out: Images) -> Windows:
    """Give d_out to the largest place; at the kink, where several are largest, equal shares, as `jax.grad` does."""
    return d_out[:, None] * residuals


POOLINGS = {
    "average": Pooling(average, average_backward, smooth=True),
    "max": Pooling(maximum, maximum_backward, smooth=False),
}
