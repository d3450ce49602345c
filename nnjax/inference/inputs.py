"""Inputs for a trained network: tables, arrays and pictures from files, as rows of the raw shape that it takes."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from nnjax.data import npz
from nnjax.data.table import csv
from nnjax.errors import InputError
from nnjax.inference import digit_photos

SMALLEST_PICTURE = 8  # pixels a side
PICTURES = ", ".join(digit_photos.SUFFIXES)
ALLOWED = f".csv, .npy, .npz, {PICTURES}, or a folder of pictures"


class Inputs(NamedTuple):
    """Raw rows for a network.

    Attributes:
        rows: (n, ...).
        names: of each row its number in an array, its line in a table, or the file of its picture.
        refused: one line for each picture of a folder that cannot be used.
    """

    rows: np.ndarray
    names: tuple[str, ...]
    refused: tuple[str, ...] = ()


def read(path: Path, preprocessing: Mapping[str, Any], features: Sequence[str] = ()) -> Inputs:
    """Return the rows of a .csv, .npy or .npz file, of a picture, or of a folder of pictures.

    Arrays have the form of the data sets, (n, ...), or are a single row. An .npz has the array x, or only one array. A
    table needs a column for each of the features, by name; other columns are left out.
    preprocessing, features: from the network's metadata. Raises InputError for a file that does not exist, cannot be
    read, or does not fit the network.
    """
    try:
        return _read(path, preprocessing, features)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


def _read(path: Path, preprocessing: Mapping[str, Any], features: Sequence[str]) -> Inputs:
    suffix = path.suffix.lower()
    if path.is_dir():
        files = sorted(
            file for file in path.iterdir() if file.suffix.lower() in digit_photos.SUFFIXES and file.is_file()
        )
        if not files:
            raise InputError(f"{path} has no pictures", PICTURES)
    elif not path.is_file():
        raise InputError(f"{path} does not exist", ALLOWED)
    elif suffix == ".csv":
        return read_table(path, preprocessing, features)
    elif suffix in (".npy", ".npz"):
        rows = to_rows(path, read_array(path), preprocessing)
        return Inputs(rows, tuple(str(i) for i in range(len(rows))))
    elif suffix in digit_photos.SUFFIXES:
        files = [path]
    else:
        raise InputError(f"{path} is a file of another kind", ALLOWED)
    side = picture_side(preprocessing)
    if side is None:
        problem = f"{path} is a picture, and this network takes arrays {describe_shape(preprocessing)}"
        raise InputError(problem, ".csv, .npy, .npz")
    return read_pictures(files, side)


def read_pictures(files: Sequence[Path], side: int) -> Inputs:
    """Return the digits in pictures, uint8 (n, side, side); raise InputError if no picture can be used."""
    digits, refused = {}, []
    for file in files:
        try:
            digits[file.name] = digit_photos.read(file, side)
        except InputError as error:
            refused.append(str(error))
    if not digits:
        raise InputError(" ".join(refused))
    return Inputs(np.stack([*digits.values()]), tuple(digits), tuple(refused))


def read_table(path: Path, preprocessing: Mapping[str, Any], features: Sequence[str]) -> Inputs:
    """Return the rows of a CSV file: the columns with the features' names, or x1, x2, ... for unnamed features."""
    width = math.prod(preprocessing["shape"])
    if len(preprocessing["shape"]) > 1 or picture_side(preprocessing) is not None:
        problem = f"{path} is a table, and this network takes arrays {describe_shape(preprocessing)}"
        raise InputError(problem, f".npy, .npz, {PICTURES}")
    names = list(features) or [f"x{i}" for i in range(1, width + 1)]
    columns = csv.read_columns(path)
    missing = [name for name in names if name not in columns]
    if missing:
        raise InputError(f"{path} has no column {missing[0]}", f"a table with the columns {', '.join(names)}")
    x = np.stack([csv.to_numbers(path, name, columns[name]).astype(float) for name in names], axis=1)
    return Inputs(x, tuple(f"line {line + 1}" for line in columns[names[0]].index))


def picture_side(preprocessing: Mapping[str, Any]) -> int | None:
    """Return the side of the square grey pictures, 0 to 255, that a network takes; None for other inputs."""
    width = math.prod(preprocessing["shape"])
    side = math.isqrt(width)
    return side if side * side == width and side >= SMALLEST_PICTURE and takes_grey_levels(preprocessing) else None


def takes_grey_levels(preprocessing: Mapping[str, Any]) -> bool:
    """Return whether raw values are grey levels of 0 to 255, which the network divides by 255."""
    return bool(np.ndim(preprocessing["scale"]) == 0 and np.isclose(preprocessing["scale"], 1 / 255))


def describe_shape(preprocessing: Mapping[str, Any]) -> str:
    """Return the shapes of arrays for a network: `(n, 28, 28) or (28, 28)`."""
    side = picture_side(preprocessing)
    shape = ", ".join(map(str, (side, side) if side else preprocessing["shape"]))
    return f"(n, {shape}) or ({shape}{'' if ',' in shape else ','})"


def read_array(path: Path) -> np.ndarray:
    """Return the array of numbers in a file; raise InputError."""
    if path.suffix.lower() == ".npz":
        names = npz.array_names(path)
        if "x" not in names and len(names) != 1:
            raise InputError(f"{path} has the arrays {', '.join(names) or '(none)'}", "an array x, or only one array")
        array = npz.read_npz(path, "x" if "x" in names else names[0])
    else:
        array = npz.read_npy(path)
    if array.dtype.kind not in "buif":
        raise InputError(f"{path} has the type {array.dtype}", "numbers")
    return array


def to_rows(path: Path, array: np.ndarray, preprocessing: Mapping[str, Any]) -> np.ndarray:
    """Return an array as rows (n, ...); raise InputError unless it has the network's shape and range of values."""
    width = math.prod(preprocessing["shape"])
    if array.ndim >= 2 and math.prod(array.shape[1:]) == width:
        rows = array
    elif array.ndim == 1 and width == 1:
        rows = array[:, None]
    elif array.shape in ((width,), tuple(preprocessing["shape"]), (picture_side(preprocessing),) * 2):
        rows = array[None]
    else:
        raise InputError(f"{path} has the shape {array.shape}", describe_shape(preprocessing))
    if not len(rows):
        raise InputError(f"{path} has no rows: {array.shape}", "at least one row")
    if not np.isfinite(rows).all():
        raise InputError(f"{path} has values that are not finite", "finite numbers")
    if takes_grey_levels(preprocessing):
        _check_grey_levels(path, rows)
    return rows


def _check_grey_levels(path: Path, rows: np.ndarray) -> None:
    """Raise InputError for values that are not grey levels of 0 to 255."""
    low, high = rows.min(), rows.max()
    fraction = low >= 0 and 0 < high <= 1
    if fraction or low < 0 or high > 255:
        hint = ", so multiply the values by 255" if fraction else ""
        raise InputError(f"{path} has values from {low:g} to {high:g}", f"grey levels from 0 to 255{hint}")
