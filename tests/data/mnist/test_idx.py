"""An idx file is read as its header says, or refused with its name, what is wrong and what is allowed."""

import gzip
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from nnjax.data.mnist.idx import read_idx
from nnjax.errors import InputError


@pytest.mark.parametrize("shape", [(300,), (2, 5), (257, 28, 28)])
@pytest.mark.parametrize("suffix", [".gz", ""])
def test_reads_what_was_written(tmp_path, make_idx, shape, suffix):
    array = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    path = tmp_path / f"images{suffix}"
    path.write_bytes(gzip.compress(make_idx(array)) if suffix else make_idx(array))
    read = read_idx(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize(
    ("content", "allowed", "problem"),
    [
        (b"", "00000801", "no bytes"),
        (b"\0\0\x0d\x01" + bytes(8), "00000801", "00000d01"),
        (b"\0\0\x08\x04" + bytes(16), "00000803", "00000804"),
        (b"\0\0\x08\x00", "00000801", "00000800"),
        (b"\0\0\x08\x03\0\0", "16 bytes", "6 bytes"),
        (struct.pack(">BBBBI", 0, 0, 8, 1, 5) + bytes(4), "5, for", "4 bytes"),
        (struct.pack(">BBBBI", 0, 0, 8, 1, 5) + bytes(6), "5, for", "more bytes"),
    ],
)
def test_refuses_what_is_no_idx_file(tmp_path, content, allowed, problem):
    path = tmp_path / "some-idx1-ubyte"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_idx(path)
    message = str(error.value)
    assert message.startswith("some-idx1-ubyte ")
    assert "\n" not in message
    assert problem in message.split("Allowed: ")[0]
    assert allowed in message.split("Allowed: ")[1]


@pytest.mark.parametrize("suffix", [".gz", ""])
def test_a_header_that_claims_terabytes_is_refused_before_memory_is_taken(tmp_path, suffix):
    content = struct.pack(">BBBB3I", 0, 0, 8, 3, 2**32 - 1, 28, 28) + bytes(100)
    path = tmp_path / f"images{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)
    tracemalloc.start()
    with pytest.raises(InputError, match=rf"100 bytes after the header\. Allowed: {(2**32 - 1) * 784}, "):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_small_claim_does_not_unpack_the_whole_of_a_large_file(tmp_path, make_idx):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(make_idx(np.zeros(3, np.uint8)) + bytes(64 << 20)))
    tracemalloc.start()
    with pytest.raises(InputError, match="has more bytes"):
        read_idx(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[:-20], lambda raw: raw[:60] + b"\xff\xff\xff" + raw[63:], lambda raw: raw[1:]]
)
def test_a_damaged_gzip_file_is_refused(tmp_path, make_idx, damage):
    path = tmp_path / "labels.gz"
    array = np.random.default_rng(2).integers(0, 256, 5000, dtype=np.uint8)
    path.write_bytes(damage(gzip.compress(make_idx(array))))
    with pytest.raises(InputError, match=r"^labels\.gz is damaged: .*\. Allowed: a whole gzip file\.$"):
        read_idx(path)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"^nothing cannot be read: No such file"):
        read_idx(tmp_path / "nothing")


def test_a_shape_that_no_array_has(tmp_path):
    """No byte is missing where one size is 0, whatever the others are."""
    (tmp_path / "file").write_bytes(bytes([0, 0, 8, 3, *bytes(4), *b"\xff" * 8]))
    with pytest.raises(
        InputError, match=r"file has the shape \(0, 4294967295.*\. Allowed: a shape that an array can have\.$"
    ):
        read_idx(tmp_path / "file")
