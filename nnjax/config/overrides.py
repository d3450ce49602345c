"""What is typed on the command line, as Hydra reads it: `+` before the preset groups, and completion in the shell.

Hydra completes what was typed, taken apart at spaces and as it stands. `prepare_completion` takes quotes off and writes
the preset groups as `normalize_overrides` does. A word with a space inside changes no choice and is left out.
"""

import os
import shlex
import sys
from collections.abc import Sequence

from nnjax.config import schema
from nnjax.config.validation import check_text
from nnjax.errors import InputError

PRESET_GROUPS = ("experiment=", "preset=", "sweep=", "debug=")  # over the whole configuration: the last given wins
LATE = ("+preset=", "+debug=")  # in this order, after an experiment, which they override


def normalize_overrides(overrides: Sequence[str]) -> list[str]:
    """Return overrides with `+` before the preset groups, and those that override an experiment after it.

    model=softmax becomes +preset=softmax: the lecture's name sets model and loss, whatever an experiment says.
    Raises InputError for what Hydra can't read.
    """
    for override in overrides:
        check_text(override)
        if override.startswith("~") and "=" in override:  # Hydra fails at some of them
            raise InputError(f"{override}: takes a value away. Allowed: {override[1:]}, which sets it.")
    marked = [f"+{each}" if each.startswith(PRESET_GROUPS) else expand_lecture_model(each) for each in overrides]
    early = [override for override in marked if not override.startswith(LATE)]
    return early + [override for group in LATE for override in marked if override.startswith(group)]


def expand_lecture_model(override: str) -> str:
    """Return +preset=NAME for model=NAME where NAME, or one that a sweep lists, is one of the lecture's."""
    group, _, names = override.partition("=")
    return f"+preset={names}" if group == "model" and {*names.split(",")} & {*schema.PRESETS} else override


def prepare_completion(arguments: Sequence[str]) -> None:
    """Put the command line into COMP_LINE as Hydra understands it; what can't be completed is answered by nothing.

    arguments: what follows -sc: install=SHELL, uninstall=SHELL or query=SHELL.

    Raises:
        InputError: it is arguments for a module, which shells don't complete.
    """
    if not any(each.startswith("query=") for each in arguments):
        if sys.argv[0].endswith(".py"):
            line = " ".join(arguments)
            raise InputError(f"-sc {line}: shells complete commands by their name; allowed: nnjax-train -sc {line}")
        return
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - of a process that ends with its answer
    line = os.environ.get("COMP_LINE", "")
    try:
        command, *words = shlex.split(line)
    except ValueError:  # within quotes
        raise SystemExit(1) from None
    last = "" if line.endswith(" ") or not words else words.pop()
    whole = [word for word in normalize_overrides(words) if not set(word) & set(" \t\n")]
    os.environ["COMP_LINE"] = " ".join([command, *whole, last])
