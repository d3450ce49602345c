"""Folders as tensorflow_datasets leaves them, made by it; and the collection that most tests here use."""

import io
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
import tensorflow_datasets as tfds
from PIL import Image
from tensorflow_datasets.core.file_adapters import TfRecordFileAdapter

from nnjax.data.mnist.catalog import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, Collection
from nnjax.data.mnist.idx import read_idx
from nnjax.data.mnist.source import load
from nnjax.data.mnist.tfds_builder import NnjaxIdx
from nnjax.errors import InputError


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def collection(files: Path, make_collection: Callable[..., Collection]) -> Collection:
    return make_collection(files)


@pytest.fixture
def refused() -> Callable[..., str]:
    """refused(collection, **settings) -> the one line that `load` objects with."""

    def message(collection: Collection, **settings: object) -> str:
        with pytest.raises(InputError) as error:
            load(collection, **settings)
        assert "\n" not in str(error.value)
        return str(error.value)

    return message


class Stock(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """The `mnist` of tensorflow_datasets 4.9.10: its names, version, features and keys; PNGs without TensorFlow."""

    name = "mnist"
    VERSION = tfds.core.Version("3.0.1")
    files = Path()

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(28, 28, 1)),
            "label": tfds.features.ClassLabel(num_classes=10),
        }
        return tfds.core.DatasetInfo(
            builder=self, features=tfds.features.FeaturesDict(features), supervised_keys=("image", "label")
        )

    def _split_generators(self, dl_manager):
        return {
            "train": self._generate_examples(TRAIN_IMAGES, TRAIN_LABELS),
            "test": self._generate_examples(TEST_IMAGES, TEST_LABELS),
        }

    def _generate_examples(self, images, labels):
        pairs = zip(read_idx(self.files / images), read_idx(self.files / labels), strict=True)
        for row, (image, label) in enumerate(pairs):
            yield row, {"image": png(image), "label": int(label)}


def png(image) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()


def write_tfrecords(path: Path, examples: Iterable[tuple[object, bytes]]) -> None:
    """TFRecord as TensorFlow writes it, but for the two CRCs, which are 0."""
    with open(path, "wb") as file:
        for _, example in examples:
            file.write(struct.pack("<QI", len(example), 0) + example + struct.pack("<I", 0))


@pytest.fixture
def prepare_stock(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """prepare_stock(files, home, file_format) -> the folder that tensorflow_datasets made of the four files."""
    monkeypatch.setattr(TfRecordFileAdapter, "write_examples", staticmethod(write_tfrecords))

    def prepare(files: Path, home: Path, file_format: str = "tfrecord") -> Path:
        tfds.disable_progress_bar()
        builder = Stock(data_dir=home)
        builder.files = files
        builder.download_and_prepare(file_format=file_format, download_dir=home.with_name("stock_downloads"))
        return Path(builder.data_dir)

    return prepare


@pytest.fixture
def known_to_tfds(monkeypatch: pytest.MonkeyPatch) -> Callable[[Collection, Path], None]:
    """known_to_tfds(collection, files) registers the four files' sums, as checksums.tsv does for the real ones."""

    def register(collection: Collection, files: Path) -> None:
        known = {
            collection.url + name: tfds.core.download.checksums.compute_url_info(files / name)
            for name in collection.sha256
        }
        monkeypatch.setattr(NnjaxIdx, "url_infos", known)

    return register
