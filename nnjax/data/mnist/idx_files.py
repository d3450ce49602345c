"""The four idx files of a collection: checked by their sha256, then read into four arrays."""

import gzip
import hashlib
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nnjax.data.mnist.catalog import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, Collection
from nnjax.data.mnist.idx import UNSIGNED_BYTE, read_idx
from nnjax.errors import InputError


class Arrays(NamedTuple):
    """The arrays of a collection: images uint8 (n, 28, 28), labels int32 (n,), rows in the order of the idx files."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray


def check_files(collection: Collection, folder: Path, origin: str) -> None:
    """Raise InputError for the first file of `folder` whose sha256, packed or unpacked, is not the collection's.

    origin: the place of the files for the error, such as `data.mirror=/data/mnist`.
    """
    for name, expected in collection.sha256.items():
        try:
            actual = sha256_of(folder / name)
            if expected == actual or sha256_unpacked(folder / name) == collection.unpacked[name]:
                continue
            problem = f"has the sha256 {actual}"
        except OSError as error:
            problem = f"cannot be read ({error.strerror})"
        raise InputError(f"{origin}: {name} of {collection.name} {problem}", f"the sha256 {expected}")


def read_files(collection: Collection, folder: Path) -> Arrays:
    """Return the arrays in the four files of `folder`; raise InputError for files of another form than MNIST's."""
    classes = len(collection.classes)
    train = read_split(folder / TRAIN_IMAGES, folder / TRAIN_LABELS, classes)
    test = read_split(folder / TEST_IMAGES, folder / TEST_LABELS, classes)
    return Arrays(*train, *test)


def read_split(images: Path, labels: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images uint8 (n, 28, 28) and labels int32 (n,) of two idx files.

    Raises InputError for other files, for files that do not belong together, and for a label beyond the classes.
    """
    x, y = read_idx(images), read_idx(labels)
    if x.shape[1:] != (28, 28) or y.shape != x.shape[:1] or len(y) == 0:
        problem = f"{images.name} and {labels.name} have the shapes {x.shape} and {y.shape}"
        raise InputError(problem, "(n, 28, 28) and (n,)")
    if y.max() >= classes:
        raise InputError(f"{labels.name} has the label {y.max()}", f"labels from 0 to {classes - 1}")
    return x, y.astype(np.int32)


def is_content_of(collection: Collection, arrays: Arrays) -> bool:
    """Return whether the collection's idx files contain exactly these arrays, by the sha256 of their content."""
    names = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)
    return all(_sha256_as_idx(array) == collection.unpacked[name] for name, array in zip(names, arrays, strict=True))


def _sha256_as_idx(array: np.ndarray) -> str | None:
    unsigned = array.astype(np.uint8)
    if (unsigned != array).any():  # a label such as 256 is not an unsigned byte
        return None
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, UNSIGNED_BYTE, array.ndim, *array.shape)
    return hashlib.sha256(header + unsigned.tobytes()).hexdigest()


def sha256_of(path: Path) -> str:
    """Return the sha256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_unpacked(path: Path) -> str | None:
    """Return the sha256 (hex) of the content of a gzip file, None for a damaged file."""
    digest = hashlib.sha256()
    try:
        with gzip.open(path) as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return None
    return digest.hexdigest()
