"""Which files a run gets: a named mirror or an error; else what is on this machine, the network, the bundled digits."""

import gzip
import json
import shutil
import subprocess
import sys
import time

import numpy as np
import pytest

from nnjax.data.collection import TEST_LABELS, TRAIN_IMAGES
from nnjax.data.idx import read_idx
from nnjax.data.mnist.source import load
from nnjax.data.mnist.tfds_builder import build
from nnjax.errors import InputError


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
        allowed = "Allowed: a folder or http(s) URL with the four files of mnist."
        assert message == f"data.mirror={files / 'nowhere'} is no folder. {allowed}"
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

    def test_without_bundled_digits_auto_names_the_mirror(self, home, collection):
        fashion = collection._replace(name="fashion_mnist")
        assert "data.mirror=FOLDER_OR_URL" in refused(fashion, directory=str(home))

    def test_wrong_bytes_stop_the_run(self, home, files, collection, serve):
        (files / TEST_LABELS).write_bytes(b"other")
        url, _ = serve(files)
        message = refused(collection._replace(url=url), directory=str(home))
        assert f"{TEST_LABELS} of mnist: expected sha256" in message

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

    def test_damaged_arrays_of_fashion_mnist_without_a_network_are_one_line(self, home, files, make_collection):
        fashion = make_collection(files, name="fashion_mnist")
        load(fashion, mirror=str(files), directory=str(home))
        folder = home / "nnjax_arrays" / "fashion_mnist"
        (folder / "test_images.npy").write_bytes(b"")
        message = refused(fashion, directory=str(home))
        damage = f"{folder}: the prepared data was deleted, since test_images.npy was damaged"
        assert message.startswith(f"{damage}; {fashion.url}")
        assert "data.mirror=FOLDER_OR_URL" in message


