"""Batches: every instance once an epoch, the last short one masked (L34-L36), labels as 1-of-K (L9)."""

import jax
import numpy as np
import pytest

from nnjax.training import batches

SPLIT = batches.Split(np.arange(10, dtype=np.uint8)[:, None], np.arange(10, dtype=np.int32))


@pytest.mark.parametrize("size", [1, 3, 4, 10])
def test_every_instance_counts_once_an_epoch(size):
    rows = batches.epoch_order(jax.random.key(0), 10, size)
    seen = []
    for i in range(batches.num_batches(10, size)):
        x, y, weights = batches.gather_batch(jax.device_put(SPLIT), rows, i, size)
        assert x.shape == (size, 1)
        counted = np.ones(size) if weights is None else np.asarray(weights)
        assert set(counted) <= {0.0, 1.0}
        seen += np.asarray(y)[counted == 1].tolist()
    assert sorted(seen) == list(range(10))


def test_the_order_is_the_keys():
    first, second = (batches.epoch_order(jax.random.key(k), 100, 7) for k in (0, 1))
    assert (first != second).any()


def test_full_batch_keeps_the_order():
    assert batches.epoch_order(jax.random.key(0), 5, 5).tolist() == [0, 1, 2, 3, 4]


def test_inputs_are_scaled_and_shaped():
    x = np.full((2, 2, 2), 255, np.uint8)
    found = batches.inputs(jax.device_put(x), batches.Encoding(2 / 255, -1.0, (4,), 3))
    np.testing.assert_allclose(found, np.ones((2, 4)), rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_targets_are_one_of_k_and_back(classes):
    y = np.arange(classes, dtype=np.int32)
    encoded = batches.targets(jax.device_put(y), batches.Encoding(1.0, 0.0, (1,), classes))
    np.testing.assert_array_equal(encoded, np.eye(classes))
    np.testing.assert_array_equal(np.argmax(encoded, axis=1), y)


def test_binary_targets_are_one_column():
    encoded = batches.targets(jax.device_put(np.array([0, 1], np.int32)), batches.Encoding(1.0, 0.0, (1,), 1))
    np.testing.assert_array_equal(encoded, [[0.0], [1.0]])  # L5


def test_each_feature_may_have_its_own_scale():
    x = np.array([[1, 10], [3, 30]], np.float32)
    found = batches.inputs(jax.device_put(x), batches.Encoding((1.0, 0.1), (-2.0, -2.0), (2,), 1))
    np.testing.assert_allclose(found, [[-1, -1], [1, 1]], atol=1e-6)


def test_a_regressions_targets_are_one_scaled_column():
    """L8: the network learns (y - mean) / deviation."""
    y = jax.device_put(np.array([10.0, 30.0], np.float32))
    found = batches.targets(y, batches.Encoding(1.0, 0.0, (1,), 1, mean=20.0, deviation=5.0))
    np.testing.assert_allclose(found, [[-2.0], [2.0]])
