"""The arrays of a collection on disk: four .npy files and a record of them, complete or absent."""

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nnjax.data.dataset import digest_arrays
from nnjax.data.mnist.catalog import Collection
from nnjax.data.mnist.download import UnavailableError
from nnjax.data.mnist.idx_files import Arrays
from nnjax.errors import InputError

Accept = Callable[[str], bool]  # returns whether arrays from a source may be used


class Cached(NamedTuple):
    """Arrays, and their source: a folder, an address, or a folder of tensorflow_datasets."""

    arrays: Arrays
    source: str


class DamageError(Exception):
    """The cache was changed since it was written. The message is one line."""


class UnwritableError(InputError):
    """The data directory cannot be written, so that nothing can be cached in it. reason: the problem alone."""

    def __init__(self, home: Path, error: OSError) -> None:
        self.reason = f"data.directory={home} cannot be written: {error.strerror or error}"
        super().__init__(self.reason, "a folder on a disk with space that you may write to")


def data_directory(directory: str | None) -> Path:
    """Return `directory`, or by default the data directory of TensorFlow Datasets (as in tfds.core.constants)."""
    path = directory or os.environ.get("TFDS_DATA_DIR") or os.path.join("~", "tensorflow_datasets")
    return Path(os.path.expanduser(path)).absolute()


def read_cache(home: Path, collection: Collection, accept: Accept) -> Cached | None:
    """Return the arrays that are cached in the data directory `home`, None without any or if `accept` refuses them.

    Raises DamageError for a cache that was changed.
    """
    folder = cache_folder(home, collection)
    if not folder.exists():
        return None
    record = _read_record(folder, collection)
    if not accept(record["source"]):
        return None
    arrays = Arrays(*(_read_array(folder / f"{name}.npy", record["arrays"][name]) for name in Arrays._fields))
    return Cached(arrays, record["source"])


def read_or_make(home: Path, collection: Collection, accept: Accept, make: Callable[[Path], Cached]) -> Cached:
    """Return the cached arrays if `accept` takes their source; otherwise call `make`, and cache what it returns.

    `make` gets an empty folder to work in. Only one process at a time makes arrays; the others wait and use them. A
    damaged cache is deleted. Raises what `make` raises, and UnwritableError.
    """
    with contextlib.suppress(DamageError):
        cached = read_cache(home, collection, accept)
        if cached is not None:
            return cached
    try:
        with _workspace(home, collection) as workspace:
            cached, damage = _read_or_delete(home, collection, accept, workspace)
            if cached is None:
                cached = _make(make, workspace, damage)
                _write(home, collection, cached, workspace)
            return cached
    except OSError as error:
        raise UnwritableError(home, error) from None


def cache_folder(home: Path, collection: Collection) -> Path:
    """Return the folder of the four .npy files and their record.json."""
    return home / "nnjax_arrays" / collection.name


def move_into_place(folder: Path, final: Path, workspace: Path) -> None:
    """Rename `folder` to `final`. An old `final` is moved to `workspace`, which is deleted soon."""
    final.parent.mkdir(parents=True, exist_ok=True)
    if final.exists():
        final.rename(workspace / f"{final.name}.replaced")
    folder.rename(final)


def _read_or_delete(
    home: Path, collection: Collection, accept: Accept, workspace: Path
) -> tuple[Cached | None, list[str]]:
    try:
        return read_cache(home, collection, accept), []
    except DamageError as error:
        cache_folder(home, collection).rename(workspace / "damaged")
        return None, [str(error)]


def _make(make: Callable[[Path], Cached], workspace: Path, damage: list[str]) -> Cached:
    try:
        return make(workspace)
    except UnavailableError as error:
        raise UnavailableError(*damage, *error.reasons) from None


@contextlib.contextmanager
def _workspace(home: Path, collection: Collection) -> Iterator[Path]:
    from filelock import FileLock

    workspace = home / f".nnjax_{collection.name}.partial"
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / f".nnjax_{collection.name}.lock"):
        # Under the lock no other process uses the folder: its files are those of a process that was killed.
        shutil.rmtree(workspace, ignore_errors=True)
        try:
            workspace.mkdir()
            yield workspace
        finally:
            shutil.rmtree(workspace, ignore_errors=True)


def _write(home: Path, collection: Collection, cached: Cached, workspace: Path) -> None:
    folder = workspace / "arrays"
    folder.mkdir()
    for name, array in cached.arrays._asdict().items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    digests = {name: digest_arrays(array=array) for name, array in cached.arrays._asdict().items()}
    record = {"source": cached.source, "files": dict(collection.sha256), "arrays": digests}
    (folder / "record.json").write_text(json.dumps(record, indent=1))
    move_into_place(folder, cache_folder(home, collection), workspace)


def _read_record(folder: Path, collection: Collection) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((folder / "record.json").read_bytes())
        is_complete = isinstance(record["source"], str) and set(record["arrays"]) == set(Arrays._fields)
        if is_complete and record["files"] == collection.sha256:
            return record
    except (OSError, LookupError, TypeError, ValueError, RecursionError):
        pass  # no record, or a damaged one
    raise DamageError(f"{folder}: the prepared data was deleted, since record.json was damaged")


def _read_array(path: Path, digest: str) -> np.ndarray:
    try:
        # Memory-mapped, because a damaged header could otherwise claim any amount of memory.
        array = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
        if digest_arrays(array=array) == digest:
            return array
    except (OSError, ValueError, EOFError):
        pass  # no such file, or a damaged one
    raise DamageError(f"{path.parent}: the prepared data was deleted, since {path.name} was damaged")
