"""Mistakes as one line for the person at the terminal, without a traceback.

Every such line has the same form. First a sentence says what is wrong; its subject is the setting, or the place in a
file. Then the nearest name is suggested if a name was mistyped, and what is allowed is listed:

    optimizer.learning_rat is not a setting. Did you mean learning_rate? Allowed: name, learning_rate.
    mine.csv, line 6, column age: the cell is empty. Allowed: a number.
"""

import json
import signal
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

FAILED, BAD_INPUT = 1, 2  # exit codes
MAX_LINE = 4_000  # characters
SIGNALLED = 128  # plus the signal's number, as in shells: 130 after Ctrl-C, 143 after SIGTERM


class InputError(ValueError):
    """A mistake in a setting, a file or a name, as one line.

    problem: what is wrong, a sentence without its full stop. It may contain any text: see `printable`.
    allowed: what is right instead, in words or as the list of all names.
    suggestion: what was probably meant, such as the `nearest` of all names.
    """

    def __init__(self, problem: str, allowed: str | Iterable[str] = "", suggestion: str = "") -> None:
        hint = f" Did you mean {suggestion}?" if suggestion else ""
        alternatives = allowed if isinstance(allowed, str) else ", ".join(allowed)
        hint += f" Allowed: {alternatives}." if alternatives else ""
        super().__init__(printable(f"{problem}.{hint}" if hint else problem))


class StoreError(InputError):
    """A store that cannot be reached or written now, but perhaps later.

    Attributes:
        store: the address of the store, without a password.
        reason: the store's own error.
        busy: another program was using the store, so that it is worth waiting.
    """

    def __init__(self, store: str, reason: str, busy: bool = False) -> None:
        super().__init__(f"tracking.uri={store} cannot be reached or written: {reason}")
        self.store, self.reason, self.busy = store, reason, busy


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or another signal that asks the process to end."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(f"signal {int(number)}")
        self.code = SIGNALLED + int(number)


class TrainingError(RuntimeError):
    """A run that cannot continue, for example because its loss is not finite. What it recorded is kept."""


def show_value(value: Any) -> str:
    """Return a value as it is typed: null, true, text without quotes."""
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def printable(text: str) -> str:
    """Return a text as one line without control characters; of a very long text its beginning and its end."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= MAX_LINE else f"{line[: MAX_LINE // 2]} ... {line[-MAX_LINE // 2 :]}"


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the one of `names` that a mistyped name is nearest to, "" if none is near."""
    return next(iter(get_close_matches(name, [*names], 1)), "")


def line_not_utf8(path: Path) -> int | None:
    """Return the number of the first line of a file that is not UTF-8, counted from 1, None if all lines are."""
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            line.decode()
        except UnicodeDecodeError:
            return number
    return None
