"""What a trained network is asked about: tables, arrays or pictures from files, as rows of the raw shape it takes."""

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
ALLOWED = ", ".join((".csv", ".npy", ".npz", *digit_photos.SUFFIXES))


class Inputs(NamedTuple):
    """Raw rows (n, ...) and what each is called: its number in an array, its line in a table, its picture's file.

    refused: a line for each picture of a folder that can't be used.
    """

    rows: np.ndarray
    names: tuple[str, ...]
    refused: tuple[str, ...] = ()


def read(path: Path, preprocessing: Mapping[str, Any], features: Sequence[str] = ()) -> Inputs:
    """Return the rows in a .csv, .npy or .npz file, a picture, or a folder of pictures, for a network's preprocessing.

    Arrays are as data sets store them: (n, ...), or a single row. Of an .npz: its array x, or the only one. A table has
    a column for each of the network's features, by name; others are left out. Raises InputError for what isn't there,
    can't be read, or doesn't fit.
    """
    try:
        return _read(path, preprocessing, features)
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None


def _read(path: Path, preprocessing: Mapping[str, Any], features: Sequence[str]) -> Inputs:
    if not (path.is_file() or path.is_dir()):
        raise InputError(f"{path}: no such file; allowed: {ALLOWED}, a folder of pictures")
    if path.suffix.lower() == ".csv" and path.is_file():
        return columns(path, preprocessing, features)
    if path.suffix.lower() in (".npy", ".npz") and path.is_file():
        rows = batch(path, array(path), preprocessing)
        return Inputs(rows, tuple(str(i) for i in range(len(rows))))
    files = [path]
    if path.is_dir():
        files = sorted(
            file for file in path.iterdir() if file.suffix.lower() in digit_photos.SUFFIXES and file.is_file()
        )
        if not files:
            raise InputError(f"{path}: no pictures in this folder; allowed: {', '.join(digit_photos.SUFFIXES)}")
    elif path.suffix.lower() not in digit_photos.SUFFIXES:
        raise InputError(f"{path}: no such kind of file; allowed: {ALLOWED}, a folder of pictures")
    side = picture_side(preprocessing)
    if side is None:
        wanted = described(preprocessing)
        raise InputError(
            f"{path}: a picture is for a network of pictures, this one takes {wanted}; allowed: .csv, .npy, .npz"
        )
    return images(files, side)


def images(files: Sequence[Path], side: int) -> Inputs:
    """Return the digits in pictures, uint8 (n, side, side); raise InputError where there is none in any."""
    found, refused = {}, []
    for file in files:
        try:
            found[file.name] = digit_photos.read(file, side)
        except InputError as error:
            refused.append(str(error))
    if not found:
        raise InputError("; ".join(refused))
    return Inputs(np.stack([*found.values()]), tuple(found), tuple(refused))


def columns(path: Path, preprocessing: Mapping[str, Any], features: Sequence[str]) -> Inputs:
    """Return the rows of a CSV file: the columns that have the features' names, x1, x2, ... if they have none."""
    width = math.prod(preprocessing["shape"])
    if len(preprocessing["shape"]) > 1 or picture_side(preprocessing) is not None:
        raise InputError(f"{path}: a table is for a network of columns, this one takes {described(preprocessing)}")
    named = list(features) or [f"x{i}" for i in range(1, width + 1)]
    there = csv.columns(path)
    missing = [name for name in named if name not in there]
    if missing:
        raise InputError(f"{path}: has no column {missing[0]}; the network takes {', '.join(named)}")
    x = np.stack([csv.numbers(path, name, there[name]).astype(float) for name in named], axis=1)
    return Inputs(x, tuple(f"line {line + 1}" for line in there[named[0]].index))


def picture_side(preprocessing: Mapping[str, Any]) -> int | None:
    """Return the side of the square grey pictures, 0 to 255, that a network takes; None if it takes anything else."""
    width = math.prod(preprocessing["shape"])
    side = math.isqrt(width)
    return side if side * side == width and side >= SMALLEST_PICTURE and takes_grey(preprocessing) else None


def takes_grey(preprocessing: Mapping[str, Any]) -> bool:
    """Return whether raw values are grey levels of 0 to 255: the network sees them divided by 255."""
    return bool(np.ndim(preprocessing["scale"]) == 0 and np.isclose(preprocessing["scale"], 1 / 255))


def described(preprocessing: Mapping[str, Any]) -> str:
    """Return the shapes of arrays for a network, in words: `(n, 28, 28) or (28, 28)`."""
    side = picture_side(preprocessing)
    shape = ", ".join(map(str, (side, side) if side else preprocessing["shape"]))
    return f"(n, {shape}) or ({shape}{'' if ',' in shape else ','})"


def array(path: Path) -> np.ndarray:
    """Return the array in a file, of numbers; raise InputError."""
    if path.suffix.lower() == ".npz":
        there = npz.names(path)
        if "x" not in there and len(there) != 1:
            raise InputError(
                f"{path}: must have an array x or only one array, its arrays: {', '.join(there) or 'none'}"
            )
        found = npz.from_npz(path, "x" if "x" in there else there[0])
    else:
        found = npz.from_npy(path)
    if found.dtype.kind not in "buif":
        raise InputError(f"{path}: must hold numbers, got {found.dtype}")
    return found


def batch(path: Path, found: np.ndarray, preprocessing: Mapping[str, Any]) -> np.ndarray:
    """Return an array as rows (n, ...); raise InputError unless it has the network's shape and range of values."""
    width = math.prod(preprocessing["shape"])
    if found.ndim >= 2 and math.prod(found.shape[1:]) == width:
        rows = found
    elif found.ndim == 1 and width == 1:
        rows = found[:, None]
    elif found.shape in ((width,), tuple(preprocessing["shape"]), (picture_side(preprocessing),) * 2):
        rows = found[None]
    else:
        raise InputError(f"{path}: the network takes {described(preprocessing)}, got {found.shape}")
    if not len(rows):
        raise InputError(f"{path}: no rows in an array of shape {found.shape}")
    if not np.isfinite(rows).all():
        raise InputError(f"{path}: must hold finite numbers, and some are not")
    if takes_grey(preprocessing):
        check_grey(path, rows)
    return rows


def check_grey(path: Path, rows: np.ndarray) -> None:
    """Raises InputError for values that are not grey levels of 0 to 255."""
    low, high = rows.min(), rows.max()
    if 0 < high <= 1 and low >= 0:
        raise InputError(f"{path}: the network takes 0 to 255, got {low:g} to {high:g}: multiply by 255")
    if low < 0 or high > 255:
        raise InputError(f"{path}: the network takes 0 to 255, got {low:g} to {high:g}")
