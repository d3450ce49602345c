"""Checkpoint files: whole or refused, with a line that says why."""

import os

import numpy as np
import pytest

from nnjax.errors import InputError
from nnjax.runs import checkpoint_file

ARRAYS = {"state.b": np.arange(3, dtype=np.float32), "rows": np.full((1, 1, 2), np.nan), "state.n": np.int32([7])}
FACTS = {"epoch": 3, "step": 1, "scores": {"a": float("inf")}}


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "000000000003.safetensors"
    checkpoint_file.write(path, ARRAYS, FACTS)
    return path


def test_what_was_written_is_read(written):
    found = checkpoint_file.read(written)
    assert found.facts == FACTS
    assert set(found.arrays) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found.arrays[name], array)
        assert found.arrays[name].dtype == array.dtype


def refused(path, content):
    path.write_bytes(content)
    try:
        checkpoint_file.read(path)
    except InputError as error:
        return "\n" not in str(error) and str(path) in str(error)
    return False


def test_every_flipped_bit_is_detected(written):
    content = written.read_bytes()
    assert len(content) < 1000
    for place in range(len(content) * 8):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        assert refused(written, bytes(flipped)), place


def test_every_truncation_is_detected(written):
    content = written.read_bytes()
    assert all(refused(written, content[:length]) for length in range(len(content)))
    assert refused(written, content + b"\0")


def test_flips_and_truncations_of_a_large_one_are_detected(tmp_path):
    path, rng = tmp_path / "1.safetensors", np.random.default_rng(0)
    checkpoint_file.write(path, {"state.Theta": rng.normal(size=(300, 784)).astype(np.float32)}, FACTS)
    content = path.read_bytes()
    for place in rng.integers(len(content) * 8, size=100):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << int(place) % 8
        assert refused(path, bytes(flipped)), place
    assert all(refused(path, content[:length]) for length in rng.integers(len(content), size=20))


def test_another_format_says_so(written, monkeypatch):
    monkeypatch.setattr(checkpoint_file, "FORMAT", 3)
    with pytest.raises(InputError, match=r"format 2\. Allowed: 3"):
        checkpoint_file.read(written)


def test_nothing_is_left_of_a_write_that_failed(tmp_path, monkeypatch):
    """As on a full disk: the file before it stays."""
    path = tmp_path / "1.safetensors"
    checkpoint_file.write(path, ARRAYS, {"epoch": 1})

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint_file.write(path, ARRAYS, {"epoch": 2})
    assert [each.name for each in tmp_path.iterdir()] == ["1.safetensors"]
    assert checkpoint_file.read(path).facts == {"epoch": 1}


def test_the_last_two_and_the_best_stay(tmp_path):
    scores = {tmp_path / f"{updates}.safetensors": score for updates, score in enumerate([3.0, 1.0, 2.0, 5.0, 4.0])}
    for path in scores:
        checkpoint_file.write(path, ARRAYS, FACTS)
        checkpoint_file.prune(tmp_path, scores)
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["1", "3", "4"]
