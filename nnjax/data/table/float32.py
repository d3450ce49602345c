"""Numbers of any kind as float32: what that can't hold, or tell apart, is refused."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnjax.errors import InputError

LARGEST, SMALLEST = 2.0**127, 2.0**-126  # of float32, about
COARSEST = 1e-3  # a float32's last digit at most, in standard deviations of its column


def single(values: NDArray[Any], where: str) -> NDArray[np.float32]:
    """Return finite numbers as float32; raise InputError where it cannot hold them or tell them apart."""
    wide, above = values.astype(float), from_least(values)
    top = float(np.abs(wide).max())
    if top > LARGEST:
        raise InputError(f"{where}: {top:g} is too large, float32 holds up to {LARGEST:g}")
    spread = float(above.std())
    step = float(np.spacing(np.float32(top)))
    if above.any() and (step > COARSEST * spread or spread < SMALLEST):
        small = spread < SMALLEST
        what = f"values about {spread:.2g} apart" + ("" if small else f" at {top:g}")
        raise InputError(f"{where}: {what} are not told apart by float32: {'multiply' if small else 'shift'} them")
    return wide.astype(np.float32)


def from_least(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return how far each number is above the least, float64; of integers exactly, which float64 rounds from 2^53 on.

    Integers of 64 bits are subtracted modulo 2^64, in which their distances are right for either sign.
    """
    wide = values.astype(np.uint64 if values.dtype.kind in "iu" else float)
    return np.asarray(wide - values.min().astype(wide.dtype), float)
