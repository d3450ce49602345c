"""Boolean expressions of x1, x2, ... read into truth tables (L10-L12)."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from nnjax.errors import InputError

MOST_INPUTS = 12
LONGEST = 10_000  # characters
NAMES = [f"x{number}" for number in range(1, MOST_INPUTS + 1)]
OPERATIONS: dict[str, tuple[int, Callable[..., np.ndarray]]] = {  # how tightly it binds, and what it does
    "~": (6, np.logical_not),
    "&": (5, np.logical_and),
    "^": (4, np.logical_xor),
    "|": (3, np.logical_or),
    "->": (2, np.less_equal),
    "<->": (1, np.equal),
}
OPERANDS = f"x1..x{MOST_INPUTS}, 0, 1, ~ or ("


class Token(NamedTuple):
    """A name, a sign or a parenthesis, and its column, the first being 1; the end is a token without text."""

    text: str
    column: int


def rows(inputs: int) -> Bool[np.ndarray, "rows inputs"]:
    """All inputs in the order of a truth table, (2^inputs, inputs): x1 is the most significant bit."""
    return (np.arange(2**inputs)[:, None] >> np.arange(inputs)[::-1]) % 2 == 1


def truth_table(expression: str) -> Bool[np.ndarray, " rows"]:
    """The truth table (2^k,) of an expression of x1..xk, where k is the largest number in it.

    From the tightest: ~ & ^ | -> <->. Equals are taken from the left, `a <-> b <-> c` is `(a <-> b) <-> c`,
    but for `a -> b -> c`, which is `a -> (b -> c)`. Parentheses, 0 and 1 are allowed.
    Two stacks, one of tables and one of operations that wait for their right side (E. W. Dijkstra's shunting yard,
    1961), instead of recursion: parentheses may be as deep as the text is long.

    Raises:
        InputError: the text is no expression, too long, or names no input.
    """
    if len(expression) > LONGEST:
        raise InputError(f"{_shown(expression)}: has {len(expression)} characters, allowed are at most {LONGEST}")
    tokens = _tokens(expression)
    _check(expression, tokens)
    inputs = max((NAMES.index(text) + 1 for text, _ in tokens if text in NAMES), default=0)
    if inputs == 0:
        raise InputError(f"{_shown(expression)}: names no input; allowed are x1..x{MOST_INPUTS}")
    known = dict(zip(NAMES, rows(inputs).T, strict=False))
    known |= {"0": np.zeros(2**inputs, bool), "1": np.ones(2**inputs, bool)}

    tables: list[np.ndarray] = []
    waiting: list[str] = []
    for text, _ in tokens:
        if text in known:
            tables.append(known[text])
        elif text in ("(", "~"):  # wait for what follows; they have no left side to finish
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
    found = re.finditer(r"<->|->|\w+|\S", expression)
    return [*(Token(match[0], match.start() + 1) for match in found), Token("", len(expression) + 1)]


def _check(expression: str, tokens: list[Token]) -> None:
    """Raises InputError at the first token that can't stand where it does."""
    operand_next, depth = True, 0
    for text, column in tokens:
        if operand_next:
            fits, expected = text in {*NAMES, "0", "1", "~", "("}, OPERANDS
        else:
            closing = ")" if depth else ""
            fits = text in OPERATIONS.keys() - {"~"} or text == closing
            expected = f"& ^ | -> <-> or {closing or 'the end'}"
        if not fits:
            found = text[:20] if text.isprintable() else ascii(text)
            shown = _shown(expression, column)
            raise InputError(f"{shown}: column {column}: expected {expected}, found {found or 'the end'}")
        depth += (text == "(") - (text == ")")
        operand_next = text in OPERATIONS or text == "("


def _goes_first(left: str, right: str) -> bool:
    """Whether a waiting operation is carried out before the token on its right: a ) or the end lets all go first."""
    if right not in OPERATIONS:
        return True
    return OPERATIONS[left][0] >= OPERATIONS[right][0] and not left == right == "->"


def _apply(operation: str, tables: list[np.ndarray]) -> None:
    """Replaces the last table, or the last two, by what the operation makes of them."""
    count = 1 if operation == "~" else 2
    tables[-count:] = [OPERATIONS[operation][1](*tables[-count:])]


def _shown(expression: str, column: int = 1) -> str:
    """The text in quotes on one line; of a long one, what stands around a column."""
    line = "".join(sign if sign.isprintable() else " " for sign in expression)
    start, end = (max(0, column - 60), column + 20) if len(line) > 80 else (0, len(line))
    return f'"{"..." * (start > 0)}{line[start:end]}{"..." * (end < len(line))}"'
