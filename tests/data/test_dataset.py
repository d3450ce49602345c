"""The split loses no row, repeats none, and is the same for the same seed everywhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnjax.data.dataset import Split, SplitSizes, digest_arrays, digest_splits, image_dataset, split_validation
from nnjax.errors import InputError


def numbered(rows: int) -> Split:
    """Rows that can be told apart: x[i] = i, y[i] = i mod 10."""
    return Split(np.arange(rows, dtype=np.float32)[:, None], (np.arange(rows) % 10).astype(np.int32))


@given(rows=st.integers(2, 60), seed=st.integers(0, 2**40), data=st.data())
def test_every_row_is_in_exactly_one_part_with_its_label(rows, seed, data):
    held_out = data.draw(st.integers(0, rows - 1))
    train, validation = split_validation("some", numbered(rows), SplitSizes(seed, None, held_out))
    assert len(validation.y) == held_out
    both = np.concatenate([train.x, validation.x])[:, 0]
    assert sorted(both) == list(range(rows))
    np.testing.assert_array_equal(np.concatenate([train.y, validation.y]), both % 10)


def test_validation_does_not_depend_on_train_size_and_smaller_sets_are_nested():
    large, validation = split_validation("some", numbered(50), SplitSizes(3, None, 10))
    small, same = split_validation("some", numbered(50), SplitSizes(3, 7, 10))
    np.testing.assert_array_equal(validation.x, same.x)
    np.testing.assert_array_equal(small.x, large.x[:7])


def test_seed_zero_is_a_seed_and_its_order_is_known():
    # Recorded once; a change would change every run's split in silence.
    order = split_validation("some", numbered(8), SplitSizes(0))[0].x[:, 0]
    np.testing.assert_array_equal(order, [2, 4, 0, 3, 7, 6, 1, 5])
    assert (order != split_validation("some", numbered(8), SplitSizes(1))[0].x[:, 0]).any()


def test_a_fraction_is_of_the_rows_there():
    train, validation = split_validation("some", numbered(40), SplitSizes(0, None, 0.25))
    assert (len(train.y), len(validation.y)) == (30, 10)


@pytest.mark.parametrize("size", [-1, 40, 41, 1.0, 0.0, -0.5, 3.0, 0.001, 0.999, float("nan"), float("inf"), True, "5"])
def test_a_validation_size_that_is_not_there(size):
    with pytest.raises(
        InputError, match=r"^data\.validation_size=.* some has 40 rows to split\. Allowed: .* 1 to 39"
    ) as error:
        split_validation("some", numbered(40), SplitSizes(0, None, size))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("size", [0, -3, 31, 0.5, True, "5"])
def test_a_train_size_that_is_not_there(size):
    with pytest.raises(InputError, match=r"^data\.train_size=.* Allowed: null \(all\), or a count from 1 to 30\.$"):
        split_validation("some", numbered(40), SplitSizes(0, size, 10))


@pytest.mark.parametrize("seed", [-1, 1.5, True])
def test_a_seed_that_is_none(seed):
    with pytest.raises(InputError, match=r"^data\.seed="):
        split_validation("some", numbered(40), SplitSizes(seed))


def test_digest_names_bytes_shape_dtype_and_part():
    zeros = np.zeros((2, 3), np.uint8)
    one = zeros.copy()
    one[1, 2] = 1
    variants = [
        digest_arrays(x=zeros),
        digest_arrays(x=one),
        digest_arrays(x=zeros.reshape(3, 2)),
        digest_arrays(y=zeros),
    ]
    variants += [digest_arrays(x=zeros.view(np.int8)), digest_arrays(x=zeros[:0])]
    assert len(set(variants)) == len(variants)
    assert digest_arrays(x=np.asfortranarray(zeros)) == digest_arrays(x=zeros)


def test_digest_splits_tells_train_from_test_and_follows_the_cut():
    a, b = numbered(4), numbered(5)
    assert digest_splits(a, a, b) != digest_splits(b, a, a)
    images = Split(np.arange(30 * 784, dtype=np.uint32).astype(np.uint8).reshape(30, 28, 28), np.zeros(30, np.int32))
    sizes = [SplitSizes(0), SplitSizes(1), SplitSizes(0, 5), SplitSizes(0, None, 5), SplitSizes(0, None, 6)]
    digests = [image_dataset("some", images, images, size, ("0",), "here").digest for size in sizes]
    assert len(set(digests)) == len(sizes)


def test_preprocessing_maps_grey_levels_to_the_unit_interval():
    images = Split(np.full((2, 28, 28), 255, np.uint8), np.zeros(2, np.int32))
    scale, shift, shape = image_dataset("some", images, images, SplitSizes(), ("0",), "here").preprocessing
    network_input = (images.x * scale + shift).reshape(2, *shape)
    np.testing.assert_array_equal(network_input, np.ones((2, 784)))
