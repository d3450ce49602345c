"""The end of a command: an expected error is one line on stderr, and the exit code says what kind it was."""

import errno
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from nnjax.errors import BAD_INPUT, FAILED, SIGNALLED, InputError, TrainingError
from nnjax.system.hydra_errors import as_input_error


def exit_with_one_line(command: Callable[[], Any]) -> Any:
    """Run a command and return its result; print an expected error as one line on stderr and exit with its code.

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
    except BrokenPipeError:  # the program that reads the output has ended, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(FAILED) from None
    except (OSError, MemoryError) as error:
        full = getattr(error, "errno", None) == errno.ENOSPC
        hint = ". Free some space: all files that were saved before are complete." if full else ""
        print(f"error: {' '.join(str(error).split()) or type(error).__name__}{hint}", file=sys.stderr)
        raise SystemExit(FAILED) from None
    except KeyboardInterrupt as error:
        print("interrupted", file=sys.stderr)
        raise SystemExit(getattr(error, "code", SIGNALLED + signal.SIGINT)) from None
