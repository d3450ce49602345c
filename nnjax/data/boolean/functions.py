"""Boolean functions by name: those of two inputs, `not`, and families of any size (L10-L12)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from nnjax.data.boolean.expressions import MOST_INPUTS, rows
from nnjax.errors import InputError, allowed_values

Rows = Bool[np.ndarray, "rows inputs"]
Values = Bool[np.ndarray, " rows"]


class Family(NamedTuple):
    """A function of several numbers of inputs.

    Attributes:
        values: from the rows of a truth table (2^k, k) to its values (2^k,).
        inputs: the numbers k that it allows.
    """

    values: Callable[[Rows], Values]
    inputs: Sequence[int]


def parity(x: Rows) -> Values:
    """1 where an odd number of inputs is 1."""
    return x.sum(1) % 2 == 1


def majority(x: Rows) -> Values:
    """1 where more than half of the inputs are 1: of an even number, half is not enough."""
    return 2 * x.sum(1) > x.shape[1]


def multiplexer(x: Rows) -> Values:
    """The data input that the address names.

    Inputs are a bits of the address, the most significant first, then 2^a of data.
    """
    address_bits = MULTIPLEXERS[x.shape[1]]
    address = x[:, :address_bits] @ 2 ** np.arange(address_bits)[::-1]
    return x[np.arange(len(x)), address_bits + address]


ANY = range(1, MOST_INPUTS + 1)
MULTIPLEXERS = {3: 1, 6: 2, 11: 3}  # inputs: address bits
FUNCTIONS: dict[str, str | Family] = {  # truth tables count upwards, x1 the most significant bit
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


def table(name: str, inputs: int | None = None) -> str:
    """The truth table of a named function: 2^k characters 0 or 1, the first for all inputs 0.

    name: of FUNCTIONS, in small or capital letters (YAML turns true into True).
    inputs: how many, for the families; the others accept None or their own number.

    Raises:
        InputError: no such function, or not of so many inputs.
    """
    function = FUNCTIONS.get(name.lower())
    if function is None:
        raise InputError(f"data.function={name}: no such function; {allowed_values(name.lower(), FUNCTIONS)}")
    if isinstance(function, str):
        own = len(function).bit_length() - 1
        if inputs not in (None, own):
            raise InputError(
                f"data.function={name} data.inputs={inputs}: allowed is {own}; for other numbers write an expression"
            )
        return function
    if inputs is None or inputs not in function.inputs:
        numbers = ", ".join(map(str, function.inputs))
        raise InputError(
            f"data.function={name} data.inputs={'null' if inputs is None else inputs}: allowed are {numbers}"
        )
    return "".join(map(str, function.values(rows(inputs)).astype(int)))
