"""Boolean functions as data: the rows of a truth table, all of them or a sample (L10-L13)."""

import hashlib

import numpy as np

from nnjax.data.boolean import expressions, functions
from nnjax.data.dataset import Dataset, Preprocessing, Split, digest_of_splits, shuffled
from nnjax.errors import InputError

DEFAULT = "xor"


def boolean(
    function: str | None = None,
    expression: str | None = None,
    table: str | None = None,
    inputs: int | None = None,
    samples: int | None = None,
    test_size: int | float = 0,
    seed: int = 0,
) -> Dataset:
    """Return the Dataset of a boolean function, named, written as an expression or given by its table.

    function: a name of `nnjax.data.boolean.functions`; XOR if nothing is given. inputs: how many, where it takes any.
    expression: of x1, x2, ..., as `nnjax.data.boolean.expressions` reads it.
    table: 2^k characters 0 or 1, the first for all inputs 0, x1 the most significant: "0110" is XOR (L12).
    samples: so many training rows, drawn with replacement by `seed`; None: each row once.
    test_size: so many rows, or that share, drawn by `seed`, are the test and not trained on; 0: all rows are both.
    x: float32 (rows, k) of 0 and 1; y: int32 (rows,). No validation rows. Raises InputError.
    """
    given = {"function": function, "expression": expression, "table": table}
    named = [f"data.{key}={value!r:.40}" for key, value in given.items() if value is not None]
    if len(named) > 1:
        raise InputError(
            f"data=boolean takes one of data.function, data.expression and data.table, got {' '.join(named)}"
        )
    function = function if named else DEFAULT
    values, source = _values(function, expression, table, inputs)
    k = len(values).bit_length() - 1
    whole = Split(expressions.rows(k).astype(np.float32), values.astype(np.int32))
    train, test = _parted(whole, samples, test_size, seed)
    nothing = Split(whole.x[:0], whole.y[:0])
    return Dataset(
        name="boolean",
        train=train,
        validation=nothing,
        test=test,
        preprocessing=Preprocessing(scale=1.0, shift=0.0, shape=(k,)),
        classes=("0", "1"),
        task="binary",
        digest=digest_of_splits(train, nothing, test),
        source=source,
        notice="",
        whole=whole,
        title=function.upper() if function else expression or f"table {table}",
    )


def _values(
    function: str | None, expression: str | None, table: str | None, inputs: int | None
) -> tuple[np.ndarray, str]:
    """The table's column of values, and what it is called."""
    if inputs is not None and function is None:
        raise InputError(f"data.inputs={inputs}: goes with data.function alone, an expression or a table has its own")
    if expression is not None:
        return _read(expression), f"truth table of {expression}"
    if table is not None:
        _check_table(table)
        return np.array([int(value) for value in table]), "truth table"
    assert function is not None
    described = function if inputs is None else f"{function} of {inputs}"
    return np.array([int(value) for value in functions.table(function, inputs)]), f"truth table of {described}"


def _read(expression: str) -> np.ndarray:
    """The truth table of an expression."""
    try:
        return expressions.truth_table(expression)
    except InputError as error:
        raise InputError(f"data.expression={error}") from None


def _check_table(table: str) -> None:
    inputs, most = len(table).bit_length() - 1 if isinstance(table, str) else 0, expressions.MOST_INPUTS
    if not 1 <= inputs <= most or len(table) != 2**inputs or set(table) - {"0", "1"}:
        shown = f"{table!r:.40}"
        raise InputError(
            f"data.table={shown}: allowed are 2^k characters 0 or 1 (k inputs, 1 to {most}; XOR is 0110), "
            """quoted twice, since YAML takes them for a number: 'data.table="0110"'"""
        )


def _parted(whole: Split, samples: int | None, test_size: int | float, seed: int) -> tuple[Split, Split]:
    """Training and test rows."""
    n = len(whole.y)
    held_out = round(test_size * n) if isinstance(test_size, float) else test_size
    if not (test_size == 0 or 1 <= held_out < n):
        raise InputError(
            f"data.test_size={test_size}: allowed are 0, 1 to {n - 1} rows, or a share that makes such a number"
        )
    order = shuffled(n, seed)
    test = whole if held_out == 0 else Split(*(part[np.sort(order[:held_out])] for part in whole))
    kept = np.sort(order[held_out:])
    if samples is not None:
        numbers = hashlib.shake_256(f"nnjax data.seed={seed}, data.samples".encode()).digest(8 * samples)
        kept = kept[np.frombuffer(numbers, "<u8") % np.uint64(len(kept))]
    return Split(*(part[kept] for part in whole)), test
