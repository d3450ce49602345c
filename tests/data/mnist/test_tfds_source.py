"""What tensorflow_datasets prepared on this machine is used before the network; asked for, it prepares the data now."""

import gzip
import shutil
import subprocess
import sys

import pytest

from nnjax.data.mnist.catalog import TEST_LABELS, TRAIN_IMAGES
from nnjax.data.mnist.source import load
from nnjax.data.mnist.tfds_builder import build


@pytest.mark.parametrize("source", ["auto", "tfds"])
@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_a_stock_folder_is_used_before_the_network(home, files, collection, serve, prepare_stock, source, file_format):
    folder = prepare_stock(files, home, file_format)
    url, asked = serve(files)
    data = load(collection._replace(url=url), source=source, directory=str(home))
    assert (data.source, data.notice, asked) == (f"tensorflow_datasets ({folder})", "", [])
    assert data.digest == load(collection, mirror=str(files), directory=str(home.with_name("other"))).digest


@pytest.mark.parametrize("source", ["auto", "tfds"])
def test_a_folder_of_an_older_nnjax_is_used(home, files, collection, source):
    folder = build(collection, files, home)
    data = load(collection, source=source, directory=str(home))
    assert (data.source, len(data.train.y)) == (f"tensorflow_datasets ({folder})", 12)


def test_a_folder_is_read_once(home, files, collection, prepare_stock):
    folder = prepare_stock(files, home)
    load(collection, directory=str(home))
    shutil.rmtree(folder)
    for source in ("auto", "tfds"):
        data = load(collection, source=source, directory=str(home))
        assert (data.name, data.source) == ("mnist", f"tensorflow_datasets ({folder})")


def test_after_a_damaged_folder_comes_the_next_source(home, files, collection, serve, prepare_stock):
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


def test_a_damaged_folder_and_no_network_are_both_said(home, files, collection, prepare_stock, refused):
    stock = prepare_stock(files, home)
    next(stock.glob("*train*")).write_bytes(b"half")
    notice = load(collection, directory=str(home)).notice
    assert "files are damaged, mnist-train.tfrecord-00000-of-00001 ends within a record; " in notice
    assert "refused" in notice
    message = refused(collection._replace(name="fashion_mnist"), directory=str(home))
    assert "damaged" not in message, "that folder is another collection's"


def test_a_folder_that_can_only_be_read_is_used(home, files, collection, prepare_stock):
    folder = prepare_stock(files, home)
    (home / ".nnjax_mnist.lock").mkdir()  # so that there is no lock, even for root
    for source in ("auto", "tfds"):
        assert load(collection, source=source, directory=str(home)).source == f"tensorflow_datasets ({folder})"
    assert not (home / "nnjax_arrays").exists()


def test_without_a_folder_it_downloads_and_prepares_one(home, files, collection, serve, known_to_tfds):
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


def test_arrays_of_another_source_do_not_do(home, files, collection, serve, known_to_tfds):
    load(collection, mirror=str(files), directory=str(home))
    url, asked = serve(files)
    online = collection._replace(url=url)
    known_to_tfds(online, files)
    assert load(online, source="tfds", directory=str(home)).source == f"tensorflow_datasets ({url})"
    assert len(asked) == 4


def test_a_damaged_folder_of_its_own_is_replaced(home, files, collection, serve, known_to_tfds):
    built = build(collection, files, home)
    next(built.glob("*train*")).write_bytes(b"half")
    url, _ = serve(files)
    online = collection._replace(url=url)
    known_to_tfds(online, files)
    data = load(online, source="tfds", directory=str(home))
    assert data.source == f"tensorflow_datasets ({url})"
    shutil.rmtree(home / "nnjax_arrays")
    assert load(online, source="tfds", directory=str(home)).source == f"tensorflow_datasets ({built})"


def test_it_insists_and_tries_each_time(home, files, collection, serve, known_to_tfds, refused):
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


def test_wrong_bytes_stop_the_run(home, files, collection, serve, known_to_tfds, refused):
    url, _ = serve(files)
    online = collection._replace(url=url)
    known_to_tfds(online, files)
    (files / TEST_LABELS).write_bytes(b"other")
    message = refused(online, source="tfds", directory=str(home))
    assert f"{TEST_LABELS} of mnist has another sha256" in message
    assert [path.name for path in home.iterdir()] == [".nnjax_mnist.lock"]


@pytest.mark.parametrize("packed_anew", [False, True])
def test_a_mirrors_folder_is_what_it_prepares(home, files, collection, packed_anew):
    if packed_anew:
        content = gzip.decompress((files / TRAIN_IMAGES).read_bytes())
        (files / TRAIN_IMAGES).write_bytes(gzip.compress(content, compresslevel=1, mtime=1))
    data = load(collection, source="tfds", mirror=str(files), directory=str(home))
    assert data.source == f"tensorflow_datasets ({files})"
    assert (home / "nnjax_idx" / "mnist" / "1.0.0" / "dataset_info.json").is_file()
    assert load(collection, source="tfds", directory=str(home)).source == data.source


def test_a_mirrors_address_is_what_it_prepares(home, files, collection, serve):
    url, asked = serve(files)
    for _ in range(2):
        data = load(collection, source="tfds", mirror=url, directory=str(home))
        assert (data.source, len(asked)) == (f"tensorflow_datasets ({url})", 4)


def test_a_wrong_mirror_is_an_error(home, files, collection, refused):
    load(collection, source="tfds", mirror=str(files), directory=str(home))
    (files / TEST_LABELS).write_bytes(gzip.compress(b"other"))
    message = refused(collection, source="tfds", mirror=str(files), directory=str(home))
    assert message.startswith(f"data.mirror={files}: {TEST_LABELS} of mnist has the sha256 ")


def test_tensorflow_datasets_is_imported_for_its_own_sources_alone(home, files, collection):
    program = (
        "import sys; from nnjax.data.mnist.catalog import Collection; from nnjax.data.mnist.source import load\n"
        f"load(Collection{tuple(collection)!r}, mirror={str(files)!r}, directory={str(home)!r})\n"
        "print('tensorflow_datasets' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert ended.stdout.strip() == "False", ended.stderr
