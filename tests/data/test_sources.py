"""Sources are looked up by name, load fast, and import nothing heavy; the real files are what they are known to be."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nnjax.data.sources import SOURCES, load
from nnjax.errors import InputError

DEBIAN_FASHION = Path("/usr/share/datasets/fashion-mnist")


def test_the_table():
    assert set(SOURCES) == {"mnist", "fashion_mnist", "boolean", "file"}
    assert load("boolean", table="0110").train.y.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(("name", "near"), [("minst", "Did you mean mnist?"), ("zzz", "mnist, fashion_mnist, boolean")])
def test_an_unknown_name_lists_the_known(name, near):
    with pytest.raises(InputError, match=f"^data={name} is not a data source\\. ") as error:
        load(name)
    assert near in str(error.value)


def test_fashion_mnist_has_its_own_words(tmp_path):
    with pytest.raises(InputError, match="has no part of fashion_mnist"):
        load("fashion_mnist", source="bundled", directory=str(tmp_path))


LOAD = """
import sys
from nnjax.data.sources import load
data = load(sys.argv[1], directory=sys.argv[2], source=sys.argv[3], mirror=sys.argv[4] or None, validation_size=0.1)
heavy = {"jax", "hydra", "mlflow", "tensorflow_datasets", "requests", "nnjax.config.schema", "pandas"}
print(data.name, len(data.train.y), *sorted(heavy & set(sys.modules)))
"""


def in_a_new_process(*arguments):
    """Return (what it printed, seconds of processor time, which other work on the machine does not change much)."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ended = subprocess.run([sys.executable, "-c", LOAD, *arguments], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.stdout.split(), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_bundled_digits_import_nothing_heavy_and_load_fast(tmp_path):
    tries = [in_a_new_process("mnist", str(tmp_path), "bundled", "") for _ in range(3)]
    assert tries[0][0] == ["mnist_5k", "3600"]
    assert min(seconds for _, seconds in tries) < 1.0  # 0.2 s where it was written; room for slower machines


@pytest.mark.slow
def test_the_real_mnist(tmp_path, real_mnist):
    """Counts by class are those that the training and test files are known for; the first labels are 5, 0, 4, 1, 9."""
    data = load("mnist", mirror=str(real_mnist), directory=str(tmp_path), validation_size=5000)
    assert [len(split.y) for split in (data.train, data.validation, data.test)] == [55000, 5000, 10000]
    counts = np.bincount(np.concatenate([data.train.y, data.validation.y]))
    assert counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert data.test.y[:5].tolist() == [7, 2, 1, 0, 4]
    grey_levels = [split.x.sum(dtype=np.int64) for split in (data.train, data.validation)]
    assert sum(grey_levels) / (60000 * 784 * 255) == pytest.approx(0.1307, abs=5e-5)  # the mean everybody subtracts
    first = in_a_new_process("mnist", str(tmp_path / "empty"), "auto", str(real_mnist))
    assert first[1] < 3.0  # 1.2 s where it was written; room for slower machines
    tries = [in_a_new_process("mnist", str(tmp_path), "auto", mirror) for mirror in ("", str(real_mnist), "")]
    assert first[0] == tries[0][0] == tries[1][0] == ["mnist", "54000"]
    assert min(seconds for _, seconds in tries) < 1.0  # 0.3 s where it was written; room for slower machines


@pytest.mark.skipif(not DEBIAN_FASHION.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_debians_fashion_mnist_is_packed_otherwise_and_taken(tmp_path):
    data = load("fashion_mnist", mirror=str(DEBIAN_FASHION), directory=str(tmp_path))
    assert data.train.x.shape == (60000, 28, 28)
    assert [data.classes[label] for label in data.test.y[:3]] == ["Ankle boot", "Pullover", "Trouser"]


def test_auto_takes_the_bundled_digits_where_nothing_can_be_prepared():
    data = load("mnist", directory="/dev/null/data")
    assert data.name == "mnist_5k"
    assert "data.directory=/dev/null/data cannot be written: " in data.notice
