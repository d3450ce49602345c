"""Which files a run gets: a named mirror or an error; else what is on this machine, the network, the bundled digits."""

import gzip
import json
import shutil
import time

import numpy as np
import pytest

from nnjax.data.mnist.catalog import TEST_LABELS, TRAIN_IMAGES
from nnjax.data.mnist.idx import read_idx
from nnjax.data.mnist.source import load


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

    def test_damaged_arrays_are_made_again(self, home, files, collection):
        first = load(collection, mirror=str(files), directory=str(home))
        (home / "nnjax_arrays" / "mnist" / "train_images.npy").write_bytes(b"half")
        again = load(collection, mirror=str(files), directory=str(home))
        assert (again.digest, again.notice) == (first.digest, "")

    def test_is_read_anew_when_the_arrays_came_from_elsewhere(self, home, files, collection, tmp_path):
        load(collection, mirror=str(files), directory=str(home))
        shutil.copytree(files, tmp_path / "copy")
        assert load(collection, mirror=str(tmp_path / "copy"), directory=str(home)).source == str(tmp_path / "copy")

    def test_may_be_relative_to_where_the_run_started(self, home, files, collection, monkeypatch):
        monkeypatch.chdir(files.parent)
        assert load(collection, mirror="files", directory=str(home)).source == str(files)

    @pytest.mark.parametrize("is_prepared", [False, True])
    def test_a_wrong_file_is_an_error_even_when_all_is_prepared(self, home, files, collection, is_prepared, refused):
        if is_prepared:
            load(collection, mirror=str(files), directory=str(home))
        (files / TEST_LABELS).write_bytes(gzip.compress(b"other"))
        message = refused(collection, mirror=str(files), directory=str(home))
        assert message.startswith(f"data.mirror={files}: {TEST_LABELS}")
        assert f"Allowed: the sha256 {collection.sha256[TEST_LABELS]}." in message

    def test_a_missing_file_or_folder_is_an_error(self, home, files, collection, refused):
        (files / TRAIN_IMAGES).unlink()
        assert f"{TRAIN_IMAGES} of mnist cannot be read" in refused(collection, mirror=str(files), directory=str(home))
        message = refused(collection, mirror=str(files / "nowhere"), directory=str(home), source="auto")
        allowed = "Allowed: a folder or http(s) URL with the four files of mnist."
        assert message == f"data.mirror={files / 'nowhere'} is no folder. {allowed}"
        assert not home.exists()

    @pytest.mark.parametrize("mirror", ["ftp://127.0.0.1/", "http://[bad", "", " "])
    def test_what_is_neither_folder_nor_url_is_an_error(self, home, collection, mirror, refused):
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
    def test_a_bad_answer_is_an_error_even_when_all_is_prepared(self, home, files, collection, serve, manner, refused):
        load(collection, mirror=str(files), directory=str(home))
        url, _ = serve(files, manner)
        message = refused(collection, mirror=url, directory=str(home))
        assert message.startswith(f"data.mirror={url}: ")
        assert TRAIN_IMAGES in message
        assert load(collection, directory=str(home)).source == str(files)

    def test_wrong_bytes_are_an_error_and_nothing_is_left(self, home, files, collection, serve, refused):
        (files / TEST_LABELS).write_bytes(b"other")
        url, _ = serve(files)
        message = refused(collection, mirror=url, directory=str(home))
        assert f"{TEST_LABELS} of mnist has the sha256 " in message
        assert f"Allowed: the sha256 {collection.sha256[TEST_LABELS]}." in message
        assert [path.name for path in home.iterdir()] == [".nnjax_mnist.lock"]

    def test_the_same_bytes_packed_otherwise_are_taken(self, home, files, collection, serve):
        for name in collection.sha256:
            content = gzip.decompress((files / name).read_bytes())
            (files / name).write_bytes(gzip.compress(content, compresslevel=1, mtime=1))
        url, _ = serve(files)
        data = load(collection, mirror=url, directory=str(home))
        assert (data.source, len(data.train.y)) == (url, 12)

    def test_a_password_is_told_to_nobody(self, home, files, collection, serve, refused):
        url, _ = serve(files)
        named = url.replace("http://", "http://me:secret@")
        assert load(collection, mirror=named, directory=str(home)).source == url
        assert not any("secret" in path.read_text(errors="replace") for path in home.rglob("*") if path.is_file())
        broken, _ = serve(files, "404")
        assert "secret" not in refused(collection, mirror=broken.replace("//", "//me:secret@"), directory=str(home))


