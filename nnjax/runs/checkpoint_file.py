"""The whole state of a training in one file that is there entirely or not at all, and says whether it is damaged.

Arrays are safetensors, the rest is JSON in their header: nothing in the file is ever executed. The header holds the
sha256 of the file in which that sum is zeros, so every flipped bit and every missing byte shows.
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

FORMAT = 2  # what `facts` and arrays mean; another number can't be read
SUFFIX = ".safetensors"
ZEROS = "0" * 64
LAST = 2  # checkpoints that are kept beside the best


class Checkpoint(NamedTuple):
    """What a file holds: arrays by name, and facts as JSON has them."""

    arrays: Mapping[str, NDArray[Any]]
    facts: Mapping[str, Any]


def write(path: Path, arrays: Mapping[str, NDArray[Any]], facts: Mapping[str, Any]) -> None:
    """Writes a file under another name, waits for the disk, then renames it."""
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
    """The arrays and facts of a file.

    Raises:
        InputError: it isn't there, is damaged, or of another format.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}") from None
    metadata = header(path, data)
    told = metadata.get("sha256", "")
    if (
        not re.fullmatch(r"[0-9a-f]{64}", told)
        or hashlib.sha256(data.replace(told.encode(), ZEROS.encode(), 1)).hexdigest() != told
    ):
        raise InputError(f"{path}: the checkpoint is damaged: its checksum is not that of the file")
    if metadata.get("format") != str(FORMAT):
        raise InputError(f"{path}: a checkpoint of format {metadata.get('format')}; this nnjax reads {FORMAT}")
    try:
        arrays, facts = load(data), json.loads(metadata["nnjax"])
        if not isinstance(facts, dict):
            raise ValueError("its facts have no names")
        return Checkpoint(arrays, facts)
    except (SafetensorError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a checkpoint of nnjax: {' '.join(str(error).split())[:200]}") from None


def header(path: Path, data: bytes) -> Mapping[str, str]:
    """The metadata at a file's beginning: 8 bytes of length, then so much JSON."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        raise InputError(f"{path}: the checkpoint is damaged: it is shorter than its header")
    try:
        metadata = json.loads(data[8 : 8 + length])["__metadata__"]
        strings = isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
    except (ValueError, KeyError, TypeError, RecursionError):
        strings = False
    if not strings:
        raise InputError(f"{path}: the checkpoint is damaged: its header can't be read")
    return dict(metadata)


def newest(folder: Path) -> Iterator[Path]:
    """The checkpoints of a folder, the latest first: names are numbers of updates."""
    yield from sorted(folder.glob(f"*[0-9]{SUFFIX}"), reverse=True)  # not what a kill left half written


def prune(folder: Path, scores: Mapping[Path, float]) -> None:
    """Removes all but the LAST ones and the one of the lowest score."""
    kept = {*list(newest(folder))[:LAST]}
    there = {path: score for path, score in scores.items() if path.exists() and np.isfinite(score)}
    kept |= {min(there, key=lambda path: there[path])} if there else set()
    for path in newest(folder):
        if path not in kept:
            path.unlink(missing_ok=True)
