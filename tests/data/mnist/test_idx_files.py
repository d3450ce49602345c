"""The four files of a collection belong together, and are told from others by what they hold."""

import gzip

import numpy as np
import pytest

from nnjax.data.mnist.catalog import TEST_LABELS, TRAIN_IMAGES
from nnjax.data.mnist.idx import read_idx
from nnjax.data.mnist.idx_files import check_files, is_content_of, read_files, read_split, sha256_of
from nnjax.errors import InputError


def test_reads_both_splits(files, collection):
    arrays = read_files(collection, files)
    np.testing.assert_array_equal(arrays.train_images, read_idx(files / TRAIN_IMAGES))
    np.testing.assert_array_equal(arrays.test_labels, read_idx(files / TEST_LABELS))
    assert [array.dtype for array in arrays] == [np.uint8, np.int32, np.uint8, np.int32]


@pytest.mark.parametrize(
    ("images", "labels", "shapes"),
    [
        ((3, 28, 28), (4,), r"\(3, 28, 28\) and \(4,\)\. Allowed: \(n, 28, 28\) and \(n,\)\.$"),
        ((3, 28, 27), (3,), ""),
        ((3, 784), (3,), ""),
        ((3, 28, 28), (3, 1), ""),
        ((0, 28, 28), (0,), ""),
    ],
)
def test_files_that_do_not_belong_together(tmp_path, make_idx, images, labels, shapes):
    (tmp_path / "images").write_bytes(make_idx(np.zeros(images, np.uint8)))
    (tmp_path / "labels").write_bytes(make_idx(np.zeros(labels, np.uint8)))
    with pytest.raises(InputError, match=f"^images and labels have the shapes {shapes}"):
        read_split(tmp_path / "images", tmp_path / "labels", 10)


def test_a_label_beyond_the_classes(tmp_path, make_idx):
    """L9: K classes have the indices 0 to K - 1."""
    (tmp_path / "images").write_bytes(make_idx(np.zeros((2, 28, 28), np.uint8)))
    (tmp_path / "labels").write_bytes(make_idx(np.array([0, 3], np.uint8)))
    assert read_split(tmp_path / "images", tmp_path / "labels", 4)[1].tolist() == [0, 3]
    with pytest.raises(InputError, match=r"^labels has the label 3\. Allowed: labels from 0 to 2\.$"):
        read_split(tmp_path / "images", tmp_path / "labels", 3)


def test_the_known_files_are_known_however_they_are_packed(files, collection):
    check_files(collection, files, "here")
    path = files / TEST_LABELS
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), compresslevel=1, mtime=1))
    check_files(collection, files, "here")
    path.write_bytes(gzip.compress(b"other"))
    with pytest.raises(InputError, match=rf"^here: {TEST_LABELS} of mnist has the sha256 .*\. Allowed: the sha256 "):
        check_files(collection, files, "here")
    path.unlink()
    with pytest.raises(InputError, match=r"cannot be read \(No such file"):
        check_files(collection, files, "here")


@pytest.mark.parametrize("name", ["train_images", "train_labels", "test_images", "test_labels"])
def test_arrays_are_those_of_the_files_or_not(files, collection, name):
    arrays = read_files(collection, files)
    assert is_content_of(collection, arrays)
    other = getattr(arrays, name).copy()
    other[0], other[1] = other[1].copy(), other[0].copy()
    assert not is_content_of(collection, arrays._replace(**{name: other}))
    assert not is_content_of(collection, arrays._replace(**{name: other[1:]}))


def test_a_label_that_is_no_byte_is_no_label_of_the_files(files, collection):
    arrays = read_files(collection, files)
    assert not is_content_of(collection, arrays._replace(train_labels=arrays.train_labels + 256))


def test_sha256_of_a_known_text(tmp_path):
    """FIPS 180-2, appendix B.1."""
    (tmp_path / "file").write_bytes(b"abc")
    assert sha256_of(tmp_path / "file") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
