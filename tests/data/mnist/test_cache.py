"""Cached arrays are whole or not there: damage is noticed and mended, and two processes do no harm."""

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from nnjax.data.mnist import cache
from nnjax.data.mnist.catalog import TRAIN_IMAGES, TRAIN_LABELS
from nnjax.data.mnist.download import UnavailableError
from nnjax.data.mnist.idx import read_idx
from nnjax.data.mnist.idx_files import read_files
from nnjax.errors import InputError

NAMES = ("train_images", "train_labels", "test_images", "test_labels")


def anything(source):
    return True


@pytest.fixture
def make(files, collection):
    """make(workspace) -> the arrays of the four files; make.calls counts how often."""

    def read(workspace):
        read.calls += 1
        return cache.Cached(read_files(collection, files), "here")

    read.calls = 0
    return read


@pytest.fixture
def folder(home, collection, make):
    cache.read_or_make(home, collection, anything, make)
    return cache.cache_folder(home, collection)


def in_home(home):
    return sorted(path.name for path in home.iterdir())


def test_nothing_there_is_none(home, collection):
    assert cache.read_cache(home, collection, anything) is None


def test_reads_what_was_made(home, files, collection, folder):
    cached = cache.read_cache(home, collection, anything)
    assert cached.source == "here"
    for actual, expected in zip(cached.arrays, read_files(collection, files), strict=True):
        assert actual.dtype == expected.dtype
        np.testing.assert_array_equal(actual, expected)
    assert in_home(home) == [".nnjax_mnist.lock", "nnjax_arrays"]
    assert sorted(path.name for path in folder.iterdir()) == sorted([*(f"{name}.npy" for name in NAMES), "record.json"])


def test_is_made_once(home, collection, make):
    for _ in range(3):
        assert cache.read_or_make(home, collection, anything, make).source == "here"
    assert make.calls == 1


def test_is_made_again_where_another_source_is_wanted(home, collection, make, folder):
    assert cache.read_cache(home, collection, lambda source: source == "there") is None
    elsewhere = cache.read_or_make(
        home, collection, lambda source: source == "there", lambda workspace: make(workspace)._replace(source="there")
    )
    assert elsewhere.source == "there"
    assert cache.read_cache(home, collection, anything).source == "there"
    assert in_home(home) == [".nnjax_mnist.lock", "nnjax_arrays"]


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[-100] ^= 1
    path.write_bytes(raw)


def claim_terabytes(path):
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"(12, 28, 28), }" + b" " * 10, b"(12000000000, 28, 28), }" + b" ", 1))


def write(content):
    return lambda path: path.write_bytes(content)


def write_other_array(path):
    np.save(path, np.zeros((12, 28, 28), np.uint8))


ARRAY_DAMAGES = [flip, claim_terabytes, write_other_array, write(b""), write(b"\x80P"), lambda path: path.unlink()]
RECORD_DAMAGES = [
    lambda path: path.unlink(),
    *map(
        write, [b"", b"{}", b"[]", b"null", b'{"files": {}, "arrays": {}, "source": "x"}', b'{"files": 3}', b"[" * 9999]
    ),
]
DAMAGES = [
    *(("train_images.npy", damage) for damage in ARRAY_DAMAGES),
    *((f"{name}.npy", lambda path: path.unlink()) for name in NAMES[1:]),
    *(("record.json", damage) for damage in RECORD_DAMAGES),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_what_is_damaged_is_noticed_and_made_again(home, files, collection, make, folder, name, damage):
    before = (folder / name).read_bytes()
    damage(folder / name)
    assert not (folder / name).exists() or (folder / name).read_bytes() != before
    with pytest.raises(
        cache.DamageError, match=rf"^{folder}: the prepared data was deleted, since {name} was damaged$"
    ):
        cache.read_cache(home, collection, anything)
    again = cache.read_or_make(home, collection, anything, make)
    np.testing.assert_array_equal(again.arrays.train_images, read_idx(files / TRAIN_IMAGES))
    assert (folder / name).read_bytes() == before
    assert make.calls == 2
    assert in_home(home) == [".nnjax_mnist.lock", "nnjax_arrays"]


@pytest.mark.parametrize("key", ["files", "arrays", "source"])
def test_a_record_of_other_files_or_of_no_form_is_damage(home, collection, folder, key):
    record = json.loads((folder / "record.json").read_bytes())
    for other in ({**record, key: {}}, {**record, key: 3}, {name: record[name] for name in record if name != key}):
        (folder / "record.json").write_text(json.dumps(other))
        with pytest.raises(cache.DamageError, match=r"since record\.json was damaged"):
            cache.read_cache(home, collection, anything)


def test_what_is_damaged_and_cannot_be_made_again_is_deleted_and_said(home, collection, folder):
    (folder / "test_labels.npy").unlink()

    def fail(workspace):
        raise UnavailableError("http://x/: no network")

    with pytest.raises(UnavailableError) as error:
        cache.read_or_make(home, collection, anything, fail)
    damage = f"{folder}: the prepared data was deleted, since test_labels.npy was damaged"
    assert error.value.reasons == (damage, "http://x/: no network")
    assert not folder.exists()
    assert cache.read_cache(home, collection, anything) is None


def test_a_failure_leaves_nothing_and_the_next_try_starts_clean(home, files, collection, make, make_idx):
    wrong = make_idx(np.full(12, 3, np.uint8))  # label 3 of three classes
    right = (files / TRAIN_LABELS).read_bytes()
    (files / TRAIN_LABELS).write_bytes(gzip.compress(wrong))
    with pytest.raises(InputError, match=rf"{TRAIN_LABELS} has the label 3\. Allowed: labels from 0 to 2\.$"):
        cache.read_or_make(home, collection, anything, make)
    assert in_home(home) == [".nnjax_mnist.lock"]
    (files / TRAIN_LABELS).write_bytes(right)
    assert len(cache.read_or_make(home, collection, anything, make).arrays.train_labels) == 12


def test_what_a_killed_process_left_is_removed(home, collection, make):
    unfinished = home / ".nnjax_mnist.partial" / "arrays"
    unfinished.mkdir(parents=True)
    (unfinished / "train_images.npy").write_bytes(b"half")
    assert cache.read_cache(home, collection, anything) is None
    cache.read_or_make(home, collection, anything, make)
    assert in_home(home) == [".nnjax_mnist.lock", "nnjax_arrays"]


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, collection, make, below):
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(
        InputError, match=r"^data\.directory=.*taken.* cannot be written: .*\. Allowed: a folder "
    ) as error:
        cache.read_or_make(tmp_path / "taken" / below, collection, anything, make)
    assert "\n" not in str(error.value)


