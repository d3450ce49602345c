"""What float32 cannot hold or distinguish is refused, and nothing else."""

import numpy as np
import pytest

from nnjax.data.table.float32 import distance_from_minimum, to_float32
from nnjax.errors import InputError


def test_distances_of_integers_are_exact():
    """2^60 and 2^60 + 1 are one float64; the last two are 2^64 - 1 apart, which no int64 holds."""
    assert distance_from_minimum(np.arange(3) + 2**60).tolist() == [0, 1, 2]
    assert distance_from_minimum(np.arange(3, dtype=np.uint64) + 2**63).tolist() == [0, 1, 2]
    assert distance_from_minimum(np.array([5, -3], np.int8)).tolist() == [8, 0]
    assert distance_from_minimum(np.array([2**63 - 1, -(2**63)])).tolist() == [2.0**64, 0]
    assert distance_from_minimum(np.array([0.5, -1])).tolist() == [1.5, 0]


@pytest.mark.parametrize(
    "values", [np.arange(20) + 2**60, np.arange(20) + 2.0**30, np.array([-(2**62), 1 - 2**62]), np.array([1, 1 + 1e-9])]
)
def test_values_that_would_be_one_are_refused(values):
    with pytest.raises(InputError, match=r"^x: float32 does not distinguish values about "):
        to_float32(values, "x")


@pytest.mark.parametrize(
    "values", [np.full(3, 2**60), np.array([0, 2**60]), np.array([True, False]), np.array([-128, 127], np.int8)]
)
def test_constants_and_what_stays_apart_are_taken(values):
    found = to_float32(values, "x")
    assert found.dtype == np.float32
    assert found.tolist() == values.tolist()
