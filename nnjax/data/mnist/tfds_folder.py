"""Folders in which tensorflow_datasets (TFDS) has prepared a collection, read without TensorFlow.

Importing this module imports tensorflow_datasets, so `nnjax.data.mnist.tfds_source` imports it only for such a folder.
"""

import contextlib
import logging
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from tensorflow_datasets.core import hashing

from nnjax.data.mnist.catalog import Collection
from nnjax.data.mnist.download import UnavailableError
from nnjax.data.mnist.idx_files import Arrays, is_content_of


def read_folder(folder: Path, collection: Collection) -> Arrays:
    """Return the collection that TFDS prepared in `folder`, its rows in the order of the idx files.

    The folder has array_record or TFRecord files, of nnjax or of TFDS's own data sets `mnist` and `fashion_mnist`.
    Raises UnavailableError unless the arrays are exactly those of the collection's idx files.
    """
    try:
        with silence_warnings():
            builder = tfds.builder_from_directory(str(folder))
            arrays = Arrays(*_read_split(builder, "train"), *_read_split(builder, "test"))
    except Exception as error:  # array_record, protobuf and Pillow raise types of their own
        reason = str(error).split("\n")[0] or type(error).__name__
        raise UnavailableError(f"{folder}: tensorflow_datasets' files are damaged, {reason}") from None
    if not is_content_of(collection, arrays):
        raise UnavailableError(f"{folder}: tensorflow_datasets' files are not {collection.name}")
    return arrays


@contextlib.contextmanager
def silence_warnings() -> Iterator[None]:
    """Suppress the warnings of TFDS, such as that OpenCV would read images faster."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _read_split(builder: Any, split: str) -> tuple[np.ndarray, np.ndarray]:
    examples = list(_examples(builder, split))
    images = np.empty((len(examples), 28, 28), np.uint8)
    labels = np.empty(len(examples), np.int32)
    rows = range(len(examples)) if builder.info.disable_shuffling else tfds_row_order(split, len(examples))
    for row, example in zip(rows, examples, strict=True):
        images[row] = example["image"].reshape(28, 28)
        labels[row] = example["label"]
    return images, labels


def _examples(builder: Any, split: str) -> Iterator[dict[str, Any]]:
    if builder.info.file_format is tfds.core.FileFormat.TFRECORD:
        for path in builder.info.splits[split].filepaths:
            yield from map(builder.info.features.deserialize_example_np, read_records(Path(path)))
    else:
        source = builder.as_data_source(split)
        yield from source.__getitems__(range(len(source)))  # at once, since one by one takes five times as long


def tfds_row_order(split: str, count: int) -> list[int]:
    """Return the row in the idx files of each example of TFDS's `mnist` and `fashion_mnist`, in TFDS's order.

    TFDS stores the examples of a split in the order of md5(name of the split + key). In these data sets the key is the
    number of the row. Source: core/hashing.py and core/shuffle.py of tensorflow_datasets 4.9.10.
    """
    return sorted(range(count), key=hashing.Hasher(split).hash_key)


def read_records(path: Path) -> Iterator[bytes]:
    """Yield the records of a TFRecord file; raise ValueError if the file ends within a record.

    A record: its length (uint64), a CRC of that (uint32), its bytes, a CRC of those (uint32), all little-endian.
    The CRCs are not checked, since the sha256 of the arrays is. Source: tensorflow.org/tutorials/load_data/tfrecord.
    """
    content = path.read_bytes()
    start = 0
    while start < len(content):
        header_end = start + 12
        if header_end > len(content):
            raise ValueError(f"{path.name} ends within a record")
        record_end = header_end + struct.unpack_from("<Q", content, start)[0]
        start = record_end + 4
        if start > len(content):
            raise ValueError(f"{path.name} ends within a record")
        yield content[header_end:record_end]
