"""Tables of one's own as arrays: .csv with a header, .npz with arrays by name; what is wrong is said with its line."""

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnjax.data import arrays
from nnjax.errors import InputError, choices

SUFFIXES = (".csv", ".npz")
LARGEST, SMALLEST = 2.0**127, 2.0**-126  # of float32, about
COARSEST = 1e-3  # a float32's last digit at most, in standard deviations of its column


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
    readers = {".csv": read_csv, ".npz": read_npz}
    try:
        if not path.is_file():
            raise InputError(f"data.path={path}: no such file; allowed: {' or '.join(SUFFIXES)}")
        if path.suffix.lower() not in readers:
            raise InputError(f"data.path={path}: no such kind of file; allowed: {' or '.join(SUFFIXES)}")
        return readers[path.suffix.lower()](path, target, labels)
    except OSError as error:
        raise InputError(f"data.path={path}: can't be read: {error.strerror or error}") from None


def read_csv(path: Path, target: str, labels: bool) -> Table:
    """Return the table in a CSV file: commas, UTF-8, names in the first line."""
    columns = csv_columns(path)
    check_target(path, [*columns], target)
    y = target_column(path, target, columns.pop(target), labels)
    text = "; text can be the target only, data.target"
    found = {name: numbers(path, name, column, text) for name, column in columns.items()}
    x = np.stack([single(values, f"{path}, column {name}") for name, values in found.items()], axis=1)
    return Table(x, y, tuple(columns))


def csv_columns(path: Path) -> dict[str, Any]:
    """Return the columns of a CSV file by name, text whose index + 1 is the line; a blank line is no row."""
    cells = csv_cells(path)
    names = [str(name).strip() for name in cells.iloc[0]]
    check_names(path, names)
    rows = cells.iloc[1:]
    rows = rows[(rows != "").any(axis=1)]
    if not len(rows):
        raise InputError(f"{path}: no rows below the header")
    return dict(zip(names, (rows[i] for i in rows), strict=True))


def csv_cells(path: Path) -> Any:
    """Return all cells as text, missing ones empty: a pandas DataFrame whose index + 1 is the line."""
    import pandas as pd

    plain: dict[str, Any] = {"header": None, "dtype": str, "keep_default_na": False, "skip_blank_lines": False}
    try:
        return pd.read_csv(path, **plain, encoding="utf-8-sig")
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: empty") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}{undecodable(path)}: must be text in UTF-8") from None
    except pd.errors.ParserError as error:
        ragged = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        unclosed = re.search(r"EOF inside string starting at row (\d+)", str(error))
        if unclosed is not None:
            raise InputError(f"{path}, line {int(unclosed[1]) + 1}: no table: a quote that is never closed") from None
        if ragged is None:
            raise InputError(f"{path}: no table: {' '.join(str(error).split())}") from None
        there, line, found = ragged.groups()
        raise InputError(f"{path}, line {line}: {found} columns, the lines above have {there}") from None


def undecodable(path: Path) -> str:
    """Return `, line 7`, the first line that is no UTF-8."""
    for line, text in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            text.decode()
        except UnicodeDecodeError:
            return f", line {line}"
    return ""


def check_names(path: Path, names: list[str]) -> None:
    """Raises InputError unless each column has a name of its own."""
    if len(names) == 1 and (found := re.search("[;\t|]", names[0])):
        raise InputError(f"{path}, line 1: columns must be separated by commas, found {found[0]!r}")
    for place, name in enumerate(names, start=1):
        if not name:
            index = " (an index? pandas leaves it out with index=False)" if place == 1 else ""
            raise InputError(f"{path}, line 1: column {place} has no name{index}")
        if names.count(name) > 1:
            raise InputError(f"{path}, line 1: {names.count(name)} columns are named {name}")


def check_target(path: Path, names: list[str], target: str) -> None:
    """Raises InputError unless one column is the target and others are left."""
    if target not in names:
        raise InputError(f"data.target={target}: no such column in {path}; {choices(target, names)}")
    if len(names) == 1:
        raise InputError(f"{path}: needs columns beside the target {target}")


