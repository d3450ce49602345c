"""A strict reader of idx files (the format of the MNIST database), plain or gzip."""

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Protocol

import numpy as np

from nnjax.errors import InputError

UNSIGNED_BYTE = 0x08
BLOCK = 1 << 20  # bytes


class Stream(Protocol):
    """The method that plain and gzip files share."""

    def read(self, size: int, /) -> bytes: ...


def read_idx(path: Path) -> np.ndarray:
    """Return the unsigned bytes of an idx file, uint8 with the 1 to 3 dimensions of its header.

    The header is big-endian: 0, 0, type 0x08, the number of dimensions, then each size as uint32. The file must have
    exactly as many bytes as the header claims; no more memory is taken than the smaller of the two numbers.
    Source: yann.lecun.com/exdb/mnist, "the idx file format". Raises InputError for any other file.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            return _read(stream, path.name)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(f"{path.name} is damaged: {error}", "a whole gzip file") from None
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}") from None


def _read(stream: Stream, name: str) -> np.ndarray:
    shape = _read_shape(stream, name)
    claimed = math.prod(shape)
    content = _read_at_most(stream, claimed + 1)
    if len(content) != claimed:
        count = "more" if len(content) > claimed else len(content)
        raise InputError(f"{name} has {count} bytes after the header", f"{claimed}, for the shape {shape}")
    try:
        return np.frombuffer(content, np.uint8).reshape(shape)
    except ValueError:  # no bytes, but sizes that no array has
        raise InputError(f"{name} has the shape {shape}", "a shape that an array can have") from None


def _read_shape(stream: Stream, name: str) -> tuple[int, ...]:
    magic = stream.read(4)
    if magic not in [bytes((0, 0, UNSIGNED_BYTE, dimensions)) for dimensions in (1, 2, 3)]:
        raise InputError(f"{name} begins with {magic.hex() or 'no bytes'}", "an idx file, 00000801 to 00000803")
    sizes = stream.read(4 * magic[3])
    if len(sizes) != 4 * magic[3]:
        raise InputError(f"{name} has a header of {4 + len(sizes)} bytes", f"{4 + 4 * magic[3]} bytes")
    return struct.unpack(f">{magic[3]}I", sizes)


def _read_at_most(stream: Stream, limit: int) -> bytes:
    # In blocks, because read(limit) takes the memory that the header claims before it reads the file.
    blocks = []
    while limit > 0 and (block := stream.read(min(BLOCK, limit))):
        blocks.append(block)
        limit -= len(block)
    return b"".join(blocks)
