"""CSV files with names in the first line: columns as text, then as numbers. Errors name the line."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnjax.data.table.float32 import to_float32
from nnjax.errors import InputError, line_not_utf8, nearest

TRUTHS = ["true", "false"]


def read(path: Path, target: str, labels: bool) -> tuple[NDArray[Any], NDArray[Any], tuple[str, ...]]:
    """Return x, y and features of a `Table` from a file in UTF-8 with commas, and names in the first line.

    labels: as for `reader.read`. Raises InputError.
    """
    columns = read_columns(path)
    _check_target(path, [*columns], target)
    y = _target_values(path, target, columns.pop(target), labels)
    x = [to_float32(to_numbers(path, name, cells, True), f"{path}, column {name}") for name, cells in columns.items()]
    return np.stack(x, axis=1), y, tuple(columns)


def read_columns(path: Path) -> dict[str, Any]:
    """Return the columns of a CSV file by name, text as pandas.Series whose index + 1 is the line.

    Blank lines are left out. Raises InputError.
    """
    cells = _read_cells(path)
    names = [" ".join(str(name).splitlines()).strip() for name in cells.iloc[0]]
    _check_names(path, names)
    rows = cells.iloc[1:]
    rows = rows[(rows != "").any(axis=1)]
    if not len(rows):
        raise InputError(f"{path} has no rows below the header", "at least one row")
    return dict(zip(names, (rows[i] for i in rows), strict=True))


def to_numbers(path: Path, name: str, column: Any, is_feature: bool = False) -> NDArray[Any]:
    """Return the numbers in a column (n,), true and false as 1 and 0.

    Whole numbers stay integers, since several of them can be one float64. is_feature: a column of text gets the hint
    that only the target may be text. Raises InputError for the first cell that is not a number.
    """
    values, bad = _parse(column)
    if bad.any() and _is_truths(column):
        return np.asarray(column.str.lower() == "true", float)
    if bad.any():
        only_target = ", since only the target (data.target) may be text" if is_feature and bad.all() else ""
        raise _bad_cell(path, name, column, int(bad.argmax()), f"a number{only_target}")
    return values


def _read_cells(path: Path) -> Any:
    """Return all cells as text, empty where one is missing: a pandas.DataFrame whose index + 1 is the row's line."""
    import pandas as pd

    try:
        cells = _parse_csv(path)
    except pd.errors.EmptyDataError:
        raise InputError(f"{path} is empty", "a header and rows") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}, line {line_not_utf8(path)}: the text is not UTF-8", "text in UTF-8") from None
    except pd.errors.ParserError as error:
        raise _parser_error(path, str(error)) from None
    counts = _count_lines(cells)
    cells.index = np.cumsum(counts) - counts
    return cells


def _parser_error(path: Path, error: str) -> InputError:
    """Return pandas's error with the line in the file: pandas counts rows, and a quoted cell may have several lines."""
    ragged = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", error)
    unclosed = re.search(r"EOF inside string starting at row (\d+)", error)
    if unclosed is not None:
        line = 1 + _count_lines(_parse_csv(path, int(unclosed[1]))).sum()
        return InputError(f"{path}, line {line}: a quote is never closed", "two quotes around a cell")
    if ragged is None:
        return InputError(f"{path} is not a table: {' '.join(error.split())}")
    columns, row, more_columns = ragged.groups()
    line = 1 + _count_lines(_parse_csv(path, int(row) - 1)).sum()
    return InputError(f"{path}, line {line}: the line has {more_columns} columns", f"{columns}, as in the lines above")


def _parse_csv(path: Path, rows: int | None = None) -> Any:
    """Return the cells of a CSV file, or of its first rows, as a pandas.DataFrame of text; raise what pandas raises."""
    import pandas as pd

    if rows == 0:
        return pd.DataFrame()
    plain: dict[str, Any] = {"header": None, "dtype": str, "keep_default_na": False, "skip_blank_lines": False}
    return pd.read_csv(path, **plain, encoding="utf-8-sig", nrows=rows)


def _count_lines(cells: Any) -> NDArray[np.int64]:
    """Return how many lines of the file each row takes (n,), since a quoted cell may have several."""
    breaks = [cells[i].str.count("\r\n|\r|\n") for i in cells]
    return np.sum(breaks, axis=0, dtype=int) + np.ones(len(cells), int)


def _check_names(path: Path, names: list[str]) -> None:
    """Raise InputError unless each column has a name of its own."""
    separator = re.search("[;\t|]", names[0]) if len(names) == 1 else None
    if separator:
        raise InputError(f"{path}, line 1: the columns are separated by {separator[0]!r}", "commas")
    for number, name in enumerate(names, start=1):
        if not name:
            index = "; pandas writes no index with index=False" if number == 1 else ""
            raise InputError(f"{path}, line 1: column {number} has no name", f"a name for each column{index}")
        if names.count(name) > 1:
            problem = f"{path}, line 1: {names.count(name)} columns have the name {name}"
            raise InputError(problem, "a different name for each column")


def _check_target(path: Path, names: list[str], target: str) -> None:
    """Raise InputError unless one column is the target and others are left as features."""
    if target not in names:
        raise InputError(f"data.target={target} is not a column of {path}", names, nearest(target, names))
    if len(names) == 1:
        raise InputError(f"{path} has no column except the target {target}", "at least one feature")


def _target_values(path: Path, name: str, column: Any, labels: bool) -> NDArray[Any]:
    """Return the target (n,) as booleans, whole numbers, floats or text, whichever all its cells are."""
    values, bad = _parse(column)
    text = column.str.strip()
    if (text == "").any():
        raise _bad_cell(path, name, column, int((text == "").argmax()), "a value in each row")
    as_labels = "data.task=classification, which takes all cells as labels"
    if not bad.any() and not (values.dtype.kind == "f" and text.str.fullmatch(r"[+-]?\d+").all()):
        return values
    if not bad.any() and not labels:  # several of these whole numbers can be one float64
        row = int(np.abs(values).argmax())
        place = f"{path}, line {column.index[row] + 1}, column {name}"
        raise InputError(f"{place}: {text.iloc[row]!r:.40} is too large for a whole number", as_labels)
    if _is_truths(column):
        return np.asarray(column.str.lower() == "true")
    if 0 < bad.mean() < 0.5 and not labels:
        allowed = f"a number, as in most rows of this column; or {as_labels}"
        raise _bad_cell(path, name, column, int(bad.argmax()), allowed)
    return np.asarray(text, str)


def _parse(column: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the cells as numbers (n,), and which of them are not finite numbers (n,)."""
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce").to_numpy()
    return values, ~np.isfinite(values)


def _is_truths(column: Any) -> bool:
    """Return whether all cells are true or false."""
    return bool(column.str.lower().isin(TRUTHS).all())


def _bad_cell(path: Path, name: str, column: Any, row: int, allowed: str) -> InputError:
    """Return the error for one cell: `train.csv, line 17, column age: the cell is empty. Allowed: a number.`"""
    text = column.iloc[row].strip()
    what = f"{text!r:.40} is not a number" if text else "the cell is empty"
    return InputError(f"{path}, line {column.index[row] + 1}, column {name}: {what}", allowed)
