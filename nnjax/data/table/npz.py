"""NumPy's .npz files as tables: arrays by name, never pickled."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnjax.data import npz
from nnjax.data.table.float32 import to_float32
from nnjax.errors import InputError, nearest


def read(path: Path, target: str) -> tuple[NDArray[Any], NDArray[Any], tuple[str, ...]]:
    """Return x, y and features of a `Table`.

    The features are the array x: (n, d), (n,) or (n, ...). The target's array is (n,). Raises InputError.
    """
    x, y = _read_array(path, "x", "x"), _read_array(path, target, f"data.target={target}")
    x_place, y_place = f"{path}, array x", f"{path}, array {target}"
    if x.ndim < 1 or x.dtype.kind not in "biuf":
        raise InputError(f"{x_place} is {x.dtype} {x.shape}", "numbers (n, features)")
    if y.shape not in ((len(x),), (len(x), 1)):
        raise InputError(f"{y_place} has the shape {y.shape}", f"({len(x)},), one value per row of x")
    if y.dtype.kind not in "biufUS":
        raise InputError(f"{y_place} is {y.dtype}", "numbers or text")
    if not len(x) or not x[0].size:
        raise InputError(f"{x_place} is empty: {x.shape}", "at least one row and one feature")
    y = _decode(y_place, y.ravel())
    for place, array in ((x_place, x), (y_place, y)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise InputError(f"{place}, at {list(index)}: {array[index]} is not finite", "a finite number")
    x = x.reshape(len(x), -1) if x.ndim == 1 else x
    if x.dtype != np.uint8 and x.ndim == 2:
        x = np.stack([to_float32(column, f"{x_place}, column {i}") for i, column in enumerate(x.T)], axis=1)
    elif x.dtype != np.uint8:
        x = to_float32(x, x_place)
    has_columns = x.dtype != np.uint8 and x.ndim == 2
    return x, y, tuple(f"x{i}" for i in range(1, x.shape[1] + 1)) if has_columns else ()


def _decode(place: str, values: NDArray[Any]) -> NDArray[Any]:
    """Return an array unchanged, or bytes as text."""
    try:
        return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
    except UnicodeDecodeError:
        raise InputError(f"{place}: the text is not UTF-8", "text in UTF-8") from None


def _read_array(path: Path, name: str, setting: str) -> NDArray[Any]:
    """Return one array of a file; raise InputError where the file does not have it."""
    names = npz.array_names(path)
    if name not in names:
        raise InputError(f"{setting} is not an array of {path}", names, nearest(name, names))
    return npz.read_npz(path, name)
