"""CSV files with names in the first line: columns as text, then as numbers; what is wrong is said with its line."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnjax.data.table.float32 import single
from nnjax.errors import InputError, allowed_values


def read(path: Path, target: str, labels: bool) -> tuple[NDArray[Any], NDArray[Any], tuple[str, ...]]:
    """Return x, y and features of a `Table`: commas, UTF-8, names in the first line."""
    found = columns(path)
    check_target(path, [*found], target)
    y = target_column(path, target, found.pop(target), labels)
    hint = "; text can be the target only, data.target"
    x = [single(numbers(path, name, column, hint), f"{path}, column {name}") for name, column in found.items()]
    return np.stack(x, axis=1), y, tuple(found)


def columns(path: Path) -> dict[str, Any]:
    """Return the columns of a CSV file by name, text whose index + 1 is the line; a blank line is no row."""
    everything = cells(path)
    names = [" ".join(str(name).splitlines()).strip() for name in everything.iloc[0]]
    check_names(path, names)
    below = everything.iloc[1:]
    below = below[(below != "").any(axis=1)]
    if not len(below):
        raise InputError(f"{path}: no rows below the header")
    return dict(zip(names, (below[i] for i in below), strict=True))


def cells(path: Path) -> Any:
    """Return all cells as text, missing ones empty: a pandas DataFrame whose index + 1 is the line a row begins in."""
    import pandas as pd

    try:
        found = rows(path)
    except pd.errors.EmptyDataError:
        raise InputError(f"{path}: empty") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}{undecodable(path)}: must be text in UTF-8") from None
    except pd.errors.ParserError as error:
        ragged = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        unclosed = re.search(r"EOF inside string starting at row (\d+)", str(error))
        if unclosed is not None:
            line = 1 + lines(rows(path, int(unclosed[1]))).sum()
            raise InputError(f"{path}, line {line}: no table: a quote that is never closed") from None
        if ragged is None:
            raise InputError(f"{path}: no table: {' '.join(str(error).split())}") from None
        there, row, more = ragged.groups()  # pandas counts whole rows
        line = 1 + lines(rows(path, int(row) - 1)).sum()
        raise InputError(f"{path}, line {line}: {more} columns, the lines above have {there}") from None
    taken = lines(found)
    found.index = np.cumsum(taken) - taken
    return found


def rows(path: Path, first: int | None = None) -> Any:
    """Return the cells of a CSV file, or of its first rows, as text: a pandas DataFrame; raise what pandas raises."""
    import pandas as pd

    if first == 0:
        return pd.DataFrame()
    plain: dict[str, Any] = {"header": None, "dtype": str, "keep_default_na": False, "skip_blank_lines": False}
    return pd.read_csv(path, **plain, encoding="utf-8-sig", nrows=first)


def lines(found: Any) -> NDArray[np.int64]:
    """Return how many lines each row takes (n,): a quoted cell may have several."""
    inside = [found[i].str.count("\r\n|\r|\n") for i in found]
    return np.sum(inside, axis=0, dtype=int) + np.ones(len(found), int)


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
        raise InputError(f"data.target={target}: no such column in {path}; {allowed_values(target, names)}")
    if len(names) == 1:
        raise InputError(f"{path}: needs columns beside the target {target}")


def numbers(path: Path, name: str, column: Any, text: str = "") -> NDArray[Any]:
    """Return a column's cells as numbers, true and false as 1 and 0; text: what to say where none is a number.

    Whole numbers stay integers: float64 would make one of several.
    """
    values, bad = parsed(column)
    if bad.any() and truths(column):
        return np.asarray(column.str.lower() == "true", float)
    if bad.any():
        where = cell(path, name, column, int(bad.argmax()))
        raise InputError(where + (text if bad.all() else ""))
    return values


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
