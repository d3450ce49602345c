"""mnist_5k is 5,000 digits of MNIST that are part of the package, always split the same way."""

import gzip
import shutil

import numpy as np
import pytest

from nnjax.data.dataset import SplitSizes
from nnjax.data.mnist import bundled
from nnjax.data.mnist.catalog import TRAIN_IMAGES, TRAIN_LABELS
from nnjax.data.mnist.idx import read_idx
from nnjax.errors import InputError


def test_400_and_100_of_each_class():
    data = bundled.load(SplitSizes())
    np.testing.assert_array_equal(np.bincount(data.train.y), [400] * 10)
    np.testing.assert_array_equal(np.bincount(data.test.y), [100] * 10)
    assert data.train.x.shape == (4000, 28, 28)
    assert (data.train.x.dtype, data.train.y.dtype) == (np.uint8, np.int32)
    assert (data.name, data.source, data.task) == ("mnist_5k", "the nnjax package", "multiclass")
    assert "bundled with nnjax" in data.notice
    assert "data.mirror=" in data.notice


def test_old_runs_find_the_digits_that_they_were_trained_with():
    """The digest is one that runs recorded when the digits came from another package."""
    assert bundled.load(SplitSizes(0, None, 0.1)).digest.startswith("7e85eb18fa9e1e3badb40a827b6c5894")


def test_the_summary_can_leave_the_reason_out():
    """`nnjax.reporting.summary` takes what stands in parentheses out of the notice, and they don't nest."""
    notice = bundled.load(SplitSizes(), "IncompleteRead(5 bytes read), tried (twice)").notice
    assert "(IncompleteRead[5 bytes read], tried [twice])" in notice


def test_the_split_is_by_order_within_a_class_and_no_digit_is_in_both_parts():
    rows = bundled.read_rows()
    training, test = bundled.split_by_class(rows)
    for number, split, place in ((0, training, 0), (399, training, 399), (400, test, 0), (4999, test, 999)):
        assert split.x[place].ravel().tolist() == rows[number, :-1].tolist()
        assert split.y[place] == rows[number, -1]
    assert not {image.tobytes() for image in training.x} & {image.tobytes() for image in test.x}


@pytest.mark.slow
def test_rows_are_the_first_500_of_each_class_of_mnists_training_files(real_mnist):
    images, labels = read_idx(real_mnist / TRAIN_IMAGES), read_idx(real_mnist / TRAIN_LABELS)
    first = np.concatenate([np.flatnonzero(labels == label)[:500] for label in range(10)])
    rows = bundled.read_rows()
    np.testing.assert_array_equal(rows[:, :-1], images[first].reshape(-1, 784))
    np.testing.assert_array_equal(rows[:, -1], labels[first])


def test_the_test_part_does_not_depend_on_the_seed():
    first, second = (bundled.load(SplitSizes(seed, 100, 0.1)) for seed in (0, 1))
    np.testing.assert_array_equal(first.test.x, second.test.x)
    assert (first.train.x != second.train.x).any()
    assert [len(split.y) for split in (first.train, first.validation)] == [100, 400]
    assert len(set(first.train.y.tolist())) == 10  # sorted by class in the file, shuffled before it is cut


def test_a_count_for_the_full_set_is_refused_by_name():
    with pytest.raises(InputError, match=r"data\.validation_size=5000 is impossible: mnist_5k has 4000 rows"):
        bundled.load(SplitSizes(0, None, 5000))


def npz_of(**arrays):
    """Return a damage that writes an archive with other arrays."""
    return lambda path: np.savez(path, **arrays)


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = [
    flip_a_bit,
    lambda path: path.write_bytes(path.read_bytes()[:-50]),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(gzip.compress(b"1,2\n3,4\n")),
    lambda path: path.unlink(),
    npz_of(rows=np.zeros((5000, 785), np.uint8)),
    npz_of(digits=np.zeros(3)),
    npz_of(rows=np.array([{}], object)),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_one_line(tmp_path, monkeypatch, damage):
    path = tmp_path / "mnist_5k.npz"
    shutil.copyfile(bundled.FILE, path)
    damage(path)
    monkeypatch.setattr(bundled, "FILE", path)
    with pytest.raises(InputError, match=r"mnist_5k\.npz is not the file that .*install nnjax again") as error:
        bundled.load(SplitSizes())
    assert "\n" not in str(error.value)


def test_the_licence_lies_beside_the_digits():
    text = bundled.FILE.with_suffix(".txt").read_text()
    assert "creativecommons.org/licenses/by-sa/3.0" in text
    assert "Sebastian Raschka. All rights reserved" in text
