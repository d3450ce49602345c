"""MNIST and Fashion-MNIST: where their files come from, in which order, and what is said when they don't come."""

import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from nnjax.data.collection import MNIST, Collection
from nnjax.data.cropping import cropped
from nnjax.data.dataset import Dataset, Sizes, Split, of_images
from nnjax.data.files import (
    DownloadError,
    data_directory,
    download,
    sha256_of,
    sha256_unpacked,
    without_password,
    write_atomically,
)
from nnjax.data.mnist import bundled
from nnjax.data.mnist import cache as prepared
from nnjax.data.mnist.cache import Prepared
from nnjax.errors import InputError

CHOICES = ("auto", "tfds", "bundled")
BUNDLED: dict[str, Callable[[Sizes, str], Dataset]] = {MNIST.name: bundled.load}
DAY = 24 * 60 * 60.0  # seconds for which a failed try is remembered
PATIENCE = 600.0  # seconds in all for a download that was asked for


def load(
    collection: Collection,
    *,
    source: str = "auto",
    mirror: str | None = None,
    directory: str | None = None,
    seed: int = 0,
    train_size: int | None = None,
    validation_size: int | float = 0,
    image_size: int = 28,
) -> Dataset:
    """Return a collection's splits, or for `auto` without a network the digits that are bundled, with a notice.

    `mirror` is used or is an error; without it what is prepared, then the network. `auto` tries the network for
    `collection.seconds` at most, and not again for a day; `tfds` tries each time and insists; `bundled` never tries.
    Sizes are those of `nnjax.data.dataset.cut`; images of image_size x image_size pixels. Raises InputError.
    """
    _check_choice(collection, source, mirror)
    home, sizes, reason = data_directory(directory), Sizes(seed, train_size, validation_size), ""
    if source != "bundled":
        try:
            return cropped(_dataset(collection, _find(collection, home, source, mirror), sizes), image_size)
        except DownloadError as error:
            if source == "tfds" or mirror is not None or collection.name not in BUNDLED:
                raise InputError(_unreachable(mirror, error)) from None
            reason = str(error)
        except prepared.UnwritableError as error:
            if source == "tfds" or mirror is not None or collection.name not in BUNDLED:
                raise
            reason = str(error)
    return cropped(BUNDLED[collection.name](sizes, shortened(reason)), image_size)


def _dataset(collection: Collection, found: Prepared, sizes: Sizes) -> Dataset:
    training = Split(found.arrays["train_images"], found.arrays["train_labels"])
    test = Split(found.arrays["test_images"], found.arrays["test_labels"])
    return of_images(collection.name, training, test, sizes, collection.classes, found.source)


def _find(collection: Collection, home: Path, source: str, mirror: str | None) -> Prepared:
    if mirror is None:
        return _from_network(collection, home, asked_for=source == "tfds")
    if mirror.startswith(("http://", "https://")):
        return _from_address(collection, home, mirror)
    return _from_folder(collection, home, Path(os.path.expanduser(mirror)).absolute())


def _from_folder(collection: Collection, home: Path, folder: Path) -> Prepared:
    if not folder.is_dir():
        raise InputError(
            f"data.mirror={folder}: no such folder; allowed is a folder or http(s) URL with the four files"
        )
    _check_files(collection, folder, f"data.mirror={folder}")
    found = prepared.read_if_whole(home, collection)
    if found is None:
        found = prepared.prepare(home, collection, str(folder), lambda workspace: folder)
    return found._replace(source=str(folder))


def _from_address(collection: Collection, home: Path, mirror: str) -> Prepared:
    source = without_password(mirror)
    found = prepared.read_if_whole(home, collection)
    if found is not None and found.source == source:
        return found
    fetch = partial(_fetch, collection, mirror, PATIENCE)
    return prepared.prepare(home, collection, source, fetch, only_from_source=True)


def _from_network(collection: Collection, home: Path, asked_for: bool) -> Prepared:
    found = prepared.read_if_whole(home, collection) if asked_for else prepared.read(home, collection)
    if found is not None:
        return found
    note = home / f".nnjax_{collection.name}.failed.json"
    if asked_for:
        fetch = partial(_fetch, collection, collection.url, PATIENCE)
    else:
        _recall(note)
        fetch = partial(_try_once, collection, note)
    found = prepared.prepare(home, collection, "tfds download", fetch)
    note.unlink(missing_ok=True)
    return found


def _try_once(collection: Collection, note: Path, workspace: Path) -> Path:
    _recall(note)  # again, under the lock: the process we waited for may have failed
    try:
        return _fetch(collection, collection.url, collection.seconds, workspace)
    except DownloadError as error:
        failure = json.dumps({"time": time.time(), "reason": str(error)}).encode()
        write_atomically(note, lambda file: file.write(failure))
        raise


def _recall(note: Path) -> None:
    try:
        failure = json.loads(note.read_bytes())
        if 0.0 <= time.time() - failure["time"] < DAY:
            raise DownloadError(f"{failure['reason']}, tried less than a day ago")
    except (OSError, ValueError, LookupError, TypeError):
        return  # no note, or one that says nothing: the network is tried


def _fetch(collection: Collection, url: str, seconds: float, workspace: Path) -> Path:
    names = tuple(collection.sha256)
    bodies = download([f"{url.rstrip('/')}/{name}" for name in names], seconds, collection.seconds)
    for name, body in zip(names, bodies, strict=True):
        (workspace / name).write_bytes(body)
    _check_files(collection, workspace, without_password(url))
    return workspace


def _check_files(collection: Collection, folder: Path, origin: str) -> None:
    for name, expected in collection.sha256.items():
        try:
            found = f"sha256 {sha256_of(folder / name)}"
            if expected in found or sha256_unpacked(folder / name) == collection.unpacked[name]:
                continue
        except OSError as error:
            found = f"none ({error.strerror})"
        raise InputError(f"{origin}: {name} of {collection.name}: expected sha256 {expected}, found {found}")


def shortened(reason: str) -> str:
    """Return what went wrong without the address where it did."""
    return reason.partition(": ")[2] or reason


def _check_choice(collection: Collection, source: str, mirror: str | None) -> None:
    if source not in CHOICES:
        raise InputError(f"data.source={source}: allowed are {', '.join(CHOICES)}")
    if source == "bundled" and mirror is not None:
        raise InputError("data.source=bundled reads no mirror: leave out data.source or data.mirror")
    if source == "bundled" and collection.name not in BUNDLED:
        raise InputError(f"data.source=bundled: no part of {collection.name} is bundled; allowed are auto, tfds")


def _unreachable(mirror: str | None, error: DownloadError) -> str:
    if mirror is not None:
        return f"data.mirror={without_password(mirror)}: allowed is a URL with the four files, found {error}"
    return f"{error}; name a folder or http(s) URL with the four files: data.mirror=FOLDER_OR_URL"
