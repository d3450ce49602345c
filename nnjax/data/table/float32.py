"""Numbers of any type as float32. Values that float32 cannot hold, or cannot distinguish, are refused."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnjax.errors import InputError

LARGEST, SMALLEST = 2.0**127, 2.0**-126  # of float32, rounded
MAX_STEP = 1e-3  # the largest allowed distance of neighbouring float32 numbers, in standard deviations of the column


def to_float32(values: NDArray[Any], place: str) -> NDArray[np.float32]:
    """Return finite numbers as float32.

    place: of the values, for errors. Raises InputError where float32 cannot hold or distinguish the values.
    """
    wide, distances = values.astype(float), distance_from_minimum(values)
    top = float(np.abs(wide).max())
    if top > LARGEST:
        raise InputError(f"{place}: {top:g} is too large for float32", f"at most {LARGEST:g}")
    deviation = float(distances.std())
    step = float(np.spacing(np.float32(top)))
    if distances.any() and (step > MAX_STEP * deviation or deviation < SMALLEST):
        small = deviation < SMALLEST
        size = "" if small else f" at {top:g}"
        problem = f"{place}: float32 does not distinguish values about {deviation:.2g} apart{size}"
        raise InputError(problem, f"{'multiplied' if small else 'shifted'} values")
    return wide.astype(np.float32)


def distance_from_minimum(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return by how much each number is above the smallest, float64.

    Differences of integers are exact, although float64 rounds integers from 2^53 on: 64-bit integers are subtracted
    modulo 2^64, where their distances are right for both signs.
    """
    wide = values.astype(np.uint64 if values.dtype.kind in "iu" else float)
    return np.asarray(wide - values.min().astype(wide.dtype), float)
