"""What is prepared is whole or not there: damage is noticed, mended or named, and two processes do no harm."""

import gzip
import json
import subprocess
import sys
import time

import numpy as np
import pytest

from nnjax.data.collection import TRAIN_IMAGES, TRAIN_LABELS
from nnjax.data.idx import read_idx
from nnjax.data.mnist import cache as prepared
from nnjax.errors import InputError


@pytest.fixture
def files(tmp_path):
    return tmp_path / "files"


@pytest.fixture
def collection(files, make_collection):
    return make_collection(files)


@pytest.fixture
def folder(home, files, collection):
    prepared.prepare(home, collection, "here", lambda workspace: files)
    return home / "nnjax_idx" / "mnist" / "1.0.0"


def in_home(home):
    return sorted(path.name for path in home.iterdir())


def test_nothing_there_is_none(home, collection):
    assert prepared.read(home, collection) is None


def test_reads_what_was_prepared(home, files, collection, folder):
    found = prepared.read(home, collection)
    assert found.source == "here"
    np.testing.assert_array_equal(found.arrays["train_images"], read_idx(files / TRAIN_IMAGES))
    np.testing.assert_array_equal(found.arrays["train_labels"], read_idx(files / TRAIN_LABELS))
    assert in_home(home) == [".nnjax_mnist.lock", "nnjax_idx"]


def flip(path):
    raw = bytearray(path.read_bytes())
    raw[-100] ^= 1
    path.write_bytes(raw)


def claim_terabytes(path):
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"(12, 28, 28), }" + b" " * 10, b"(12000000000, 28, 28), }" + b" ", 1))


DAMAGES = [flip, claim_terabytes, lambda path: path.write_bytes(path.read_bytes()[:-7]), lambda path: path.unlink()]


@pytest.mark.parametrize(
    "damage", [*DAMAGES, lambda path: path.write_bytes(b""), lambda path: path.write_bytes(b"\x80P")]
)
def test_a_damaged_cache_is_rebuilt_from_array_record(home, collection, folder, damage):
    cache = folder / "train_images.npy"
    whole = cache.read_bytes()
    damage(cache)
    assert not cache.exists() or cache.read_bytes() != whole
    found = prepared.read(home, collection)
    np.testing.assert_array_equal(found.arrays["train_images"], np.load(cache))
    assert cache.read_bytes() == whole


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(path.read_bytes()[:2000]), lambda path: path.unlink()]
)
def test_damage_of_cache_and_array_record_is_one_line(home, collection, folder, damage):
    (folder / "train_labels.npy").unlink()
    damage(next(folder.glob("*train.array_record*")))
    with pytest.raises(
        prepared.DamageError, match=r"1\.0\.0 is damaged: expected .*, found .*delete that folder"
    ) as error:
        prepared.read(home, collection)
    assert "\n" not in str(error.value)
    assert prepared.read_if_whole(home, collection) is None


def test_other_arrays_in_array_record_are_noticed(home, collection, folder):
    record = json.loads((folder / "record.json").read_bytes())
    record["arrays"]["test_images"] = "0" * 64
    (folder / "record.json").write_text(json.dumps(record))
    with pytest.raises(prepared.DamageError, match=f"expected test_images with sha256 {'0' * 64}, found "):
        prepared.read(home, collection)


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", '{"files": {}, "arrays": {}, "source": "x"}', '{"files": 3}']
)
def test_a_damaged_record_is_one_line(home, collection, folder, content):
    (folder / "record.json").write_text(content)
    with pytest.raises(prepared.DamageError, match="expected a record"):
        prepared.read(home, collection)


def test_what_is_damaged_is_prepared_again(home, files, collection, folder):
    (folder / "record.json").unlink()
    prepared.prepare(home, collection, "again", lambda workspace: files)
    assert prepared.read(home, collection).source == "again"
    assert in_home(home) == [".nnjax_mnist.lock", "nnjax_idx"]


def test_a_failure_leaves_nothing_and_the_next_try_starts_clean(home, files, collection, make_idx):
    wrong = make_idx(np.full(12, 3, np.uint8))  # label 3 of three classes
    right = (files / TRAIN_LABELS).read_bytes()
    (files / TRAIN_LABELS).write_bytes(gzip.compress(wrong))
    with pytest.raises(InputError, match=f"{TRAIN_LABELS}: expected labels from 0 to 2, found 3") as error:
        prepared.prepare(home, collection, "here", lambda workspace: files)
    assert "\n" not in str(error.value)
    assert in_home(home) == [".nnjax_mnist.lock"]
    (files / TRAIN_LABELS).write_bytes(right)
    assert len(prepared.prepare(home, collection, "here", lambda workspace: files).arrays["train_labels"]) == 12


def test_what_a_killed_process_left_is_removed(home, files, collection):
    left = home / ".nnjax_mnist.partial" / "nnjax_idx" / "mnist"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"half")
    assert prepared.read(home, collection) is None
    prepared.prepare(home, collection, "here", lambda workspace: files)
    assert in_home(home) == [".nnjax_mnist.lock", "nnjax_idx"]


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, files, collection, below):
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(InputError, match=r"^data\.directory=.*taken.*: allowed is a folder .*, found: ") as error:
        prepared.prepare(tmp_path / "taken" / below, collection, "here", lambda workspace: files)
    assert "\n" not in str(error.value)


FULL = """
import resource, signal, sys
from pathlib import Path
from nnjax.data.mnist import cache as prepared
from nnjax.data.collection import Collection
import nnjax.data.mnist.tfds_builder
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
collection = Collection("mnist", "http://127.0.0.1:9/", {sums!r}, {}, ("zero", "one", "two"))
prepared.prepare(Path(sys.argv[1]), collection, "here", lambda workspace: Path(sys.argv[2]))
"""


@pytest.mark.parametrize("room", [100, 3000, 9000])
def test_no_room_is_one_line_and_leaves_nothing(home, files, collection, room):
    """A limit on the size of a file stands for a full disk: at the first file, in array_record, in the cache."""
    program = FULL.replace("{sums!r}", repr(dict(collection.sha256)))
    command = [sys.executable, "-c", program, str(home), str(files), str(room)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith(
        f"nnjax.data.mnist.cache.UnwritableError: data.directory={home}: allowed is a folder with room"
    ), ended.stderr
    assert in_home(home) == [".nnjax_mnist.lock"]


PROCESS = """
import sys, time
from pathlib import Path
from nnjax.data.mnist import cache as prepared
from nnjax.data.collection import Collection
home, files, gate = map(Path, sys.argv[1:4])
collection = Collection("mnist", "http://127.0.0.1:9/", {sums!r}, {}, ("zero", "one", "two"))
supplied = []
while not gate.exists():
    time.sleep(0.001)
found = prepared.prepare(home, collection, "here", lambda workspace: supplied.append(1) or files)
print(len(supplied), int(found.arrays["train_images"].sum()))
"""


def test_two_processes_at_once_prepare_once_and_both_have_it(home, files, collection, tmp_path):
    program = PROCESS.replace("{sums!r}", repr(dict(collection.sha256)))
    command = [sys.executable, "-c", program, str(home), str(files), str(tmp_path / "gate")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    time.sleep(0.5)
    (tmp_path / "gate").touch()
    said = sorted(process.communicate(timeout=60)[0].split() for process in both)
    total = str(int(read_idx(files / TRAIN_IMAGES).sum(dtype=np.int64)))
    assert said == [["0", total], ["1", total]]
    assert in_home(home) == [".nnjax_mnist.lock", "nnjax_idx"]
