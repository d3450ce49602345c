"""A collection from tensorflow_datasets (TFDS), prepared earlier on this machine or now.

Importing tensorflow_datasets takes a second, so it is imported only where one of the two functions needs it.
"""

from collections.abc import Callable
from pathlib import Path

from nnjax.data.mnist.cache import Cached, move_into_place
from nnjax.data.mnist.catalog import Collection
from nnjax.data.mnist.download import UnavailableError

TFDS = "tensorflow_datasets"
BUILT = "nnjax_idx/{}/1.0.0"  # the folder of a collection that nnjax's builder prepares
STOCK = "{}/3.0.1"  # the folder of a collection that TFDS's own builder prepares


def prepared_by_tfds(collection: Collection, home: Path) -> Cached:
    """Return the arrays that TFDS has prepared in the data directory `home`, for nnjax or for another program.

    Raises UnavailableError, with a reason for each folder that exists and cannot be used.
    """
    folders = [home / folder.format(collection.name) for folder in (BUILT, STOCK)]
    reasons: list[str] = []
    for folder in folders:
        if (folder / "dataset_info.json").is_file():
            try:
                return _read(collection, folder)
            except UnavailableError as error:
                reasons += error.reasons
    raise UnavailableError(*reasons)


def build_by_tfds(
    collection: Collection, home: Path, origin: str, files: Callable[[Path], Path] | None, workspace: Path
) -> Cached:
    """Let TFDS prepare the collection in the data directory `home`, and return its arrays.

    files: from an empty folder to the folder of the four checked files; None: TFDS downloads them. origin: the place
    of the files. workspace: an empty folder. Raises UnavailableError, InputError and OSError.
    """
    from nnjax.data.mnist.tfds_builder import build

    folder = build(collection, files(workspace) if files else None, workspace)
    cached = _read(collection, folder)
    move_into_place(folder, home / BUILT.format(collection.name), workspace)
    return cached._replace(source=tfds_name(origin))


def tfds_name(origin: str) -> str:
    """Return the name of data from TFDS. origin: the folder where TFDS prepared them, or the place of their files."""
    return f"{TFDS} ({origin})"


def is_from_tfds(name: str) -> bool:
    """Return whether `name` is one of `tfds_name`."""
    return name.startswith(f"{TFDS} (")


def _read(collection: Collection, folder: Path) -> Cached:
    from nnjax.data.mnist.tfds_folder import read_folder

    return Cached(read_folder(folder, collection), tfds_name(str(folder)))
