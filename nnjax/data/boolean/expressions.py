"""Boolean expressions of x1, x2, ... and their truth tables (L10-L12)."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from nnjax.errors import InputError

MAX_INPUTS = 12
MAX_CHARACTERS = 10_000
NAMES = [f"x{number}" for number in range(1, MAX_INPUTS + 1)]
OPERATIONS: dict[str, tuple[int, Callable[..., np.ndarray]]] = {  # sign -> precedence, the highest first; function
    "~": (6, np.logical_not),
    "&": (5, np.logical_and),
    "^": (4, np.logical_xor),
    "|": (3, np.logical_or),
    "->": (2, np.less_equal),
    "<->": (1, np.equal),
}
OPERANDS = f"x1..x{MAX_INPUTS}, 0, 1, ~ or ("


class Token(NamedTuple):
    """A name, a sign or a parenthesis, and its column, counted from 1. The end is a token without text."""

    text: str
    column: int


def input_rows(inputs: int) -> Bool[np.ndarray, "rows inputs"]:
    """Return all rows of inputs in the order of a truth table (2^inputs, inputs): x1 is the most significant bit."""
    return (np.arange(2**inputs)[:, None] >> np.arange(inputs)[::-1]) % 2 == 1


def truth_table(expression: str) -> Bool[np.ndarray, " rows"]:
    """Return the truth table (2^k,) of an expression of x1..xk, where k is the largest number in it.

    Precedence, the highest first: ~ & ^ | -> <->. Operations of equal precedence are evaluated from the left,
    `a <-> b <-> c` as `(a <-> b) <-> c`. The exception is `a -> b -> c`, which means `a -> (b -> c)`. Parentheses, 0
    and 1 are allowed.
    The algorithm is Dijkstra's shunting yard (1961): one stack of tables, one of operations that wait for their right
    side. It needs no recursion, so parentheses may be as deep as the text is long.

    Raises InputError for a text that is not an expression, is too long, or contains no input.
    """
    if len(expression) > MAX_CHARACTERS:
        problem = f"{_excerpt(expression)} has {len(expression)} characters"
        raise InputError(problem, f"at most {MAX_CHARACTERS}")
    tokens = _tokens(expression)
    _check(expression, tokens)
    inputs = max((NAMES.index(text) + 1 for text, _ in tokens if text in NAMES), default=0)
    if inputs == 0:
        raise InputError(f"{_excerpt(expression)} contains no input", f"x1..x{MAX_INPUTS}")
    operands = dict(zip(NAMES, input_rows(inputs).T, strict=False))
    operands |= {"0": np.zeros(2**inputs, bool), "1": np.ones(2**inputs, bool)}

    tables: list[np.ndarray] = []
    waiting: list[str] = []
    for text, _ in tokens:
        if text in operands:
            tables.append(operands[text])
        elif text in ("(", "~"):  # they have no left side, so no waiting operation is complete
            waiting.append(text)
        else:
            while waiting and waiting[-1] != "(" and _goes_first(waiting[-1], text):
                _apply(waiting.pop(), tables)
            if text == ")":
                waiting.pop()
            else:
                waiting.append(text)
    return tables[0]


def _tokens(expression: str) -> list[Token]:
    matches = re.finditer(r"<->|->|\w+|\S", expression)
    return [*(Token(match[0], match.start() + 1) for match in matches), Token("", len(expression) + 1)]


def _check(expression: str, tokens: list[Token]) -> None:
    """Raise InputError at the first token that is not allowed at its place."""
    operand_next, depth = True, 0
    for text, column in tokens:
        if operand_next:
            fits, allowed = text in {*NAMES, "0", "1", "~", "("}, OPERANDS
        else:
            closing = ")" if depth else ""
            fits = text in OPERATIONS.keys() - {"~"} or text == closing
            allowed = f"& ^ | -> <-> or {closing or 'the end'}"
        if not fits:
            token = text[:20] if text.isprintable() else ascii(text)
            where = f"{_excerpt(expression, column)}, column {column}"
            raise InputError(f"{where}: {token or 'the end'} cannot stand here", allowed)
        depth += (text == "(") - (text == ")")
        operand_next = text in OPERATIONS or text == "("


def _goes_first(left: str, right: str) -> bool:
    """Return whether a waiting operation is applied before the token on its right; a ) or the end lets all go first."""
    if right not in OPERATIONS:
        return True
    return OPERATIONS[left][0] >= OPERATIONS[right][0] and not left == right == "->"


def _apply(operation: str, tables: list[np.ndarray]) -> None:
    """Replace the last table, or the last two, by the operation's result."""
    count = 1 if operation == "~" else 2
    tables[-count:] = [OPERATIONS[operation][1](*tables[-count:])]


def _excerpt(expression: str, column: int = 1) -> str:
    """Return the text in quotes on one line; of a long text the part around a column."""
    line = "".join(sign if sign.isprintable() else " " for sign in expression)
    start, end = (max(0, column - 60), column + 20) if len(line) > 80 else (0, len(line))
    return f'"{"..." * (start > 0)}{line[start:end]}{"..." * (end < len(line))}"'
