"""Boolean functions by name: those of two inputs, `not`, and functions of any number of inputs (L10-L12)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from nnjax.data.boolean.expressions import MAX_INPUTS, input_rows
from nnjax.errors import InputError, nearest, show_value

Rows = Bool[np.ndarray, "rows inputs"]
Values = Bool[np.ndarray, " rows"]


class Family(NamedTuple):
    """A function that is defined for several numbers of inputs.

    Attributes:
        values: from the rows of a truth table (2^k, k) to its values (2^k,).
        inputs: the allowed numbers k.
    """

    values: Callable[[Rows], Values]
    inputs: Sequence[int]


def parity(x: Rows) -> Values:
    """Return 1 where an odd number of inputs is 1."""
    return x.sum(1) % 2 == 1


def majority(x: Rows) -> Values:
    """Return 1 where more than half of the inputs are 1: half of an even number is not enough."""
    return 2 * x.sum(1) > x.shape[1]


def multiplexer(x: Rows) -> Values:
    """Return the data input that the address selects.

    The inputs are the a bits of the address, the most significant first, then 2^a data inputs.
    """
    address_bits = MULTIPLEXERS[x.shape[1]]
    address = x[:, :address_bits] @ 2 ** np.arange(address_bits)[::-1]
    return x[np.arange(len(x)), address_bits + address]


ANY = range(1, MAX_INPUTS + 1)
MULTIPLEXERS = {3: 1, 6: 2, 11: 3}  # inputs -> address bits
FUNCTIONS: dict[str, str | Family] = {  # name -> truth table, or family; tables count upwards, x1 most significant
    "false": "0000",
    "and": "0001",
    "not_implies": "0010",
    "x1": "0011",
    "not_implied_by": "0100",
    "x2": "0101",
    "xor": "0110",
    "or": "0111",
    "nor": "1000",
    "xnor": "1001",
    "not_x2": "1010",
    "implied_by": "1011",
    "not_x1": "1100",
    "implies": "1101",
    "nand": "1110",
    "true": "1111",
    "not": "10",
    "parity": Family(parity, ANY),
    "majority": Family(majority, ANY),
    "multiplexer": Family(multiplexer, tuple(MULTIPLEXERS)),
}


def named_table(name: str, inputs: int | None = None) -> str:
    """Return the truth table of a named function: 2^k characters 0 or 1, the first for all inputs 0.

    name: a key of FUNCTIONS, in small or capital letters (YAML turns true into True).
    inputs: their number, which families need. Other functions accept None or their own number.
    Raises InputError for another name, and for a number of inputs that the function does not have.
    """
    function = FUNCTIONS.get(name.lower())
    if function is None:
        raise InputError(f"data.function={name} is not a function", FUNCTIONS, nearest(name.lower(), FUNCTIONS))
    problem = f"data.inputs={show_value(inputs)} is impossible for data.function={name}"
    if isinstance(function, str):
        own_inputs = len(function).bit_length() - 1
        if inputs not in (None, own_inputs):
            raise InputError(problem, f"{own_inputs}, or data.expression for another number")
        return function
    if inputs is None or inputs not in function.inputs:
        raise InputError(problem, map(str, function.inputs))
    return "".join(map(str, function.values(input_rows(inputs)).astype(int)))
