"""The builder writes array_record without TensorFlow and gives back what the files hold, in their order."""

import subprocess
import sys

import numpy as np
import pytest

from nnjax.data.collection import TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS
from nnjax.data.idx import read_idx
from nnjax.data.mnist.tfds_builder import build, read_back, read_pair
from nnjax.errors import InputError


def test_gives_back_the_files_in_their_order(tmp_path, make_collection, capfd):
    files = tmp_path / "files"
    folder = build(make_collection(files, rows=300), files, tmp_path)
    arrays = read_back(folder)
    np.testing.assert_array_equal(arrays["train_images"], read_idx(files / TRAIN_IMAGES))
    np.testing.assert_array_equal(arrays["train_labels"], read_idx(files / TRAIN_LABELS))
    np.testing.assert_array_equal(arrays["test_labels"], read_idx(files / TEST_LABELS))
    assert arrays["train_labels"].dtype == np.int32
    assert any("array_record" in file.name for file in folder.iterdir())
    assert capfd.readouterr() == ("", "")


def test_names_do_not_collide_with_the_stock_data_sets(tmp_path, make_collection):
    files = tmp_path / "files"
    assert build(make_collection(files), files, tmp_path) == tmp_path / "nnjax_idx" / "mnist" / "1.0.0"


def test_needs_no_tensorflow(tmp_path, make_collection):
    files = tmp_path / "files"
    collection = make_collection(files)
    program = (
        "import sys; from pathlib import Path\n"
        "from nnjax.data.mnist.tfds_builder import build, read_back; from nnjax.data.collection import Collection\n"
        f"files = Path({str(files)!r}); collection = Collection{tuple(collection)!r}\n"
        "print(read_back(build(collection, files, files))['train_labels'][:4], 'tensorflow' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.stdout.strip() == "[0 1 2 0] False", ended.stderr


@pytest.mark.parametrize(
    ("images", "labels", "expected"),
    [
        ((3, 28, 28), (4,), r"expected shapes \(n, 28, 28\) and \(n,\), found \(3, 28, 28\) and \(4,\)"),
        ((3, 28, 27), (3,), "expected shapes"),
        ((3, 784), (3,), "expected shapes"),
        ((3, 28, 28), (3, 1), "expected shapes"),
        ((0, 28, 28), (0,), "expected shapes"),
    ],
)
def test_files_that_do_not_belong_together(tmp_path, make_idx, images, labels, expected):
    (tmp_path / "images").write_bytes(make_idx(np.zeros(images, np.uint8)))
    (tmp_path / "labels").write_bytes(make_idx(np.zeros(labels, np.uint8)))
    with pytest.raises(InputError, match=f"^images and labels: {expected}"):
        read_pair(tmp_path / "images", tmp_path / "labels", 10)


def test_a_label_beyond_the_classes(tmp_path, make_idx):
    """L9: K classes have the indices 0 to K - 1."""
    (tmp_path / "images").write_bytes(make_idx(np.zeros((2, 28, 28), np.uint8)))
    (tmp_path / "labels").write_bytes(make_idx(np.array([0, 3], np.uint8)))
    assert read_pair(tmp_path / "images", tmp_path / "labels", 4)[1].tolist() == [0, 3]
    with pytest.raises(InputError, match=r"^labels: expected labels from 0 to 2, found 3"):
        read_pair(tmp_path / "images", tmp_path / "labels", 3)
