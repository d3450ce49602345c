"""What a person at the terminal is told: one line for their mistakes, no traceback."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

FAILED, BAD_INPUT = 1, 2  # exit codes
LONGEST = 4_000  # characters of a line
SIGNALLED = 128  # and the signal's number, as shells have it: 130 after Ctrl-C, 143 after SIGTERM


class InputError(ValueError):
    """One line for the person at the terminal: the rule, what was given, what is allowed.

    Raised at the edge: configuration, data, files, names. What was given may hold anything: see `printable`.
    """

    def __init__(self, line: str) -> None:
        super().__init__(printable(line))


class StoreError(InputError):
    """One line about a store that can't be reached or written, which another time it may.

    Attributes:
        store: its address, fit to be shown.
        reason: what it said.
        busy: another program was using it, so that it is worth waiting.
    """

    def __init__(self, store: str, reason: str, busy: bool = False) -> None:
        super().__init__(f"the store must be reachable and writable, tracking.uri={store} is not: {reason}")
        self.store, self.reason, self.busy = store, reason, busy


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or another signal that asks for the end."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__(f"signal {int(number)}")
        self.code = SIGNALLED + int(number)


class TrainingError(RuntimeError):
    """One line about a run that can't go on, such as a loss that is no longer finite; what it recorded is kept."""


def as_input_error(command: Callable[[], Any]) -> Any:
    """Runs a command; what Hydra or OmegaConf raises becomes an InputError."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        return command()
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(one_line(error)) from None


def exit_with_one_line(command: Callable[[], Any]) -> Any:
    """Runs a command; an expected error becomes one line on stderr and the process's exit code.

    NNJAX_TRACEBACK=1 shows the whole traceback instead.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises what it would print
    if os.environ.get("NNJAX_TRACEBACK") == "1":
        return command()
    try:
        return as_input_error(command)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(BAD_INPUT) from None
    except TrainingError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(FAILED) from None
    except BrokenPipeError:  # whoever read our output has seen enough, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(FAILED) from None
    except (OSError, MemoryError) as error:
        full = "; free some: what was saved before is whole" if getattr(error, "errno", None) == errno.ENOSPC else ""
        print(f"error: {' '.join(str(error).split()) or type(error).__name__}{full}", file=sys.stderr)
        raise SystemExit(FAILED) from None
    except KeyboardInterrupt as error:
        print("interrupted", file=sys.stderr)
        raise SystemExit(getattr(error, "code", SIGNALLED + signal.SIGINT)) from None


def one_line(error: BaseException) -> str:
    """What went wrong, in a line: Hydra's and OmegaConf's messages with the key, what was given and what is allowed."""
    cause = error.__cause__ or error
    options, missing = getattr(error, "options", None), getattr(error, "missing_cfg_file", None)
    if missing and options is not None:
        group, _, option = missing.rpartition("/")
        return printable(f"{group}={option}: {allowed_values(option, options)}")
    if getattr(cause, "full_key", None) and getattr(cause, "parent_node", None) is not None:
        return printable(key_error(cause))
    return printable(str(error))


def printable(text: str) -> str:
    """Text as one line that a terminal shows and doesn't obey; of a very long one its beginning and its end."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"


def key_error(error: Any) -> str:
    """An unknown key, with the nearest of its neighbours, or a value of the wrong type."""
    reason = str(error).splitlines()[0]
    if "not in" in reason:
        return (
            f"{error.full_key}: no such key; {allowed_values(str(error.key), [str(key) for key in error.parent_node])}"
        )
    if "is not a ListConfig" in reason:
        reason = f"must be a list such as [300,100], given one {reason.split(' is not')[0].split()[-1]}"
    return f"{error.full_key}: {reason[:1].lower()}{reason[1:]}"


def allowed_values(given: str, allowed: Any) -> str:
    """`did you mean relu? allowed: ...`, the nearest name first if one is near."""
    near = get_close_matches(given, allowed, 1)
    return f"{f'did you mean {near[0]}? ' if near else ''}allowed: {', '.join(allowed)}"
