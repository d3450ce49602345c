"""Which files a run gets: a named mirror or an error; else what is prepared, the network, the bundled digits."""

import gzip
import json
import time

import numpy as np
import pytest

from nnjax.data.collection import TEST_LABELS, TRAIN_IMAGES
from nnjax.data.idx import read_idx
from nnjax.data.mnist.source import load
from nnjax.errors import InputError


@pytest.fixture
def files(tmp_path):
    return tmp_path / "files"


@pytest.fixture
def collection(files, make_collection):
    return make_collection(files)


def refused(collection, **settings):
    with pytest.raises(InputError) as error:
        load(collection, **settings)
    assert "\n" not in str(error.value)
    return str(error.value)


def age(home, seconds):
    note = home / ".nnjax_mnist.failed.json"
    failure = json.loads(note.read_text())
    note.write_text(json.dumps({**failure, "time": failure["time"] - seconds}))


class TestFolder:
    def test_is_used(self, home, files, collection):
        data = load(collection, mirror=str(files), directory=str(home), validation_size=3)
        assert (data.name, data.source, data.notice) == ("mnist", str(files), "")
        assert (data.task, data.classes) == ("multiclass", ("zero", "one", "two"))
        assert [len(split.y) for split in (data.train, data.validation, data.test)] == [9, 3, 5]
        np.testing.assert_array_equal(data.test.x, read_idx(files / "t10k-images-idx3-ubyte.gz"))
        assert data.train.y.dtype == np.int32
        again = load(collection, directory=str(home), validation_size=3)
        assert (again.digest, again.source) == (data.digest, str(files))

    def test_may_be_relative_to_where_the_run_started(self, home, files, collection, monkeypatch):
        monkeypatch.chdir(files.parent)
        assert load(collection, mirror="files", directory=str(home)).source == str(files)

    @pytest.mark.parametrize("is_prepared", [False, True])
    def test_a_wrong_file_is_an_error_even_when_all_is_prepared(self, home, files, collection, is_prepared):
        if is_prepared:
            load(collection, mirror=str(files), directory=str(home))
        (files / TEST_LABELS).write_bytes(gzip.compress(b"other"))
        message = refused(collection, mirror=str(files), directory=str(home))
        assert message.startswith(f"data.mirror={files}: {TEST_LABELS}")
        assert f"expected sha256 {collection.sha256[TEST_LABELS]}, found sha256 " in message

    def test_a_missing_file_or_folder_is_an_error(self, home, files, collection):
        (files / TRAIN_IMAGES).unlink()
        assert f"{TRAIN_IMAGES} of mnist: expected" in refused(collection, mirror=str(files), directory=str(home))
        message = refused(collection, mirror=str(files / "nowhere"), directory=str(home), source="auto")
        assert message.startswith(f"data.mirror={files / 'nowhere'}: no such folder")
        assert "http(s) URL" in message
        assert not home.exists()

    @pytest.mark.parametrize("mirror", ["ftp://127.0.0.1/", "http://[bad", "", " "])
    def test_what_is_neither_folder_nor_url_is_an_error(self, home, collection, mirror):
        assert refused(collection, mirror=mirror, directory=str(home)).startswith("data.mirror=")


class TestAddress:
    def test_is_fetched_once_and_remembered(self, home, files, collection, serve):
        url, asked = serve(files)
        data = load(collection, mirror=url, directory=str(home))
        assert data.source == url
        assert len(asked) == 4
        assert load(collection, mirror=url, directory=str(home)).digest == data.digest
        assert load(collection, directory=str(home)).source == url
        assert len(asked) == 4

    def test_is_fetched_when_the_prepared_data_came_from_elsewhere(self, home, files, collection, serve):
        first = load(collection, mirror=str(files), directory=str(home))
        url, asked = serve(files)
        data = load(collection, mirror=url, directory=str(home))
        assert (data.source, data.digest, len(asked)) == (url, first.digest, 4)

    @pytest.mark.parametrize("manner", ["404", "half", "silent"])
    def test_a_bad_answer_is_an_error_even_when_all_is_prepared(self, home, files, collection, serve, manner):
        load(collection, mirror=str(files), directory=str(home))
        url, _ = serve(files, manner)
        message = refused(collection, mirror=url, directory=str(home))
        assert message.startswith(f"data.mirror={url}: ")
        assert TRAIN_IMAGES in message
        assert load(collection, directory=str(home)).source == str(files)

    def test_wrong_bytes_are_an_error_and_nothing_is_left(self, home, files, collection, serve):
        (files / TEST_LABELS).write_bytes(b"other")
        url, _ = serve(files)
        message = refused(collection, mirror=url, directory=str(home))
        assert f"{TEST_LABELS} of mnist: expected sha256 {collection.sha256[TEST_LABELS]}, found sha256 " in message
        assert [path.name for path in home.iterdir()] == [".nnjax_mnist.lock"]

    def test_the_same_bytes_packed_otherwise_are_taken(self, home, files, collection, serve):
        for name in collection.sha256:
            content = gzip.decompress((files / name).read_bytes())
            (files / name).write_bytes(gzip.compress(content, compresslevel=1, mtime=1))
        url, _ = serve(files)
        data = load(collection, mirror=url, directory=str(home))
        assert (data.source, len(data.train.y)) == (url, 12)

    def test_a_password_is_told_to_nobody(self, home, files, collection, serve):
        url, _ = serve(files)
        named = url.replace("http://", "http://me:secret@")
        assert load(collection, mirror=named, directory=str(home)).source == url
        assert not any("secret" in path.read_text(errors="replace") for path in home.rglob("*") if path.is_file())
        broken, _ = serve(files, "404")
        assert "secret" not in refused(collection, mirror=broken.replace("//", "//me:secret@"), directory=str(home))


