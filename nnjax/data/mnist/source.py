"""MNIST and Fashion-MNIST: the source that a run takes them from, and the notice or the error if there is none."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from nnjax.data.dataset import Dataset, Split, SplitSizes, image_dataset
from nnjax.data.mnist import bundled
from nnjax.data.mnist.cache import Cached, UnwritableError, data_directory, read_or_make
from nnjax.data.mnist.catalog import MNIST, Collection
from nnjax.data.mnist.cropping import crop
from nnjax.data.mnist.download import UnavailableError, download_collection, download_once_a_day
from nnjax.data.mnist.idx_files import check_files, read_files
from nnjax.data.mnist.tfds_source import build_by_tfds, is_from_tfds, prepared_by_tfds, tfds_name
from nnjax.errors import InputError, nearest
from nnjax.system.secrets import remove_password

CHOICES = ("auto", "tfds", "bundled")
BUNDLED: dict[str, Callable[[SplitSizes, str], Dataset]] = {MNIST.name: bundled.load}
Files = Callable[[Path], Path]  # from an empty folder to work in to the folder of the four checked files


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
    """Return a collection's splits, or the bundled digits with a notice if `auto` finds no other source.

    source: `auto` takes the cached arrays, then those that tensorflow_datasets (TFDS) prepared on this machine, then
    the network, for `collection.seconds` at most and not again for a day. `tfds` takes the arrays that TFDS prepared,
    or lets TFDS prepare them now, from the mirror if one is named. `bundled` takes the bundled digits.
    mirror: a folder or an address with the four files. If it is named, no other source is tried.
    directory: the data directory. train_size, validation_size: as for `split_validation`. Images have image_size x
    image_size pixels. Raises InputError.
    """
    _check_choice(collection, source, mirror)
    home, sizes, reason = data_directory(directory), SplitSizes(seed, train_size, validation_size), ""
    may_fall_back = source == "auto" and mirror is None and collection.name in BUNDLED
    if source != "bundled":
        try:
            return crop(_dataset(collection, _arrays(collection, home, source, mirror), sizes), image_size)
        except UnavailableError as error:
            if not may_fall_back:
                raise _unavailable(mirror, error) from None
            reason = "; ".join(map(_without_place, error.reasons))
        except UnwritableError as error:
            if not may_fall_back:
                raise
            reason = error.reason
    return crop(BUNDLED[collection.name](sizes, reason), image_size)


def _dataset(collection: Collection, cached: Cached, sizes: SplitSizes) -> Dataset:
    arrays = cached.arrays
    training = Split(arrays.train_images, arrays.train_labels)
    test = Split(arrays.test_images, arrays.test_labels)
    return image_dataset(collection.name, training, test, sizes, collection.classes, cached.source)


def _arrays(collection: Collection, home: Path, source: str, mirror: str | None) -> Cached:
    if mirror is not None:
        return _from_mirror(collection, home, mirror, source == "tfds")
    try:
        return _from_tfds(collection, home) if source == "tfds" else _from_anywhere(collection, home)
    except UnwritableError as error:
        return _uncached(collection, home, error)


def _from_mirror(collection: Collection, home: Path, mirror: str, by_tfds: bool) -> Cached:
    origin, files = _mirror(collection, mirror)
    if by_tfds:
        name, make = tfds_name(origin), partial(build_by_tfds, collection, home, origin, files)
    else:
        name, make = origin, partial(_parse, collection, origin, files)
    return read_or_make(home, collection, lambda source: source == name, make)


def _mirror(collection: Collection, mirror: str) -> tuple[str, Files]:
    if mirror.startswith(("http://", "https://")):
        return remove_password(mirror), partial(download_collection, collection, mirror)
    folder = Path(os.path.expanduser(mirror)).absolute()
    if not folder.is_dir():
        allowed = f"a folder or http(s) URL with the four files of {collection.name}"
        raise InputError(f"data.mirror={folder} is no folder", allowed)
    check_files(collection, folder, f"data.mirror={folder}")
    return str(folder), lambda workspace: folder


def _from_tfds(collection: Collection, home: Path) -> Cached:
    build = partial(build_by_tfds, collection, home, collection.url, None)
    return read_or_make(home, collection, is_from_tfds, partial(_prepared_or, build, collection, home))


def _from_anywhere(collection: Collection, home: Path) -> Cached:
    download = partial(_parse, collection, collection.url, partial(download_once_a_day, collection, home))
    return read_or_make(home, collection, lambda source: True, partial(_prepared_or, download, collection, home))


def _prepared_or(make: Callable[[Path], Cached], collection: Collection, home: Path, workspace: Path) -> Cached:
    """Return the arrays that TFDS prepared on this machine, otherwise those that `make` returns."""
    try:
        return prepared_by_tfds(collection, home)
    except UnavailableError as error:
        reasons = error.reasons
    try:
        return make(workspace)
    except UnavailableError as error:
        raise UnavailableError(*reasons, *error.reasons) from None


def _parse(collection: Collection, origin: str, files: Files, workspace: Path) -> Cached:
    return Cached(read_files(collection, files(workspace)), origin)


def _uncached(collection: Collection, home: Path, error: UnwritableError) -> Cached:
    """Return the arrays that TFDS prepared in a data directory that cannot be written, uncached; else raise `error`."""
    try:
        return prepared_by_tfds(collection, home)
    except UnavailableError:
        raise error from None


def _check_choice(collection: Collection, source: str, mirror: str | None) -> None:
    if source not in CHOICES:
        raise InputError(f"data.source={source} is not an option", CHOICES, nearest(source, CHOICES))
    if source == "bundled" and mirror is not None:
        raise InputError("data.source=bundled reads no mirror", "data.source or data.mirror, not both")
    if source == "bundled" and collection.name not in BUNDLED:
        raise InputError(f"data.source=bundled has no part of {collection.name}", "auto, tfds")


def _unavailable(mirror: str | None, error: UnavailableError) -> InputError:
    if mirror is not None:
        return InputError(f"data.mirror={remove_password(mirror)}: {error}", "a URL with the four files")
    return InputError(str(error), "data.mirror=FOLDER_OR_URL, a folder or http(s) URL with the four files")


def _without_place(reason: str) -> str:
    return reason.partition(": ")[2] or reason
