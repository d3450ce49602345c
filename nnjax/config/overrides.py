"""Completion in the shell: Hydra's own, given the command line as Hydra reads it.

Hydra takes what was typed apart at spaces and as it stands. Here quotes are taken off, and the preset groups get their
`+`, as `train.presets` does it; a word with a space inside changes no choice and is left out.
"""

import os
import shlex
import sys
from collections.abc import Callable, Sequence

from nnjax.errors import InputError


def prepare(asked: Sequence[str], presets: Callable[[list[str]], list[str]]) -> None:
    """Puts the command line into COMP_LINE as Hydra understands it; what can't be completed is answered by nothing.

    asked: what follows -sc: install=SHELL, uninstall=SHELL or query=SHELL.

    Raises:
        InputError: it is asked for a module, which shells don't complete.
    """
    if not any(each.startswith("query=") for each in asked):
        if sys.argv[0].endswith(".py"):
            line = " ".join(asked)
            raise InputError(f"-sc {line}: shells complete commands by their name; allowed: nnjax-train -sc {line}")
        return
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - of a process that ends with its answer
    line = os.environ.get("COMP_LINE", "")
    try:
        command, *words = shlex.split(line)
    except ValueError:  # within quotes
        raise SystemExit(1) from None
    last = "" if line.endswith(" ") or not words else words.pop()
    whole = [word for word in presets(words) if not set(word) & set(" \t\n")]
    os.environ["COMP_LINE"] = " ".join([command, *whole, last])
