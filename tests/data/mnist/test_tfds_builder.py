"""tensorflow_datasets downloads and prepares the four files, without TensorFlow, or a line says what is wrong."""

import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow_datasets as tfds

from nnjax.data.mnist.catalog import FASHION_MNIST, MNIST, TEST_LABELS
from nnjax.data.mnist.download import UnavailableError
from nnjax.data.mnist.idx_files import read_files
from nnjax.data.mnist.tfds_builder import NnjaxIdx, build
from nnjax.data.mnist.tfds_folder import read_folder
from nnjax.errors import InputError


def assert_equal(first, second):
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_prepares_given_files_as_array_record(tmp_path, files, make_collection, capfd):
    collection = make_collection(files, rows=300)
    folder = build(collection, files, tmp_path)
    assert folder == tmp_path / "nnjax_idx" / "mnist" / "1.0.0"  # collides with no data set of tensorflow_datasets
    assert any("array_record" in path.name for path in folder.iterdir())
    assert_equal(read_folder(folder, collection), read_files(collection, files))
    assert capfd.readouterr() == ("", "")


def test_what_it_prepared_is_a_data_set_for_other_programs(tmp_path, files, collection):
    build(collection, files, tmp_path)
    builder = tfds.builder_from_directory(str(tmp_path / "nnjax_idx" / "mnist" / "1.0.0"))
    example = builder.as_data_source("train")[1]
    np.testing.assert_array_equal(example["image"], read_files(collection, files).train_images[1])
    assert example["label"] == 1


def test_downloads_the_four_files(tmp_path, files, collection, serve, known_to_tfds):
    url, asked = serve(files)
    online = collection._replace(url=url)
    known_to_tfds(online, files)
    folder = build(online, None, tmp_path)
    assert_equal(read_folder(folder, online), read_files(collection, files))
    assert sorted(asked) == sorted(f"/{name}" for name in collection.sha256)


@pytest.mark.parametrize("collection", [MNIST, FASHION_MNIST], ids=lambda collection: collection.name)
def test_the_real_files_are_registered_with_tensorflow_datasets(collection):
    registered = {url: info.checksum for url, info in NnjaxIdx.url_infos.items() if url.startswith(collection.url)}
    assert registered == {collection.url + name: sha256 for name, sha256 in collection.sha256.items()}


def test_files_that_are_not_registered_are_not_used(tmp_path, files, collection, serve):
    url, _ = serve(files)
    with pytest.raises(ValueError, match="Missing checksums url"):
        build(collection._replace(url=url), None, tmp_path)


def test_other_bytes_than_the_registered_ones_are_one_line(tmp_path, files, collection, serve, known_to_tfds):
    url, _ = serve(files)
    online = collection._replace(url=url)
    known_to_tfds(online, files)
    (files / TEST_LABELS).write_bytes(b"other")
    sha256 = collection.sha256[TEST_LABELS]
    with pytest.raises(
        InputError, match=rf"^{url}: {TEST_LABELS} of mnist has another sha256\. Allowed: .* {sha256}\.$"
    ):
        build(online, None, tmp_path)


@pytest.mark.parametrize(
    ("manner", "reason"), [("404", "HTTP code: 404"), ("silent", "timed out"), ("half", "IncompleteRead")]
)
def test_a_bad_answer_is_one_line_in_time(tmp_path, files, collection, serve, known_to_tfds, manner, reason):
    url, _ = serve(files, manner)
    online = collection._replace(url=url, seconds=0.5)
    known_to_tfds(online, files)
    start = time.monotonic()
    with pytest.raises(UnavailableError, match=f"^{url}: .*{reason}") as error:
        build(online, None, tmp_path)
    assert time.monotonic() - start < 5.0
    assert "\n" not in str(error.value)


def test_nobody_there_is_one_line_in_time(tmp_path, files, collection, known_to_tfds, capfd):
    known_to_tfds(collection, files)
    start = time.monotonic()
    with pytest.raises(UnavailableError, match=r"^http://127\.0\.0\.1:9/: .*refused"):
        build(collection, None, tmp_path)
    assert time.monotonic() - start < 5.0
    assert capfd.readouterr() == ("", "")


def test_needs_no_tensorflow(tmp_path, files, collection):
    program = (
        "import sys; from pathlib import Path\n"
        "from nnjax.data.mnist.tfds_builder import build; from nnjax.data.mnist.catalog import Collection\n"
        f"files = Path({str(files)!r}); folder = build(Collection{tuple(collection)!r}, files, files)\n"
        "print(folder.name, 'tensorflow' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.stdout.strip() == "1.0.0 False", ended.stderr
