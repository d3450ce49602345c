"""What a run leaves: the numbers that MLflow shows."""

import math

import numpy as np
import pytest

from nnjax.runs.run_folder import decimal


@pytest.mark.parametrize("x", [0.937, 0.1, 1 / 3, 7.0, 1e-30, -2.5, 0.0])
def test_a_float32_is_told_by_its_own_digits_and_comes_back_from_them(x):
    single = np.float32(x)
    assert repr(decimal(float(single))) == repr(float(str(single)))
    assert np.float32(decimal(float(single))) == single


@pytest.mark.parametrize("x", [1 / 3, 1e300, math.pi, -math.inf, 123456789.0])
def test_any_other_number_stays_as_it_is(x):
    assert decimal(x) == x