def numbers(path: Path, name: str, column: Any, text: str = "") -> NDArray[np.float64]:
    """Return a column's cells as numbers, true and false as 1 and 0; text: what to say where none is a number."""
    values, bad = parsed(column)
    if bad.any() and truths(column):
        return np.asarray(column.str.lower() == "true", float)
    if bad.any():
        where = cell(path, name, column, int(bad.argmax()))
        raise InputError(where + (text if bad.all() else ""))
    return values.astype(float)


def target_column(path: Path, name: str, column: Any, labels: bool) -> NDArray[Any]:
    """Return the target's column as booleans, whole numbers, floats or text, whichever all its cells are."""
    values, bad = parsed(column)
    if (column.str.strip() == "").any():
        raise InputError(cell(path, name, column, int((column.str.strip() == "").argmax())))
    if not bad.any() and not (values.dtype.kind == "f" and column.str.fullmatch(r"\s*[+-]?\d+\s*").all()):
        return values
    if not bad.any() and not labels:  # float64 would make one of several
        place = int(np.abs(values).argmax())
        where = f"{path}, line {column.index[place] + 1}, column {name}: {column.iloc[place].strip()!r:.40}"
        raise InputError(f"{where} is too large for a whole number; data.task=classification takes all as labels")
    if truths(column):
        return np.asarray(column.str.lower() == "true")
    if 0 < bad.mean() < 0.5 and not labels:
        where = cell(path, name, column, int(bad.argmax()))
        raise InputError(f"{where}, as most of this column are; data.task=classification takes all as labels")
    return np.asarray(column.str.strip(), str)


def parsed(column: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the cells as numbers, and where they are no finite ones."""
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce").to_numpy()
    return values, ~np.isfinite(values)


def truths(column: Any) -> bool:
    """Return whether all cells are true or false."""
    return bool(column.str.lower().isin(["true", "false"]).all())


def cell(path: Path, name: str, column: Any, row: int) -> str:
    """`train.csv, line 17, column age: empty`."""
    text = column.iloc[row].strip()
    return f"{path}, line {column.index[row] + 1}, column {name}: " + (
        f"{text!r:.40} is no number" if text else "empty"
    )


def read_npz(path: Path, target: str, labels: bool) -> Table:
    """Return the table in NumPy's arrays by name: x (n, d), (n,) or (n, ...) and the target (n,)."""
    x, y = (npz_array(path, *key) for key in (("x", "x"), (target, f"data.target={target}")))
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
    try:
        y = np.char.decode(y.ravel(), "utf-8") if y.dtype.kind == "S" else y.ravel()
    except UnicodeDecodeError:
        raise InputError(f"{path}, array {target}: must be text in UTF-8") from None
    for name, array in (("x", x), (target, y)):
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise InputError(f"{path}, array {name}, at {list(place)}: {array[place]} is no finite number")
    x = x.reshape(len(x), -1) if x.ndim == 1 else x
    if x.dtype != np.uint8 and x.ndim == 2:
        x = np.stack([single(column, f"{path}, array x, column {i}") for i, column in enumerate(x.T)], axis=1)
    elif x.dtype != np.uint8:
        x = single(x, f"{path}, array x")
    return Table(x, y, tuple(f"x{i}" for i in range(1, x.shape[1] + 1)) if x.dtype != np.uint8 and x.ndim == 2 else ())


def npz_array(path: Path, name: str, given: str) -> NDArray[Any]:
    """Return one array of a file; raise InputError where it isn't there."""
    there = arrays.names(path)
    if name not in there:
        raise InputError(f"{given}: no such array in {path}; {choices(name, there)}")
    return arrays.from_npz(path, name)


def single(values: NDArray[Any], where: str) -> NDArray[np.float32]:
    """Return finite numbers as float32; raise InputError where it cannot hold them or tell them apart."""
    wide = values.astype(float)
    top = float(np.abs(wide).max())
    if top > LARGEST:
        raise InputError(f"{where}: {top:g} is too large, float32 holds up to {LARGEST:g}")
    spread = float(wide.std())
    step = float(np.spacing(np.float32(top)))
    if np.ptp(wide) > 0 and (step > COARSEST * spread or spread < SMALLEST):
        small = spread < SMALLEST
        what = f"values about {spread:.2g} apart" + ("" if small else f" at {top:g}")
        raise InputError(f"{where}: {what} are not told apart by float32: {'multiply' if small else 'shift'} them")
    return wide.astype(np.float32)
