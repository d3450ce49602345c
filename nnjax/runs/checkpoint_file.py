"""The file of a checkpoint: the whole state of a training, complete or absent, and protected by a checksum.

Arrays are stored as safetensors, the rest as JSON in the header: nothing in the file is ever executed. The checksum is
the sha256 of the file with zeros in its place, so every flipped bit and every missing byte is found.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from nnjax.errors import InputError
from nnjax.system import atomic

FORMAT = 2  # of facts and arrays; files of other formats can't be read
SUFFIX = ".safetensors"
ZEROS = "0" * 64
RECENT = 2  # checkpoints that are kept besides the best


class Checkpoint(NamedTuple):
    """The content of a file: arrays by name, and facts, which are JSON values."""

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]


def write(path: Path, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
    """Write a file under another name, wait until it is on the disk, then rename it."""
    metadata = {"format": str(FORMAT), "sha256": ZEROS, "nnjax": json.dumps(facts, allow_nan=True)}
    data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, metadata)
    data = data.replace(ZEROS.encode(), hashlib.sha256(data).hexdigest().encode(), 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic.write_file(path) as unfinished, open(unfinished, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path) -> Checkpoint:
    """Return the arrays and facts of a file; raise InputError if it is missing, damaged, or of another format."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} can't be read: {error.strerror}.") from None
    metadata = read_header(path, data)
    checksum = metadata.get("sha256", "")
    if (
        not re.fullmatch(r"[0-9a-f]{64}", checksum)
        or hashlib.sha256(data.replace(checksum.encode(), ZEROS.encode(), 1)).hexdigest() != checksum
    ):
        raise InputError(f"{path} is damaged: its checksum is wrong.")
    if metadata.get("format") != str(FORMAT):
        raise InputError(f"{path} has the checkpoint format {metadata.get('format')}. Allowed: {FORMAT}.")
    try:
        arrays, facts = load(data), json.loads(metadata["nnjax"])
        if not isinstance(facts, dict):
            raise ValueError("its facts have no names")
        return Checkpoint(arrays, facts)
    except (SafetensorError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a checkpoint of nnjax: {' '.join(str(error).split())[:200]}") from None


def read_header(path: Path, data: bytes) -> Mapping[str, str]:
    """Return the metadata at the beginning of a file: 8 bytes with the length, then JSON; raise InputError."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise InputError(f"{path} is damaged: it is shorter than its header.")
    try:
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        strings = isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    except (ValueError, KeyError, TypeError, RecursionError):
        strings = False
    if not strings:
        raise InputError(f"{path} is damaged: its header can't be read.")
    return dict(metadata)


def list_checkpoints(folder: Path) -> Iterator[Path]:
    """Yield the checkpoints in a folder, latest first: their names are numbers of updates."""
    yield from sorted(folder.glob(f"*[0-9]{SUFFIX}"), reverse=True)  # unfinished files have other names


def prune(folder: Path, scores: Mapping[Path, float]) -> None:
    """Remove all checkpoints but the RECENT latest ones and the one with the lowest score."""
    paths = list(list_checkpoints(folder))
    scored = {path: score for path, score in scores.items() if path in paths and np.isfinite(score)}
    best = min(scored, key=lambda path: scored[path], default=None)
    for path in paths[RECENT:]:
        if path != best:
            path.unlink(missing_ok=True)
