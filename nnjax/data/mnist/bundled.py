"""The 5,000 real digits that are part of nnjax: a run uses them where it has neither MNIST's files nor a network."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from nnjax.data.dataset import Dataset, Sizes, Split, digest_of, of_images
from nnjax.errors import InputError

NAME = "mnist_5k"
CLASSES, PER_CLASS, TRAIN_PER_CLASS = 10, 500, 400
FILE = Path(__file__).with_name("mnist_5k.npz")  # what it is and who made it: mnist_5k.txt beside it
DIGEST = "ccf2dbb1fb71530d814bb9be94695e82e452f6a85633a870e746825d2662b647"  # digest_of(array=read_rows())
NOTICE = (
    "this run uses mnist_5k, the 5,000 real digits that are bundled with nnjax, not MNIST's 70,000{}; "
    "for those: data.mirror=FOLDER_OR_URL with its four files, or data.source=tfds and a network"
)


def load(sizes: Sizes, reason: str = "") -> Dataset:
    """Return mnist_5k: the first 400 digits of each class to train, the other 100 to test.

    reason: why the run doesn't use all of MNIST, for the notice. Raises InputError.
    """
    training, test = split_by_class(read_rows())
    classes = tuple(str(digit) for digit in range(CLASSES))
    reason = reason.replace("(", "[").replace(")", "]")  # the summary leaves out what stands in the notice's own ( )
    notice = NOTICE.format(f" ({reason})" if reason else "")
    return of_images(NAME, training, test, sizes, classes, "the nnjax package", notice)


def split_by_class(rows: np.ndarray) -> tuple[Split, Split]:
    """Return (training, test) of rows uint8 (5000, 785): 784 pixels and the label, sorted by it, 500 a class."""
    by_class = rows.reshape(CLASSES, PER_CLASS, 785)
    training, test = by_class[:, :TRAIN_PER_CLASS], by_class[:, TRAIN_PER_CLASS:]
    return _split(training.reshape(-1, 785)), _split(test.reshape(-1, 785))


def _split(rows: np.ndarray) -> Split:
    return Split(rows[:, :-1].reshape(-1, 28, 28), rows[:, -1].astype(np.int32))


def read_rows() -> np.ndarray:
    """Return the bundled table, uint8 (5000, 785); raise InputError where the file is damaged or missing."""
    try:
        with FILE.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            rows: np.ndarray = archive["rows"]
        if digest_of(array=rows) == DIGEST:
            return rows
        damage = "other digits are in it"
    except (OSError, ValueError, EOFError, LookupError, zipfile.BadZipFile, zlib.error) as error:
        damage = str(error).split("\n")[0]
    raise InputError(
        f"{FILE} is not the file that nnjax was published with ({damage}). To mend it: install nnjax again."
    )