class TestTfds:
    """What tensorflow_datasets prepared on this machine, and what it prepares when it is asked to."""

    @pytest.mark.parametrize("source", ["auto", "tfds"])
    @pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
    def test_a_stock_folder_is_used_before_the_network(
        self, home, files, collection, serve, prepare_stock, source, file_format
    ):
        folder = prepare_stock(files, home, file_format)
        url, asked = serve(files)
        data = load(collection._replace(url=url), source=source, directory=str(home))
        assert (data.source, data.notice, asked) == (f"tensorflow_datasets ({folder})", "", [])
        assert data.digest == load(collection, mirror=str(files), directory=str(home.with_name("other"))).digest

    @pytest.mark.parametrize("source", ["auto", "tfds"])
    def test_a_folder_of_an_older_nnjax_is_used(self, home, files, collection, source):
        folder = build(collection, files, home)
        data = load(collection, source=source, directory=str(home))
        assert (data.source, len(data.train.y)) == (f"tensorflow_datasets ({folder})", 12)

    def test_a_folder_is_read_once(self, home, files, collection, prepare_stock):
        folder = prepare_stock(files, home)
        load(collection, directory=str(home))
        shutil.rmtree(folder)
        for source in ("auto", "tfds"):
            data = load(collection, source=source, directory=str(home))
            assert (data.name, data.source) == ("mnist", f"tensorflow_datasets ({folder})")

    def test_after_a_damaged_folder_comes_the_next_source(self, home, files, collection, serve, prepare_stock):
        built = build(collection, files, home)
        stock = prepare_stock(files, home)
        (built / "dataset_info.json").write_text("{")
        url, asked = serve(files)
        online = collection._replace(url=url)
        assert load(online, directory=str(home)).source == f"tensorflow_datasets ({stock})"
        shutil.rmtree(home / "nnjax_arrays")
        next(stock.glob("*train*")).write_bytes(b"half")
        assert (load(online, directory=str(home)).source, len(asked)) == (url, 4)
        assert stock.exists(), "other programs' folders are left alone"

    def test_a_damaged_folder_and_no_network_are_both_said(self, home, files, collection, prepare_stock):
        stock = prepare_stock(files, home)
        next(stock.glob("*train*")).write_bytes(b"half")
        notice = load(collection, directory=str(home)).notice
        assert "files are damaged, mnist-train.tfrecord-00000-of-00001 ends within a record; " in notice
        assert "refused" in notice
        message = refused(collection._replace(name="fashion_mnist"), directory=str(home))
        assert "damaged" not in message, "that folder is another collection's"

    def test_a_folder_that_can_only_be_read_is_used(self, home, files, collection, prepare_stock):
        folder = prepare_stock(files, home)
        (home / ".nnjax_mnist.lock").mkdir()  # so that there is no lock, even for root
        for source in ("auto", "tfds"):
            assert load(collection, source=source, directory=str(home)).source == f"tensorflow_datasets ({folder})"
        assert not (home / "nnjax_arrays").exists()

    def test_without_a_folder_it_downloads_and_prepares_one(self, home, files, collection, serve, known_to_tfds):
        url, asked = serve(files)
        online = collection._replace(url=url)
        known_to_tfds(online, files)
        data = load(online, source="tfds", directory=str(home))
        assert (data.source, data.notice, len(asked)) == (f"tensorflow_datasets ({url})", "", 4)
        assert data.digest == load(collection, mirror=str(files), directory=str(home.with_name("other"))).digest
        assert load(online, source="tfds", directory=str(home)).digest == data.digest
        assert len(asked) == 4
        assert (home / "nnjax_idx" / "mnist" / "1.0.0" / "dataset_info.json").is_file()
        assert sorted(path.name for path in home.iterdir()) == [".nnjax_mnist.lock", "nnjax_arrays", "nnjax_idx"]

    def test_arrays_of_another_source_do_not_do(self, home, files, collection, serve, known_to_tfds):
        load(collection, mirror=str(files), directory=str(home))
        url, asked = serve(files)
        online = collection._replace(url=url)
        known_to_tfds(online, files)
        assert load(online, source="tfds", directory=str(home)).source == f"tensorflow_datasets ({url})"
        assert len(asked) == 4

    def test_a_damaged_folder_of_its_own_is_replaced(self, home, files, collection, serve, known_to_tfds):
        built = build(collection, files, home)
        next(built.glob("*train*")).write_bytes(b"half")
        url, _ = serve(files)
        online = collection._replace(url=url)
        known_to_tfds(online, files)
        data = load(online, source="tfds", directory=str(home))
        assert data.source == f"tensorflow_datasets ({url})"
        shutil.rmtree(home / "nnjax_arrays")
        assert load(online, source="tfds", directory=str(home)).source == f"tensorflow_datasets ({built})"

    def test_it_insists_and_tries_each_time(self, home, files, collection, serve, known_to_tfds):
        url, asked = serve(files, "404")
        offline = collection._replace(url=url)
        known_to_tfds(offline, files)
        load(offline, directory=str(home))
        for _ in range(2):
            before = len(asked)
            message = refused(offline, source="tfds", directory=str(home))
            assert message.startswith(f"{url}: ")
            assert "data.mirror=FOLDER_OR_URL" in message
            assert len(asked) > before

    def test_wrong_bytes_stop_the_run(self, home, files, collection, serve, known_to_tfds):
        url, _ = serve(files)
        online = collection._replace(url=url)
        known_to_tfds(online, files)
        (files / TEST_LABELS).write_bytes(b"other")
        message = refused(online, source="tfds", directory=str(home))
        assert f"{TEST_LABELS} of mnist: expected sha256" in message
        assert [path.name for path in home.iterdir()] == [".nnjax_mnist.lock"]

    @pytest.mark.parametrize("packed_anew", [False, True])
    def test_a_mirrors_folder_is_what_it_prepares(self, home, files, collection, packed_anew):
        if packed_anew:
            content = gzip.decompress((files / TRAIN_IMAGES).read_bytes())
            (files / TRAIN_IMAGES).write_bytes(gzip.compress(content, compresslevel=1, mtime=1))
        data = load(collection, source="tfds", mirror=str(files), directory=str(home))
        assert data.source == f"tensorflow_datasets ({files})"
        assert (home / "nnjax_idx" / "mnist" / "1.0.0" / "dataset_info.json").is_file()
        assert load(collection, source="tfds", directory=str(home)).source == data.source

    def test_a_mirrors_address_is_what_it_prepares(self, home, files, collection, serve):
        url, asked = serve(files)
        for _ in range(2):
            data = load(collection, source="tfds", mirror=url, directory=str(home))
            assert (data.source, len(asked)) == (f"tensorflow_datasets ({url})", 4)

    def test_a_wrong_mirror_is_an_error(self, home, files, collection):
        load(collection, source="tfds", mirror=str(files), directory=str(home))
        (files / TEST_LABELS).write_bytes(gzip.compress(b"other"))
        message = refused(collection, source="tfds", mirror=str(files), directory=str(home))
        assert message.startswith(f"data.mirror={files}: {TEST_LABELS} of mnist: expected sha256")


def test_tensorflow_datasets_is_imported_for_its_own_sources_alone(home, files, collection):
    program = (
        "import sys; from nnjax.data.collection import Collection; from nnjax.data.mnist.source import load\n"
        f"load(Collection{tuple(collection)!r}, mirror={str(files)!r}, directory={str(home)!r})\n"
        "print('tensorflow_datasets' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.stdout.strip() == "False", ended.stderr


class TestChoice:
    def test_bundled_is_bundled_whatever_is_prepared(self, home, files, collection):
        load(collection, mirror=str(files), directory=str(home))
        assert load(collection, source="bundled", directory=str(home)).name == "mnist_5k"

    def test_bundled_needs_something_bundled_and_no_mirror(self, home, files, collection):
        fashion = collection._replace(name="fashion_mnist")
        assert "has no part of fashion_mnist" in refused(fashion, source="bundled", directory=str(home))
        message = refused(collection, source="bundled", mirror=str(files), directory=str(home))
        assert "reads no mirror" in message

    def test_an_unknown_source_lists_the_known(self, home, collection):
        message = refused(collection, source="tdfs", directory=str(home))
        assert message == "data.source=tdfs is not known. Allowed: auto, tfds, bundled."

    def test_sizes_beyond_the_data(self, home, files, collection):
        message = refused(collection, mirror=str(files), directory=str(home), validation_size=12)
        assert message.startswith("data.validation_size=12: ")
        assert "mnist has 12 rows" in message