class TestNetwork:
    def test_is_used_when_it_is_there(self, home, files, collection, serve):
        url, asked = serve(files)
        online = collection._replace(url=url)
        data = load(online, directory=str(home))
        assert (data.source, data.notice, len(data.train.y)) == (url, "", 12)
        assert load(online, directory=str(home)).digest == data.digest
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

    def test_without_bundled_digits_auto_names_the_mirror(self, home, collection, refused):
        fashion = collection._replace(name="fashion_mnist")
        assert "data.mirror=FOLDER_OR_URL" in refused(fashion, directory=str(home))

    def test_wrong_bytes_stop_the_run(self, home, files, collection, serve, refused):
        (files / TEST_LABELS).write_bytes(b"other")
        url, _ = serve(files)
        message = refused(collection._replace(url=url), directory=str(home))
        assert f"{TEST_LABELS} of mnist has the sha256 " in message

    def test_damaged_arrays_are_fetched_again(self, home, files, collection, serve):
        load(collection, mirror=str(files), directory=str(home))
        (home / "nnjax_arrays" / "mnist" / "record.json").unlink()
        url, asked = serve(files)
        data = load(collection._replace(url=url), directory=str(home))
        assert (data.source, data.notice, len(asked)) == (url, "", 4)

    def test_damaged_arrays_without_a_network_are_deleted_and_the_notice_says_so(self, home, files, collection):
        load(collection, mirror=str(files), directory=str(home))
        (home / "nnjax_arrays" / "mnist" / "test_images.npy").write_bytes(b"")
        data = load(collection, directory=str(home))
        assert data.name == "mnist_5k"
        assert "(the prepared data was deleted, since test_images.npy was damaged; " in data.notice
        assert "refused" in data.notice
        assert not (home / "nnjax_arrays" / "mnist").exists()
        again = load(collection, directory=str(home))
        assert "damaged" not in again.notice
        assert "tried less than a day ago" in again.notice

    def test_damaged_fashion_mnist_without_a_network_is_one_line(self, home, files, make_collection, refused):
        fashion = make_collection(files, name="fashion_mnist")
        load(fashion, mirror=str(files), directory=str(home))
        folder = home / "nnjax_arrays" / "fashion_mnist"
        (folder / "test_images.npy").write_bytes(b"")
        message = refused(fashion, directory=str(home))
        damage = f"{folder}: the prepared data was deleted, since test_images.npy was damaged"
        assert message.startswith(f"{damage}; {fashion.url}")
        assert "data.mirror=FOLDER_OR_URL" in message


class TestChoice:
    def test_bundled_is_bundled_whatever_is_prepared(self, home, files, collection):
        load(collection, mirror=str(files), directory=str(home))
        assert load(collection, source="bundled", directory=str(home)).name == "mnist_5k"

    def test_bundled_needs_something_bundled_and_no_mirror(self, home, files, collection, refused):
        fashion = collection._replace(name="fashion_mnist")
        assert "has no part of fashion_mnist" in refused(fashion, source="bundled", directory=str(home))
        message = refused(collection, source="bundled", mirror=str(files), directory=str(home))
        assert "reads no mirror" in message

    def test_an_unknown_source_lists_the_known(self, home, collection, refused):
        message = refused(collection, source="tdfs", directory=str(home))
        assert message == "data.source=tdfs is not an option. Did you mean tfds? Allowed: auto, tfds, bundled."

    def test_sizes_beyond_the_data(self, home, files, collection, refused):
        message = refused(collection, mirror=str(files), directory=str(home), validation_size=12)
        assert message.startswith("data.validation_size=12 is impossible: ")
        assert "mnist has 12 rows" in message
