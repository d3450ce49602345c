"""Boolean functions as data: a truth table is the whole data set (L10-L13)."""

import numpy as np

from nnjax.data.dataset import Dataset, Preprocessing, Split, digest_of_splits
from nnjax.errors import InputError

MOST_INPUTS = 12


def boolean(table: str) -> Dataset:
    """Return the Dataset of a truth table: train = test = all 2^k rows, no validation rows.

    table: 2^k characters 0 or 1, the first for all inputs 0, x1 the most significant: "0110" is XOR (L12).
    x: float32 (2^k, k) of 0 and 1; y: int32 (2^k,). Raises InputError.
    """
    inputs = _count_inputs(table)
    rows = np.arange(2**inputs)
    bits = (rows[:, None] >> np.arange(inputs)[::-1]) & 1
    whole = Split(bits.astype(np.float32), np.array([int(value) for value in table], np.int32))
    nothing = Split(whole.x[:0], whole.y[:0])
    return Dataset(
        name="boolean",
        train=whole,
        validation=nothing,
        test=whole,
        preprocessing=Preprocessing(scale=1.0, shift=0.0, shape=(inputs,)),
        classes=("0", "1"),
        task="binary",
        digest=digest_of_splits(whole, nothing, whole),
        source="truth table",
        notice="",
    )


def _count_inputs(table: str) -> int:
    inputs = len(table).bit_length() - 1 if isinstance(table, str) else 0
    if not 1 <= inputs <= MOST_INPUTS or len(table) != 2**inputs or set(table) - {"0", "1"}:
        shown = f"{table!r:.40}"
        raise InputError(
            f"data.table={shown}: allowed are 2^k characters 0 or 1 (k inputs, 1 to {MOST_INPUTS}; XOR is 0110), "
            """quoted twice, since YAML takes them for a number: 'data.table="0110"'"""
        )
    return inputs
