"""Overrides (KEY=VALUE) from the command line: checked, and rewritten as Hydra expects them; completion in shells.

Hydra's completion splits the command line at spaces and leaves all else as it was typed. `prepare_completion` removes
the quotes and rewrites the preset groups as `normalize_overrides` does. A word with a space inside changes no option,
and is left out.
"""

import itertools
import os
import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import fields

from nnjax.config import schema
from nnjax.errors import InputError, nearest

PRESET_GROUPS = ("experiment=", "preset=", "sweep=", "debug=")  # they override the whole configuration, the last wins
LATE = ("+preset=", "+debug=")  # in this order, after an experiment, which they override
MAX_BRACKETS = 20  # inside each other: Hydra's parser takes seconds for many
SYNONYMS = {  # what other programs call a setting -> its name here
    "lr": "learning_rate",
    "alpha": "learning_rate",
    "batch": "batch_size",
    "epoch": "epochs",
    "layers": "hidden",
    "units": "hidden",
    "lambda": "l2",
    "device": "platform",
}


def normalize_overrides(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with `+` before the preset groups, and those that override an experiment after it.

    model=softmax becomes +preset=softmax: the lecture's name sets model and loss, whatever an experiment sets.
    arguments: overrides, and flags such as -m. Raises InputError for what `check_override` refuses.
    """
    for before, argument in zip(["", *arguments], arguments, strict=False):
        value_of_flag = before.startswith("-") and before not in ("-m", "--multirun")
        if not argument.startswith("-") and not value_of_flag:
            check_override(argument)
    marked = [f"+{word}" if word.startswith(PRESET_GROUPS) else expand_lecture_model(word) for word in arguments]
    early = [override for override in marked if not override.startswith(LATE)]
    return early + [override for group in LATE for override in marked if override.startswith(group)]


def expand_lecture_model(override: str) -> str:
    """Return +preset=NAME for model=NAME where NAME, or one of several names, is one of the lecture's."""
    group, _, names = override.partition("=")
    return f"+preset={names}" if group == "model" and {*names.split(",")} & {*schema.PRESETS} else override


def check_override(override: str) -> None:
    """Raise InputError for an override that Hydra cannot read in time, and for a key that no setting has.

    A key such as optimizer.momentum, which some options have, is checked when the options are known.
    """
    depth = itertools.accumulate((sign in "([{") - (sign in ")]}") for sign in override)
    if max(depth, default=0) > MAX_BRACKETS:
        raise InputError(f"{override[:60]}... has too many brackets", f"at most {MAX_BRACKETS} inside each other")
    if re.search(r"[\d_]{1000}", override):
        raise InputError(f"{override[:60]}... is a number of 1,000 or more digits", "shorter numbers")
    key, equals, value = override.lstrip("+~").partition("=")
    if override.startswith("~"):
        if equals:  # Hydra fails at some of these
            raise InputError(f"{override} takes a value away", f"{override[1:]}, which sets it")
    elif not equals:
        allowed = "KEY=VALUE, such as seed=3 or +experiment=mnist"
        raise InputError(f"{override} is not a setting", allowed, _as_override(override))
    elif key in schema.OPTIONS and re.fullmatch(r"|null|[-+.\d]+|\[.*", value):  # Hydra fails at these too
        raise InputError(
            f"{override} is not an option", [*schema.OPTIONS[key], *(schema.PRESETS if key == "model" else ())]
        )
    else:
        _check_key(key, override, value)


def _check_key(key: str, override: str, value: str) -> None:
    """Raise InputError for a key that begins with no group of settings, and for a synonym of a setting."""
    settings, names = [*schema.setting_fields()], [entry.name for entry in fields(schema.Config)]
    group, _, name = key.rpartition(".")
    name = SYNONYMS.get(name, name)
    if key.partition(".")[0] in (*names, "hydra", "experiment", "preset", "debug") or re.search("[@:/]", key):
        similar = [setting for setting in settings if setting == f"{group}.{name}" != key]
        if not similar:
            return
    elif group:
        similar = [nearest(key, settings)]
    else:
        by_name = {setting.rpartition(".")[2]: setting for setting in settings} | {top: top for top in names}
        match = nearest(name, by_name)
        similar = [setting for setting in settings if setting.endswith(f".{name}")] or [by_name.get(match, "")]
    suggestion = " or ".join(f"{setting}={value}" for setting in similar if setting)
    raise InputError(f"{override} is not a setting", names, suggestion)


def _as_override(word: str) -> str:
    """Return the override that chooses an option or an experiment of this name, or of the nearest name."""
    experiments = (schema.configuration_folder() / "experiment").glob("*.yaml")
    overrides = {option: f"{group}={option}" for group, options in schema.OPTIONS.items() for option in options}
    overrides |= {name: f"model={name}" for name in schema.PRESETS}
    overrides |= {file.stem: f"+experiment={file.stem}" for file in experiments}
    return overrides.get(nearest(word, overrides), "")


def prepare_completion(arguments: Sequence[str]) -> None:
    """Write the command line into COMP_LINE as Hydra understands it; exit without an answer within quotes.

    arguments: those of -sc: install=SHELL, uninstall=SHELL or query=SHELL. Raises InputError where -sc was given to
    `python -m nnjax.train`, since shells complete only the names of commands.
    """
    if not any(argument.startswith("query=") for argument in arguments):
        if sys.argv[0].endswith(".py"):
            line = f"-sc {' '.join(arguments)}"
            raise InputError(f"{line}: shells complete commands by their name", f"nnjax-train {line}")
        return
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - of a process that ends with its answer
    line = os.environ.get("COMP_LINE", "")
    try:
        command, *words = shlex.split(line)
    except ValueError:  # within quotes
        raise SystemExit(1) from None
    last = "" if line.endswith(" ") or not words else words.pop()
    complete = [word for word in normalize_overrides(words) if not set(word) & set(" \t\n")]
    os.environ["COMP_LINE"] = " ".join([command, *complete, last])
