"""A folder that tensorflow_datasets prepared gives exactly what the idx files hold, or is refused."""

import json
import struct
import subprocess
import sys

import numpy as np
import pytest

from nnjax.data.mnist.catalog import TRAIN_LABELS
from nnjax.data.mnist.download import UnavailableError
from nnjax.data.mnist.idx import read_idx
from nnjax.data.mnist.idx_files import read_files
from nnjax.data.mnist.tfds_builder import build
from nnjax.data.mnist.tfds_folder import read_folder, read_records, tfds_row_order


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_a_stock_folder_gives_the_rows_of_the_files_in_their_order(
    tmp_path, home, files, make_collection, prepare_stock, file_format, capfd
):
    collection = make_collection(files, rows=300)
    folder = prepare_stock(files, home, file_format)
    assert folder == home / "mnist" / "3.0.1"
    assert any(file_format in path.name for path in folder.iterdir())
    capfd.readouterr()
    arrays = read_folder(folder, collection)
    for actual, expected in zip(arrays, read_files(collection, files), strict=True):
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_the_order_is_that_of_tensorflow_datasets_mnist(real_mnist):
    """The first labels that `tfds.load("mnist", split="train")` gives are published to be 4, 1, 0, 7, 8, 1, 2, 7, 1."""
    labels = read_idx(real_mnist / TRAIN_LABELS)
    assert labels[tfds_row_order("train", 60000)[:9]].tolist() == [4, 1, 0, 7, 8, 1, 2, 7, 1]


def test_a_folder_is_read_without_tensorflow(home, files, collection, prepare_stock):
    folder = prepare_stock(files, home)
    program = (
        "import sys; from pathlib import Path\n"
        "from nnjax.data.mnist.tfds_folder import read_folder; from nnjax.data.mnist.catalog import Collection\n"
        f"arrays = read_folder(Path({str(folder)!r}), Collection{tuple(collection)!r})\n"
        "print(arrays.train_labels[:4], 'tensorflow' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.stdout.strip() == "[0 1 2 0] False", ended.stderr


def test_a_folder_of_an_older_nnjax_is_read(home, files, collection):
    """nnjax 0.1 once kept its cache in the folder that its builder had made, and the builder was in another module."""
    folder = build(collection, files, home)
    info = json.loads((folder / "dataset_info.json").read_bytes())
    (folder / "dataset_info.json").write_text(json.dumps({**info, "moduleName": "nnjax.data.builder"}))
    for name in ("record.json", "train_images.npy"):
        (folder / name).write_bytes(b"anything")
    np.testing.assert_array_equal(
        read_folder(folder, collection).test_images, read_files(collection, files).test_images
    )


def cut(folder):
    path = next(folder.glob("*-train.*-of-*"))
    path.write_bytes(path.read_bytes()[:-9])


def flip_a_bit(folder):
    path = next(folder.glob("*-train.*-of-*"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def remove(pattern):
    return lambda folder: next(folder.glob(pattern)).unlink()


def write(name, text):
    return lambda folder: (folder / name).write_text(text)


DAMAGES = [
    cut,
    flip_a_bit,
    remove("*-train.*-of-*"),
    remove("*-test.*-of-*"),
    remove("features.json"),
    write("dataset_info.json", "{"),
    write("features.json", "null"),
]


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_one_line(home, files, collection, prepare_stock, file_format, damage):
    folder = prepare_stock(files, home, file_format)
    damage(folder)
    with pytest.raises(UnavailableError, match=f"^{folder}: tensorflow_datasets' files ") as error:
        read_folder(folder, collection)
    assert "\n" not in str(error.value)


def test_a_whole_folder_with_other_images_is_refused(tmp_path, home, files, collection, make_collection, prepare_stock):
    other = tmp_path / "other"
    make_collection(other, rows=11)
    folder = prepare_stock(other, home)
    with pytest.raises(UnavailableError, match="files are not mnist"):
        read_folder(folder, collection)


def record(content):
    return struct.pack("<QI", len(content), 7) + content + b"crc2"


def test_records_are_framed_by_their_lengths(tmp_path):
    path = tmp_path / "records"
    path.write_bytes(record(b"first") + record(b"") + record(b"third"))
    assert list(read_records(path)) == [b"first", b"", b"third"]


@pytest.mark.parametrize("rest", [*(record(b"y")[:size] for size in range(1, 17)), struct.pack("<QI", 1 << 60, 7)])
def test_a_file_that_ends_within_a_record_is_refused(tmp_path, rest):
    path = tmp_path / "records"
    path.write_bytes(record(b"x") + rest)
    with pytest.raises(ValueError, match=r"^records ends within a record$"):
        list(read_records(path))
