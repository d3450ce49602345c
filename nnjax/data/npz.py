"""Arrays from .npy and .npz files. Nothing in a file is executed, and sizes are checked before memory is taken."""

import io
import math
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from nnjax.errors import InputError

ALWAYS_ALLOWED = 1 << 28  # bytes of one array, however small it is in the archive
MAX_RATIO = 100  # of a larger array's bytes to its bytes in the archive: packed numbers are seldom smaller


def array_names(path: Path) -> tuple[str, ...]:
    """Return the names of the arrays in an .npz file; raise InputError for a damaged file."""
    with path.open("rb") as file:
        return tuple(_entries(path, file))


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return all arrays of an .npz file by name, read-only; raise what `read_npz` raises."""
    return {name: read_npz(path, name) for name in array_names(path)}


def read_npz(path: Path, name: str) -> NDArray[Any]:
    """Return one array of an .npz file, read-only.

    Raises InputError for a damaged file, for Python objects, and for a few bytes that claim to unpack to very many.
    """
    with path.open("rb") as file:
        entry = _entries(path, file)[name]
        if entry.file_size > max(ALWAYS_ALLOWED, MAX_RATIO * entry.compress_size):
            sizes = f"{entry.compress_size:,} bytes that unpack to {entry.file_size:,}"
            allowed = f"at most {MAX_RATIO} times as many, or an archive by np.savez, which does not compress"
            raise InputError(f"{path}, array {name} has {sizes}", allowed)
        try:
            with zipfile.ZipFile(file) as archive, archive.open(entry) as packed:
                content = packed.read()  # at most file_size bytes
        except Exception as error:  # a damaged file can raise any error of zipfile, zlib, bz2 and lzma
            raise _unreadable(path, error) from None
    return _parse_npy(path, f"{path}, array {name}", content)


def read_npy(path: Path) -> NDArray[Any]:
    """Return the array of an .npy file, read-only; raise InputError for a damaged file and for Python objects."""
    return _parse_npy(path, str(path), path.read_bytes())


def _entries(path: Path, file: BinaryIO) -> dict[str, zipfile.ZipInfo]:
    """Return the entries of an archive by the names of their arrays. A name is never used as a path."""
    try:
        with zipfile.ZipFile(file) as archive:
            return {entry.filename.removesuffix(".npy"): entry for entry in archive.infolist()}
    except Exception as error:  # as in read_npz
        raise _unreadable(path, error) from None


def _parse_npy(path: Path, place: str, content: bytes) -> NDArray[Any]:
    """Return the array of .npy bytes (numpy.lib.format), which shares their memory.

    Raises InputError unless the header claims exactly the bytes that follow it.
    """
    stream = io.BytesIO(content)
    try:
        is_version_1 = npy.read_magic(stream) == (1, 0)
        read_header = npy.read_array_header_1_0 if is_version_1 else npy.read_array_header_2_0
        shape, columns_first, dtype = read_header(stream)
        claimed, present = math.prod(shape) * dtype.itemsize, len(content) - stream.tell()
        if not dtype.hasobject:
            if min(shape, default=1) < 0 or claimed != present:
                raise ValueError(f"{shape} of {dtype} are {claimed:,} bytes, and the file has {present:,}")
            return np.ndarray(shape, dtype, content, stream.tell(), order="F" if columns_first else "C")
    except Exception as error:  # a header can be anything that Python can parse
        raise _unreadable(path, error) from None
    raise InputError(f"{place} holds Python objects, which are not loaded", "numbers or text")


def _unreadable(path: Path, error: BaseException) -> InputError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return InputError(f"{path} cannot be read: {reason[:200]}", f"a whole {path.suffix.lower()} file of NumPy")
