"""Tables of one's own as arrays: .csv with a header, .npz with arrays by name; what is wrong is said with its line."""

from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from nnjax.data.table import csv, npz
from nnjax.errors import InputError

SUFFIXES = (".csv", ".npz")


class Table(NamedTuple):
    """Rows as a file has them.

    x: uint8 or float32 (n, d) or (n, ...), finite. y: (n,) of booleans, whole numbers, finite floats or text.
    features: names of the d columns, x1, x2, ... of an array; () of uint8 and of more axes, such as images.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    features: tuple[str, ...]


def read(path: Path, target: str, labels: bool = False) -> Table:
    """Return the table in a .csv or .npz file, of which `target` is y.

    CSV: all other columns are features. NPZ: the array x has the features. labels: y that is not all numbers is text,
    however few of its cells are none. Raises InputError, with the line of a CSV file, counted from 1, header included.
    """
    try:
        if not path.is_file():
            raise InputError(f"data.path={path}: no such file; allowed: {' or '.join(SUFFIXES)}")
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(f"data.path={path}: no such kind of file; allowed: {' or '.join(SUFFIXES)}")
        if path.suffix.lower() == ".csv":
            return Table(*csv.read(path, target, labels))
        return Table(*npz.read(path, target))
    except OSError as error:
        raise InputError(f"data.path={path}: can't be read: {error.strerror or error}") from None
