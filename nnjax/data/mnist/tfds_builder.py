"""A tensorflow_datasets (TFDS) builder for MNIST and Fashion-MNIST that needs no TensorFlow.

TFDS reads the known size and sha256 of each address from checksums.tsv in the folder of this module (its guide "Writing
custom datasets", tensorflow.org/datasets/add_dataset). Importing this module imports tensorflow_datasets, so
`nnjax.data.mnist.tfds_source` imports it only for data.source=tfds.
"""

import contextlib
import functools
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import requests
import tensorflow_datasets as tfds
from tensorflow_datasets.core.download import downloader
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

from nnjax.data.mnist.catalog import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, Collection
from nnjax.data.mnist.download import UnavailableError, describe_cause
from nnjax.data.mnist.idx_files import read_split
from nnjax.data.mnist.tfds_folder import silence_warnings
from nnjax.errors import InputError

FILES = {"train": (TRAIN_IMAGES, TRAIN_LABELS), "test": (TEST_IMAGES, TEST_LABELS)}


class IdxConfig(tfds.core.BuilderConfig):  # type: ignore[misc]
    """The builder's variant for one collection. files: a folder with its four files; None: TFDS downloads them."""

    def __init__(self, collection: Collection, files: Path | None) -> None:
        super().__init__(name=collection.name, description=f"{collection.name}, from its four idx files")
        self.collection = collection
        self.files = files


class NnjaxIdx(tfds.core.GeneratorBasedBuilder):  # type: ignore[misc]
    """The data set nnjax_idx/<collection>: images uint8 (28, 28) and labels, in the order of the files.

    TFDS's own `mnist` uses Image and TFRecord, which need TensorFlow; here Tensor and array_record replace them.
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> Any:
        image = tfds.features.Tensor(shape=(28, 28), dtype=np.uint8)
        label = tfds.features.ClassLabel(names=list(self.builder_config.collection.classes))
        features = tfds.features.FeaturesDict({"image": image, "label": label})
        return tfds.core.DatasetInfo(
            builder=self, features=features, supervised_keys=("image", "label"), disable_shuffling=True
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Any]:
        collection, files = self.builder_config.collection, self.builder_config.files
        if files is None:
            # One after the other, so that no other download writes to the folder when one fails.
            paths = {name: dl_manager.download(collection.url + name) for name in collection.sha256}
        else:
            paths = {name: files / name for name in collection.sha256}
        return {split: self._generate_examples(*(Path(paths[name]) for name in pair)) for split, pair in FILES.items()}

    def _generate_examples(self, images: Path, labels: Path) -> Iterator[tuple[int, dict[str, Any]]]:
        x, y = read_split(images, labels, len(self.builder_config.collection.classes))
        for row, (image, label) in enumerate(zip(x, y, strict=True)):
            yield row, {"image": image, "label": int(label)}


def build(collection: Collection, files: Path | None, data_dir: Path) -> Path:
    """Prepare the collection as array_record under `data_dir`; return its folder there.

    files: the folder of the four checked files; None: TFDS downloads them and compares their sha256.
    Raises UnavailableError, InputError for files with another sha256, OSError if `data_dir` cannot be written.
    """
    tfds.disable_progress_bar()
    try:
        # TFDS prints the name of a folder that is deleted in a few seconds.
        with silence_warnings(), contextlib.redirect_stdout(io.StringIO()), _limited_downloads(collection.seconds):
            builder = NnjaxIdx(config=IdxConfig(collection, files), data_dir=str(data_dir))
            config = tfds.download.DownloadConfig(force_checksums_validation=True, try_download_gcs=False)
            builder.download_and_prepare(
                download_dir=str(data_dir / "downloads"), download_config=config, file_format="array_record"
            )
    except (requests.RequestException, tfds.download.DownloadError) as error:
        raise UnavailableError(f"{collection.url}: {describe_cause(error)}") from None
    except NonMatchingChecksumError as error:
        name = next(name for name in collection.sha256 if name in str(error))
        problem = f"{collection.url}: {name} of {collection.name} has another sha256"
        raise InputError(problem, f"the sha256 {collection.sha256[name]}") from None
    except RuntimeError as error:  # array_record raises it if the disk is full
        raise OSError(str(error).split("\n")[0]) from None
    return Path(builder.data_dir)


@contextlib.contextmanager
def _limited_downloads(silence: float) -> Iterator[None]:
    """Let TFDS try a download once, and fail after `silence` seconds without a byte.

    By default TFDS tries eleven times, which takes minutes, and waits for ever for a server that does not answer.
    """
    request, retries = requests.Session.request, downloader.MAX_RETRIES
    requests.Session.request = functools.partialmethod(request, timeout=silence)  # type: ignore[assignment]
    downloader.MAX_RETRIES = 0
    try:
        yield
    finally:
        requests.Session.request, downloader.MAX_RETRIES = request, retries  # type: ignore[method-assign]
