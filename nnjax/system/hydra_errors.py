"""Errors of Hydra, OmegaConf and YAML in the form of `nnjax.errors`."""

import re
from collections.abc import Callable
from dataclasses import is_dataclass
from pathlib import Path
from traceback import walk_tb
from typing import Any, get_args, get_origin, get_type_hints

from nnjax.errors import InputError, line_not_utf8, nearest, show_value

TYPES = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "null"}
CLOSING = {"(": ")", "[": "]", "{": "}"}


def as_input_error(command: Callable[[], Any]) -> Any:
    """Run a command and return its result.

    Raises InputError for what Hydra and OmegaConf refuse, and for a configuration file that is not YAML in UTF-8.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import MarkedYAMLError

    try:
        return command()
    except (HydraException, OmegaConfBaseException) as error:
        raise _from_hydra(error) from None
    except MarkedYAMLError as error:
        mark, problem = error.problem_mark, str(error.problem)
        what = "the indentation has a tab" if r"'\t'" in problem else f"this is not YAML ({problem})"
        allowed = "KEY: VALUE, with the same number of spaces before all settings of a group"
        raise InputError(f"{mark.name}, line {mark.line + 1}: {what}" if mark else what, allowed) from None
    except UnicodeDecodeError as error:
        frames = (frame for frame, _ in walk_tb(error.__traceback__) if frame.f_code.co_name == "load_config")
        path = next((Path(frame.f_locals["full_path"]) for frame in frames if "full_path" in frame.f_locals), None)
        if path is None:  # Hydra was not reading a configuration file
            raise
        raise InputError(f"{path}, line {line_not_utf8(path)}: the text is not UTF-8", "text in UTF-8") from None


def _from_hydra(error: Exception) -> InputError:
    """Return the error of Hydra or OmegaConf in our form."""
    override, options = getattr(error, "override", None), getattr(error, "options", None)
    if override is not None:
        return _unreadable(override)
    if options is not None and getattr(error, "missing_cfg_file", None):
        group, _, option = str(error.missing_cfg_file).rpartition("/")  # type: ignore[attr-defined]
        return InputError(f"{group}={option} is not an option", options, nearest(option, options))
    causes = (error.__cause__, error, error.__context__)
    cause = next((each for each in causes if getattr(each, "parent_node", None) is not None), None)
    file = re.match(r"In '(.+)': \w+ raised while composing", str(error))
    if cause is not None and getattr(cause, "full_key", None):
        return _from_key(cause, f"{file[1]}.yaml: " if file else "")
    several = re.match(r"Ambiguous value for argument '(.+)'", str(error))
    if several:
        seeds = "; lanes.seeds=2 for the seeds 0 and 1" if several[1].startswith("seed=") else ""
        allowed = f"one value; -m before it for one run per value; brackets for a list{seeds}"
        return InputError(f"{several[1]} has several values", allowed)
    return InputError(str(error))


def _from_key(error: Any, place: str) -> InputError:
    """Return an unknown key, with the nearest of its neighbours, or a value of the wrong type.

    error: OmegaConf's. place: the file of the key, "" for the command line.
    """
    from omegaconf import OmegaConf

    reason = str(error).splitlines()[0]
    if "not in" in reason:
        if place and error.full_key in ("experiment", "preset", "sweep", "debug"):
            return InputError(f"{place}the first line is missing", "# @package _global_")
        names = [str(name) for name in error.parent_node if name != "hydra"]
        return InputError(f"{place}{error.full_key} is not a setting", names, nearest(str(error.key), names))
    schema = OmegaConf.get_type(error.parent_node)
    hint = get_type_hints(schema).get(error.key) if is_dataclass(schema) else error.ref_type
    if "nterpolation" in reason or hint is None:
        return InputError(f"{place}{error.full_key} cannot be read: {reason}")
    problem = f"{place}{error.full_key}={show_value(error.value):.60} has the wrong type"
    return InputError(problem, describe_type(hint))


def _unreadable(override: str) -> InputError:
    """Return what is wrong with an override that Hydra cannot parse."""
    key, equals, value = override.partition("=")
    if not equals:
        return InputError(f"{override} is not a setting", "KEY=VALUE, such as seed=3 or +experiment=mnist")
    missing: list[str] = []  # closing brackets, the innermost first
    for sign in value:
        if sign in CLOSING:
            missing.insert(0, CLOSING[sign])
        elif sign in missing[:1]:
            del missing[0]
        elif sign in CLOSING.values():
            return InputError(f"{override} has a {sign} that closes no bracket", "one closing bracket per opening one")
    if missing:
        allowed = f"'{override}{''.join(missing)}', with the quotes for the shell"
        return InputError(f"{override} has a bracket that is not closed", allowed)
    allowed = f"text with spaces or signs such as & in double quotes, as in '{key}=\"a & b\"'"
    return InputError(f"{override} cannot be read", allowed)


def describe_type(hint: Any) -> str:
    """Return a declared type in words: `a whole number or null`."""
    inside = get_args(hint)
    if get_origin(hint) is list:
        return f"a list, each {describe_type(inside[0])}, such as [300,100]"
    if get_origin(hint) is dict:
        return "keys and values that are text"
    if inside:  # a union
        return " or ".join(TYPES.get(kind, "text") for kind in inside if not (kind is int and float in inside))
    return TYPES.get(hint, "a group of settings")
