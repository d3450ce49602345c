"""Tables of the user's own as arrays: .csv with a header, .npz with arrays by name. Errors name the line."""

from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from nnjax.data.table import csv, npz
from nnjax.errors import InputError

SUFFIXES = (".csv", ".npz")


class Table(NamedTuple):
    """The rows of a file.

    Attributes:
        x: uint8 or float32 (n, d) or (n, ...), finite.
        y: (n,) of booleans, whole numbers, finite floats or text.
        features: names of the d columns, x1, x2, ... for an array; () for uint8 and for more axes, such as images.
    """

    x: NDArray[Any]
    y: NDArray[Any]
    features: tuple[str, ...]


def read(path: Path, target: str, labels: bool = False) -> Table:
    """Return the table of a .csv or .npz file, whose y is the column or array `target`.

    In a CSV file all other columns are features; in an NPZ file the array x has the features.
    labels: y is text if one of its cells is not a number. Otherwise a few such cells among numbers are an error.
    Raises InputError, which names the line of a CSV file, counted from 1 with the header.
    """
    kinds = " or ".join(f"data.path=FILE{suffix}" for suffix in SUFFIXES)
    try:
        if not path.is_file():
            raise InputError(f"data.path={path} is not a file", kinds)
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(f"data.path={path} is not a table", kinds)
        if path.suffix.lower() == ".csv":
            return Table(*csv.read(path, target, labels))
        return Table(*npz.read(path, target))
    except OSError as error:
        raise InputError(f"data.path={path} cannot be read: {error.strerror or error}") from None
