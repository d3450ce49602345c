"""Arrays in .npy and .npz files: nothing in them is executed, and sizes are checked before memory is taken."""

import io
import math
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from nnjax.errors import InputError

SMALL = 1 << 28  # bytes that an array in an archive may always have
DENSEST = 100  # times the bytes in the archive that a larger one may have: packed numbers are seldom smaller


def names(path: Path) -> tuple[str, ...]:
    """Return the names of the arrays in an .npz file; raise InputError."""
    with path.open("rb") as file:
        return tuple(_members(path, file))


def every(path: Path) -> dict[str, NDArray[Any]]:
    """Return all arrays of an .npz file by name, read-only; raise InputError."""
    return {name: from_npz(path, name) for name in names(path)}


def from_npz(path: Path, name: str) -> NDArray[Any]:
    """Return one of an .npz file's arrays, read-only.

    Raises InputError for a damaged file, for Python objects, and for a few bytes that say they unpack to very many.
    """
    with path.open("rb") as file:
        member = _members(path, file)[name]
        if member.file_size > max(SMALL, DENSEST * member.compress_size):
            sizes = f"{member.compress_size:,} bytes that unpack to {member.file_size:,}"
            raise InputError(
                f"{path}, array {name}: {sizes}; allowed: {DENSEST} times as many, or np.savez's plain ones"
            )
        try:
            with zipfile.ZipFile(file) as archive, archive.open(member) as packed:
                content = packed.read()  # at most file_size, whatever is packed
        except Exception as error:  # zipfile's, zlib's, bz2's, lzma's: a damaged file can raise any
            raise _unreadable(path, error) from None
    return _array(path, f"{path}, array {name}", content)


def from_npy(path: Path) -> NDArray[Any]:
    """Return the array in an .npy file, read-only; raise InputError for a damaged file and for Python objects."""
    return _array(path, str(path), path.read_bytes())


def _members(path: Path, file: BinaryIO) -> dict[str, zipfile.ZipInfo]:
    """An archive's entries by the names of their arrays: they are read, and never written to where a name says."""
    try:
        with zipfile.ZipFile(file) as archive:
            return {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
    except Exception as error:  # as above
        raise _unreadable(path, error) from None


def _array(path: Path, where: str, content: bytes) -> NDArray[Any]:
    """The array whose header says exactly as much as there is (numpy.lib.format); it shares the content's memory."""
    stream = io.BytesIO(content)
    try:
        old = npy.read_magic(stream) == (1, 0)
        shape, columns_first, dtype = (npy.read_array_header_1_0 if old else npy.read_array_header_2_0)(stream)
        claimed, there = math.prod(shape) * dtype.itemsize, len(content) - stream.tell()
        if not dtype.hasobject:
            if min(shape, default=1) < 0 or claimed != there:
                raise ValueError(f"{shape} of {dtype} are {claimed:,} bytes, found {there:,}")
            return np.ndarray(shape, dtype, content, stream.tell(), order="F" if columns_first else "C")
    except Exception as error:  # a header can be anything that Python can parse
        raise _unreadable(path, error) from None
    raise InputError(f"{where}: holds Python objects, which are not loaded; save numbers or text")


def _unreadable(path: Path, error: BaseException) -> InputError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{path}: no {path.suffix.lower()} file that can be read: {reason[:200]}")