FULL = """
import resource, signal, sys
from pathlib import Path
from nnjax.data.mnist.catalog import Collection
from nnjax.data.mnist import cache
from nnjax.data.mnist.idx_files import read_files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
collection = Collection("mnist", "http://127.0.0.1:9/", {sums!r}, {}, ("zero", "one", "two"))
make = lambda workspace: cache.Cached(read_files(collection, Path(sys.argv[2])), "here")
cache.read_or_make(Path(sys.argv[1]), collection, lambda source: True, make)
"""


@pytest.mark.parametrize("room", [100, 5000])
def test_no_room_is_one_line_and_leaves_nothing(home, files, collection, room):
    """A limit on the size of a file stands for a full disk: within the first array's header, and within its rows."""
    program = FULL.replace("{sums!r}", repr(dict(collection.sha256)))
    command = [sys.executable, "-c", program, str(home), str(files), str(room)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    last = ended.stderr.strip().splitlines()[-1]
    expected = f"nnjax.data.mnist.cache.UnwritableError: data.directory={home} cannot be written: "
    assert last.startswith(expected), ended.stderr
    assert in_home(home) == [".nnjax_mnist.lock"]


PROCESS = """
import sys, time
from pathlib import Path
from nnjax.data.mnist.catalog import Collection
from nnjax.data.mnist import cache
from nnjax.data.mnist.idx_files import read_files
home, files, gate = map(Path, sys.argv[1:4])
collection = Collection("mnist", "http://127.0.0.1:9/", {sums!r}, {}, ("zero", "one", "two"))
calls = []
def make(workspace):
    calls.append(1)
    time.sleep(0.3)  # so that the other process has to wait
    return cache.Cached(read_files(collection, files), "here")
while not gate.exists():
    time.sleep(0.001)
cached = cache.read_or_make(home, collection, lambda source: True, make)
print(len(calls), int(cached.arrays.train_images.sum()))
"""


def test_two_processes_at_once_make_the_arrays_once_and_both_have_them(home, files, collection, tmp_path):
    program = PROCESS.replace("{sums!r}", repr(dict(collection.sha256)))
    command = [sys.executable, "-c", program, str(home), str(files), str(tmp_path / "gate")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    time.sleep(0.5)
    (tmp_path / "gate").touch()
    said = sorted(process.communicate(timeout=60)[0].split() for process in both)
    total = str(int(read_idx(files / TRAIN_IMAGES).sum(dtype=np.int64)))
    assert said == [["0", total], ["1", total]]
    assert in_home(home) == [".nnjax_mnist.lock", "nnjax_arrays"]


def test_data_directory_is_that_of_tensorflow_datasets(monkeypatch, tmp_path):
    from tensorflow_datasets.core.constants import get_default_data_dir

    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    assert cache.data_directory(None) == Path(get_default_data_dir())
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert cache.data_directory(None) == Path(get_default_data_dir()) == tmp_path
    assert cache.data_directory("~/x") == Path.home() / "x"
    assert cache.data_directory("y") == Path.cwd() / "y"
