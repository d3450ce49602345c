"""Initial weights: the scale each scheme promises, and that random ones differ (L33)."""

import jax
import numpy as np
import pytest

from nnjax.network.initializers import INITIALIZERS

SHAPE = (300, 200)  # n_out, n_in
VARIANCES = {"zeros": 0, "normal": 1, "lecun": 1 / 200, "xavier": 2 / 500, "he": 2 / 200}


@pytest.mark.parametrize("name", INITIALIZERS)
def test_mean_and_variance(name):
    theta = np.asarray(INITIALIZERS[name](jax.random.key(1), SHAPE))
    assert theta.shape == SHAPE
    np.testing.assert_allclose(theta.var(), VARIANCES[name], rtol=0.03)
    assert abs(theta.mean()) <= 5 * (VARIANCES[name] / theta.size) ** 0.5


def test_xavier_is_bounded():
    theta = INITIALIZERS["xavier"](jax.random.key(0), SHAPE)
    assert abs(theta).max() <= (6 / 500) ** 0.5


@pytest.mark.parametrize("name", sorted(set(INITIALIZERS) - {"zeros"}))
def test_keys_make_the_difference(name):
    first, second, again = (INITIALIZERS[name](jax.random.key(k), SHAPE) for k in (0, 1, 0))
    assert (first != second).any()
    assert (first == again).all()
