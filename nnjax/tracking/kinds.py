"""Check that the values in a journal are of the kinds that nnjax writes: such a file may come from anybody.

A kind is a function that returns whether a value is of it.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Kind = Callable[[Any], bool]
MAX_WHOLE = 2**63  # an integer in a database is smaller
STATUSES = ("FINISHED", "FAILED", "KILLED")
UNWRITABLE = re.compile("[\0\ud800-\udfff]")  # in paths and in UTF-8


def text(value: Any) -> bool:
    """Return whether a value is text that a path and a UTF-8 file can hold."""
    return isinstance(value, str) and not UNWRITABLE.search(value)


def address(value: Any) -> bool:
    """Return whether a value may be an address."""
    try:
        return text(value) and urlsplit(value) is not None
    except ValueError:
        return False


def file_name(value: Any) -> bool:
    """Return whether a value is the plain name of a file, which leads out of no folder."""
    return text(value) and value not in ("", "..") and Path(value).name == value


def inner_path(value: Any) -> bool:
    """Return whether a value is the path of a file inside a folder, which leads out of no folder."""
    return text(value) and value != "" and not Path(value).is_absolute() and ".." not in Path(value).parts


def dtype(value: Any) -> bool:
    """Return whether a value is the type of an array of numbers or text, as NumPy writes it."""
    return isinstance(value, str) and re.fullmatch("[<>|][biufU][0-9]{1,4}", value) is not None


def whole(value: Any) -> bool:
    """Return whether a value is an integer that a database can hold."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < MAX_WHOLE


def number(value: Any) -> bool:
    """Return whether a value is a number."""
    return isinstance(value, float) or whole(value)


def point(value: Any) -> bool:
    """Return whether a value is [metric, step, value]."""
    return isinstance(value, list) and len(value) == 3 and text(value[0]) and whole(value[1]) and number(value[2])


def pair(value: Any) -> bool:
    """Return whether a value is [step, value]."""
    return isinstance(value, list) and len(value) == 2 and whole(value[0]) and number(value[1])


def status(value: Any) -> bool:
    """Return whether a value is the status of a run that has ended."""
    return isinstance(value, str) and value in STATUSES


def truth(value: Any) -> bool:
    """Return whether a value is true or false."""
    return isinstance(value, bool)


def maybe(kind: Kind) -> Kind:
    """Return the kind of values that are null or of this kind."""
    return lambda value: value is None or kind(value)


def list_of(kind: Kind) -> Kind:
    """Return the kind of lists of this kind."""
    return lambda value: isinstance(value, list) and all(map(kind, value))


def table_of(kind: Kind) -> Kind:
    """Return the kind of tables with any keys and values of this kind."""
    return lambda value: isinstance(value, dict) and all(map(text, value)) and all(map(kind, value.values()))


def facts(kinds: Mapping[str, Kind]) -> Kind:
    """Return the kind of tables that have these keys, each with its kind."""
    return lambda value: isinstance(value, dict) and wrong(value, kinds) is None


def exactly(kinds: Mapping[str, Kind]) -> Kind:
    """Return the kind of tables that have these keys and no others."""
    return lambda value: facts(kinds)(value) and value.keys() == kinds.keys()


def wrong(value: Mapping[str, Any], kinds: Mapping[str, Kind]) -> str | None:
    """Return the first of these keys that is missing or of another kind, None if there is none."""
    return next((key for key, kind in kinds.items() if key not in value or not kind(value[key])), None)


texts = table_of(text)
process = facts({"host": text, "pid": whole, "started": text})
tracking = exactly(
    {
        "enabled": truth,
        "uri": maybe(address),
        "experiment": maybe(text),
        "run_name": maybe(text),
        "tags": texts,
        "figures": truth,
        "model": truth,
        "report": truth,
    }
)
sweep = facts(
    {"tracking": tracking, "record": lambda value: value in ("auto", "runs", "table"), "objective": maybe(text)}
)