class TestNetwork:
    @pytest.mark.parametrize("source", ["auto", "tfds"])
    def test_is_used_when_it_is_there(self, home, files, collection, serve, source):
        url, asked = serve(files)
        online = collection._replace(url=url)
        data = load(online, source=source, directory=str(home))
        assert (data.source, data.notice, len(data.train.y)) == ("tfds download", "", 12)
        assert load(online, source=source, directory=str(home)).digest == data.digest
        assert len(asked) == 4

    def test_auto_fails_in_time_falls_back_with_a_notice_and_remembers(self, home, files, collection, serve):
        url, asked = serve(files, "silent")
        slow = collection._replace(url=url, seconds=0.4)
        start = time.monotonic()
        data = load(slow, directory=str(home))
        assert time.monotonic() - start < 5.0
        assert (data.name, data.source) == ("mnist_5k", "the nnjax package")
        assert "data.mirror=" in data.notice
        assert "data.source=tfds" in data.notice
        assert "not complete within 0.4 s" in data.notice or "timed out" in data.notice
        assert "\n" not in data.notice
        assert load(slow, directory=str(home)).name == "mnist_5k"
        assert len(asked) <= 1

    def test_a_failure_is_remembered_for_a_day(self, home, files, collection, serve):
        missing, asked = serve(files, "404")
        load(collection._replace(url=missing), directory=str(home))
        age(home, 23 * 3600)
        load(collection._replace(url=missing), directory=str(home))
        assert len(asked) == 1
        age(home, 2 * 3600)
        load(collection._replace(url=missing), directory=str(home))
        assert len(asked) == 2
        age(home, -48 * 3600)  # a clock that was set back
        url, _ = serve(files)
        assert load(collection._replace(url=url), directory=str(home)).name == "mnist"
        assert not (home / ".nnjax_mnist.failed.json").exists()

    @pytest.mark.parametrize("note", ["", "null", "{}", '{"time": "x", "reason": 1}'])
    def test_a_damaged_note_is_no_note(self, home, files, collection, serve, note):
        url, _ = serve(files)
        home.mkdir()
        (home / ".nnjax_mnist.failed.json").write_text(note)
        assert load(collection._replace(url=url), directory=str(home)).name == "mnist"

    def test_tfds_insists_and_tries_each_time(self, home, files, collection, serve):
        missing, asked = serve(files, "404")
        offline = collection._replace(url=missing)
        load(offline, directory=str(home))
        for tries in (2, 3):
            message = refused(offline, source="tfds", directory=str(home))
            assert missing in message
            assert "data.mirror=FOLDER_OR_URL" in message
            assert len(asked) == tries

    def test_without_bundled_digits_auto_names_the_mirror(self, home, collection):
        fashion = collection._replace(name="fashion_mnist")
        assert "data.mirror=FOLDER_OR_URL" in refused(fashion, directory=str(home))

    @pytest.mark.parametrize("source", ["auto", "tfds"])
    def test_wrong_bytes_stop_the_run(self, home, files, collection, serve, source):
        (files / TEST_LABELS).write_bytes(b"other")
        url, _ = serve(files)
        message = refused(collection._replace(url=url), source=source, directory=str(home))
        assert f"{TEST_LABELS} of mnist: expected sha256" in message

    def test_damaged_data_stop_auto_and_are_prepared_again_when_asked(self, home, files, collection):
        load(collection, mirror=str(files), directory=str(home))
        (home / "nnjax_idx" / "mnist" / "1.0.0" / "record.json").unlink()
        assert "is damaged" in refused(collection, directory=str(home))
        load(collection, mirror=str(files), directory=str(home))
        assert load(collection, directory=str(home)).name == "mnist"


class TestChoice:
    def test_bundled_is_bundled_whatever_is_prepared(self, home, files, collection):
        load(collection, mirror=str(files), directory=str(home))
        assert load(collection, source="bundled", directory=str(home)).name == "mnist_5k"

    def test_bundled_needs_something_bundled_and_no_mirror(self, home, files, collection):
        fashion = collection._replace(name="fashion_mnist")
        assert "no part of fashion_mnist is bundled" in refused(fashion, source="bundled", directory=str(home))
        message = refused(collection, source="bundled", mirror=str(files), directory=str(home))
        assert "reads no mirror" in message

    def test_an_unknown_source_lists_the_known(self, home, collection):
        message = refused(collection, source="tdfs", directory=str(home))
        assert message == "data.source=tdfs: allowed are auto, tfds, bundled"

    def test_sizes_beyond_the_data(self, home, files, collection):
        message = refused(collection, mirror=str(files), directory=str(home), validation_size=12)
        assert message.startswith("data.validation_size=12: ")
        assert "mnist has 12 rows" in message
