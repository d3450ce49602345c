"""NumPy's .npz files as tables: arrays by name, never pickled."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnjax.data import npz
from nnjax.data.table.float32 import single
from nnjax.errors import InputError, allowed_values


def read(path: Path, target: str) -> tuple[NDArray[Any], NDArray[Any], tuple[str, ...]]:
    """Return x, y and features of a `Table` from the arrays x (n, d), (n,) or (n, ...) and the target's (n,)."""
    x, y = (stored(path, *key) for key in (("x", "x"), (target, f"data.target={target}")))
    if x.ndim < 1 or x.dtype.kind not in "biuf":
        raise InputError(f"{path}, array x: must be numbers (n, features), found {x.dtype} {x.shape}")
    if y.shape not in ((len(x),), (len(x), 1)):
        raise InputError(
            f"{path}, array {target}: must have the shape ({len(x)},), a value a row of x, found {y.shape}"
        )
    if y.dtype.kind not in "biufUS":
        raise InputError(f"{path}, array {target}: must be numbers or text, found {y.dtype}")
    if not len(x) or not x[0].size:
        raise InputError(f"{path}, array x: empty, {x.shape}")
    y = decoded(path, target, y.ravel())
    for name, array in (("x", x), (target, y)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise InputError(f"{path}, array {name}, at {list(place)}: {array[place]} is no finite number")
    x = x.reshape(len(x), -1) if x.ndim == 1 else x
    if x.dtype != np.uint8 and x.ndim == 2:
        x = np.stack([single(column, f"{path}, array x, column {i}") for i, column in enumerate(x.T)], axis=1)
    elif x.dtype != np.uint8:
        x = single(x, f"{path}, array x")
    named = x.dtype != np.uint8 and x.ndim == 2
    return x, y, tuple(f"x{i}" for i in range(1, x.shape[1] + 1)) if named else ()


def decoded(path: Path, name: str, values: NDArray[Any]) -> NDArray[Any]:
    """Return an array as it is, of bytes as text."""
    try:
        return np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
    except UnicodeDecodeError:
        raise InputError(f"{path}, array {name}: must be text in UTF-8") from None


def stored(path: Path, name: str, given: str) -> NDArray[Any]:
    """Return one array of a file; raise InputError where it isn't there."""
    there = npz.names(path)
    if name not in there:
        raise InputError(f"{given}: no such array in {path}; {allowed_values(name, there)}")
    return npz.from_npz(path, name)
