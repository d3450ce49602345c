"""Boolean functions as data: all rows of a truth table, or a sample of them (L10-L13)."""

import hashlib

import numpy as np

from nnjax.data.boolean import expressions, functions
from nnjax.data.dataset import Dataset, Preprocessing, Split, digest_splits, row_order
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
    """Return the Dataset of a boolean function, given by its name, an expression or its table; XOR by default.

    function: a name in `functions.FUNCTIONS`. inputs: their number, for functions that are defined for several numbers.
    expression: of x1, x2, ..., as `expressions.truth_table` reads it.
    table: 2^k characters 0 or 1, the first for all inputs 0, x1 the most significant: "0110" is XOR (L12).
    samples: the number of training rows, drawn with replacement by `seed`. None: each row once.
    test_size: the number or the share of rows, drawn by `seed`, that are tested and not trained on. 0: all rows are
    both trained on and tested.
    x: float32 (rows, k) of 0 and 1; y: int32 (rows,). There are no validation rows. Raises InputError.
    """
    forms = {"function": function, "expression": expression, "table": table}
    used = [f"data.{key}={value!r:.40}" for key, value in forms.items() if value is not None]
    if len(used) > 1:
        raise InputError(f"{' '.join(used)} exclude each other", "one of data.function, data.expression, data.table")
    function = function if used else DEFAULT
    values, source = _values(function, expression, table, inputs)
    k = len(values).bit_length() - 1
    all_rows = Split(expressions.input_rows(k).astype(np.float32), values.astype(np.int32))
    train, test = _split(all_rows, samples, test_size, seed)
    validation = Split(all_rows.x[:0], all_rows.y[:0])
    return Dataset(
        name="boolean",
        train=train,
        validation=validation,
        test=test,
        preprocessing=Preprocessing(scale=1.0, shift=0.0, shape=(k,)),
        classes=("0", "1"),
        task="binary",
        digest=digest_splits(train, validation, test),
        source=source,
        notice="",
        truth_table=all_rows,
        title=function.upper() if function else expression or f"table {table}",
    )


def _values(
    function: str | None, expression: str | None, table: str | None, inputs: int | None
) -> tuple[np.ndarray, str]:
    """Return the values of the truth table (2^k,), and the name of the table."""
    if inputs is not None and function is None:
        raise InputError(f"data.inputs={inputs} is for data.function only", "data.inputs=null")
    if expression is not None:
        try:
            return expressions.truth_table(expression), f"truth table of {expression}"
        except InputError as error:
            raise InputError(f"data.expression={error}") from None
    if table is not None:
        _check_table(table)
        return np.array([int(value) for value in table]), "truth table"
    assert function is not None
    description = function if inputs is None else f"{function} of {inputs}"
    return np.array([int(value) for value in functions.named_table(function, inputs)]), f"truth table of {description}"


def _check_table(table: str) -> None:
    max_inputs = expressions.MAX_INPUTS
    inputs = len(table).bit_length() - 1 if isinstance(table, str) else 0
    if not 1 <= inputs <= max_inputs or len(table) != 2**inputs or set(table) - {"0", "1"}:
        form = (
            f"2^k characters 0 or 1 for k inputs, 1 to {max_inputs}, quoted twice, since YAML reads digits as a number"
        )
        raise InputError(f"data.table={table!r:.40} is not a truth table", f"""{form}: 'data.table="0110"' for XOR""")


def _split(all_rows: Split, samples: int | None, test_size: int | float, seed: int) -> tuple[Split, Split]:
    """Return (training, test)."""
    n = len(all_rows.y)
    test_rows = round(test_size * n) if isinstance(test_size, float) else test_size
    if not (test_size == 0 or 1 <= test_rows < n):
        allowed = f"0, a count from 1 to {n - 1}, or a share that makes such a count"
        raise InputError(f"data.test_size={test_size} is impossible: the table has {n} rows", allowed)
    order = row_order(n, seed)
    test = all_rows if test_rows == 0 else Split(*(array[np.sort(order[:test_rows])] for array in all_rows))
    places = np.sort(order[test_rows:])
    if samples is not None:
        numbers = hashlib.shake_256(f"nnjax data.seed={seed}, data.samples".encode()).digest(8 * samples)
        places = places[np.frombuffer(numbers, "<u8") % np.uint64(len(places))]
    return Split(*(array[places] for array in all_rows)), test
