"""A tensorflow_datasets builder for collections in MNIST's form that needs no TensorFlow.

Importing this module imports tensorflow_datasets: only `nnjax.data.mnist.cache` does, and only when there is no cache.
"""

import contextlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from nnjax.data.collection import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, Collection
from nnjax.data.files import sha256_of
from nnjax.data.idx import read_idx
from nnjax.errors import InputError

FILES = {"train": (TRAIN_IMAGES, TRAIN_LABELS), "test": (TEST_IMAGES, TEST_LABELS)}


class IdxConfig(tfds.core.BuilderConfig):  # type: ignore[misc]
    """One collection, as tensorflow_datasets names a builder's variants; files: the folder of its four files."""

    def __init__(self, collection: Collection, files: Path) -> None:
        super().__init__(name=collection.name, description=f"{collection.name}, from its four idx files")
        self.collection = collection
        self.files = files


class NnjaxIdx(tfds.core.GeneratorBasedBuilder):  # type: ignore[misc]
    """Images uint8 (28, 28) and labels, in the files' order, as data set nnjax_idx/<collection>.

    tfds.features.Tensor and array_record stand where the stock `mnist` has Image and TFRecord, which need TensorFlow.
    """

    VERSION = tfds.core.Version("1.0.0")

    @property
    def url_infos(self) -> dict[str, Any]:
        """Size and sum by address: with them dl_manager.download takes the files that are here, checked before."""
        collection, files = self.builder_config.collection, self.builder_config.files
        return {collection.url + name: _url_info(files / name) for name in collection.sha256}

    def _info(self) -> Any:
        image = tfds.features.Tensor(shape=(28, 28), dtype=np.uint8)
        label = tfds.features.ClassLabel(names=list(self.builder_config.collection.classes))
        features = tfds.features.FeaturesDict({"image": image, "label": label})
        return tfds.core.DatasetInfo(
            builder=self, features=features, supervised_keys=("image", "label"), disable_shuffling=True
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        collection = self.builder_config.collection
        paths = dl_manager.download({name: collection.url + name for name in collection.sha256})
        return {split: self._generate_examples(*(paths[name] for name in pair)) for split, pair in FILES.items()}

    def _generate_examples(self, images: Path, labels: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        x, y = read_pair(Path(images), Path(labels), len(self.builder_config.collection.classes))
        for row, (image, label) in enumerate(zip(x, y, strict=True)):
            yield row, {"image": image, "label": int(label)}


def _url_info(path: Path) -> Any:
    size = tfds.core.utils.Size(path.stat().st_size)
    return tfds.core.download.checksums.UrlInfo(size=size, checksum=sha256_of(path), filename=path.name)


def read_pair(images: Path, labels: Path, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 28, 28) and labels (n,), uint8; raise InputError when the files don't belong together."""
    x, y = read_idx(images), read_idx(labels)
    if x.shape[1:] != (28, 28) or y.shape != x.shape[:1] or len(y) == 0:
        names = f"{images.name} and {labels.name}"
        raise InputError(f"{names}: expected shapes (n, 28, 28) and (n,), found {x.shape} and {y.shape}")
    if y.max() >= classes:
        raise InputError(f"{labels.name}: expected labels from 0 to {classes - 1}, found {y.max()}")
    return x, y


def build(collection: Collection, files: Path, data_dir: Path) -> Path:
    """Prepare the collection from the folder `files` as array_record under `data_dir`; return its folder there.

    Raises OSError when `data_dir` is full or cannot be written.
    """
    tfds.disable_progress_bar()
    logger, said = logging.getLogger("absl"), io.StringIO()
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        # Its lines speak of a custom configuration and a folder that lasts for seconds: nothing for a user.
        with contextlib.redirect_stdout(said):
            builder = NnjaxIdx(config=IdxConfig(collection, files), data_dir=str(data_dir))
            builder.download_and_prepare(
                download_dir=str(data_dir / "downloads"),
                download_config=tfds.download.DownloadConfig(manual_dir=str(files)),
                file_format="array_record",
            )
    except RuntimeError as error:  # array_record's way to say that the disk is full
        raise OSError(str(error).split("\n")[0]) from None
    finally:
        logger.setLevel(level)
    return Path(builder.data_dir)


def read_back(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a prepared folder: {train,test}_images uint8 (n, 28, 28), {train,test}_labels int32 (n,)."""
    builder = tfds.builder_from_directory(str(folder))
    arrays = {}
    for split in FILES:
        source = builder.as_data_source(split)
        rows = source.__getitems__(range(len(source)))  # at once: one by one takes five times as long
        arrays[f"{split}_images"] = np.stack([row["image"] for row in rows])
        arrays[f"{split}_labels"] = np.array([row["label"] for row in rows], np.int32)
    return arrays
