"""The 5,000 real digits that are part of nnjax. A run uses them if it has neither the files of MNIST nor a network."""

import zipfile
import zlib
from pathlib import Path

import numpy as np

from nnjax.data.dataset import Dataset, Split, SplitSizes, digest_arrays, image_dataset
from nnjax.errors import InputError

NAME = "mnist_5k"
CLASSES, PER_CLASS, TRAIN_PER_CLASS = 10, 500, 400
FILE = Path(__file__).with_name("mnist_5k.npz")  # its origin and licence: mnist_5k.txt
DIGEST = "ccf2dbb1fb71530d814bb9be94695e82e452f6a85633a870e746825d2662b647"  # digest_arrays(array=read_rows())
NOTICE = (
    "this run uses mnist_5k, the 5,000 real digits that are bundled with nnjax, not MNIST's 70,000{}; "
    "for those: data.mirror=FOLDER_OR_URL with its four files, or data.source=tfds and a network"
)


def load(sizes: SplitSizes, reason: str = "") -> Dataset:
    """Return mnist_5k: the first 400 digits of each class for training, the other 100 for the test.

    reason: why the run does not use all of MNIST, for the notice. Raises InputError for sizes, and for a damaged file.
    """
    training, test = split_by_class(read_rows())
    classes = tuple(str(digit) for digit in range(CLASSES))
    reason = reason.replace("(", "[").replace(")", "]")  # the summary leaves out the notice's own ( )
    notice = NOTICE.format(f" ({reason})" if reason else "")
    return image_dataset(NAME, training, test, sizes, classes, "the nnjax package", notice)


def split_by_class(rows: np.ndarray) -> tuple[Split, Split]:
    """Return (training, test) of rows uint8 (5000, 785): 784 pixels and the label; sorted by label, 500 of each."""
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
        if digest_arrays(array=rows) == DIGEST:
            return rows
        damage = "it has other digits"
    except (OSError, ValueError, EOFError, LookupError, zipfile.BadZipFile, zlib.error) as error:
        damage = str(error).split("\n")[0]
    raise InputError(f"{FILE} is not the file that nnjax was published with ({damage})", "install nnjax again")
