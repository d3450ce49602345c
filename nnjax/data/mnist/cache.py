"""The prepared form of a collection on disk: array_record, .npy cache and a record of both, whole or not there."""

import contextlib
import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nnjax.data.collection import Collection
from nnjax.data.dataset import digest_of
from nnjax.data.files import write_atomically
from nnjax.errors import InputError

VERSION = "1.0.0"
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


class Prepared(NamedTuple):
    """arrays: the four of ARRAYS by name, images uint8 (n, 28, 28), labels int32 (n,); source: where they came from."""

    arrays: dict[str, np.ndarray]
    source: str


class DamageError(InputError):
    """What was prepared is no longer what was written."""


def read(home: Path, collection: Collection) -> Prepared | None:
    """Return what is prepared, None when nothing is; rebuild a bad cache; raise DamageError if that fails."""
    folder = _folder(home, collection)
    if not folder.exists():
        return None
    record = _read_record(folder, collection)
    arrays = {name: read_array(folder / f"{name}.npy", record["arrays"][name]) for name in ARRAYS}
    whole = {name: array for name, array in arrays.items() if array is not None}
    return Prepared(whole if len(whole) == len(ARRAYS) else _rebuild(folder, record["arrays"]), record["source"])


def read_if_whole(home: Path, collection: Collection) -> Prepared | None:
    """Return what is prepared, None when nothing is or it is damaged."""
    try:
        return read(home, collection)
    except DamageError:
        return None


class UnwritableError(InputError):
    """The data directory can't be written: nothing can be prepared in it."""


def prepare(
    home: Path, collection: Collection, source: str, supply: Callable[[Path], Path], only_from_source: bool = False
) -> Prepared:
    """Prepare a collection from the folder of checked files that `supply` returns, one process at a time.

    `supply` gets an empty folder for what it fetches. What another process prepared meanwhile is taken as it is, with
    only_from_source only if it came from `source`. Everything happens beside the final place, which a rename fills.
    Raises UnwritableError when the data directory cannot be written.
    """
    try:
        with _workspace(home, collection) as workspace:
            found = read_if_whole(home, collection)
            if found and (found.source == source or not only_from_source):
                return found
            return _build(_folder(home, collection), collection, source, supply(workspace), workspace)
    except OSError as error:
        allowed = "allowed is a folder with room that can be written to"
        raise UnwritableError(f"data.directory={home}: {allowed}, found: {error.strerror or error}") from None


def read_array(path: Path, digest: str) -> np.ndarray | None:
    """Return the array of an .npy file if it has this digest (`digest_of(array=...)`), else None."""
    try:
        # Mapped, because a damaged header could otherwise claim any amount of memory.
        array = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError):
        return None
    return array if digest_of(array=array) == digest else None


def write_array(path: Path, array: np.ndarray) -> None:
    """Write an .npy file, whole or not at all."""
    write_atomically(path, partial(np.save, arr=array, allow_pickle=False))


def _folder(home: Path, collection: Collection) -> Path:
    return home / "nnjax_idx" / collection.name / VERSION


@contextlib.contextmanager
def _workspace(home: Path, collection: Collection) -> Iterator[Path]:
    from filelock import FileLock

    workspace = home / f".nnjax_{collection.name}.partial"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / f".nnjax_{collection.name}.lock"):
        # Under the lock nobody else uses the folder: what lies there a killed process left.
        shutil.rmtree(workspace, ignore_errors=True)
        try:
            workspace.mkdir()
            yield workspace
        finally:
            shutil.rmtree(workspace, ignore_errors=True)


def _build(final: Path, collection: Collection, source: str, files: Path, workspace: Path) -> Prepared:
    from nnjax.data.mnist.tfds_builder import build, read_back

    fresh = build(collection, files, workspace)
    arrays = read_back(fresh)
    for name, array in arrays.items():
        write_array(fresh / f"{name}.npy", array)
    digests = {name: digest_of(array=array) for name, array in arrays.items()}
    record = json.dumps({"source": source, "files": dict(collection.sha256), "arrays": digests}, indent=1).encode()
    write_atomically(fresh / "record.json", lambda file: file.write(record))
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.exists():
        final.rename(workspace / "replaced")
    fresh.rename(final)
    return Prepared(arrays, source)


def _read_record(folder: Path, collection: Collection) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((folder / "record.json").read_bytes())
        if record["files"] == collection.sha256 and all(record["arrays"][name] for name in ARRAYS) and record["source"]:
            return record
        raise DamageError(_damage(folder, f"a record.json of {collection.name}'s files", "one of others"))
    except (OSError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, DamageError):
            raise
        raise DamageError(_damage(folder, "a record.json", f"{type(error).__name__}: {error}")) from None


def _rebuild(folder: Path, digests: dict[str, str]) -> dict[str, np.ndarray]:
    from nnjax.data.mnist.tfds_builder import read_back

    try:
        arrays = read_back(folder)
    except Exception as error:  # array_record and protobuf raise types of their own
        raise DamageError(_damage(folder, "whole array_record files", str(error).split("\n")[0])) from None
    for name, array in arrays.items():
        if (found := digest_of(array=array)) != digests[name]:
            raise DamageError(_damage(folder, f"{name} with sha256 {digests[name]}", found))
        with contextlib.suppress(OSError):  # a folder that can only be read: the next load is slow again
            write_array(folder / f"{name}.npy", array)
    return arrays


def _damage(folder: Path, expected: str, found: str) -> str:
    remedy = "delete that folder, or name data.mirror=FOLDER_OR_URL or data.source=tfds, to prepare it again"
    return f"{folder} is damaged: expected {expected}, found {found}; {remedy}"
