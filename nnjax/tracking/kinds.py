"""Whether a value read back from a record's JSON is of the kind that was written: such a file may be anybody's."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Kind = Callable[[Any], bool]
LARGEST = 2**63  # of an integer in a database, not included
STATUSES = ("FINISHED", "FAILED", "KILLED")
UNWRITABLE = re.compile("[\0\ud800-\udfff]")  # in paths and in UTF-8


def text(value: Any) -> bool:
    """Text that can be a path's, and be written."""
    return isinstance(value, str) and not UNWRITABLE.search(value)


def address(value: Any) -> bool:
    """Text that may be an address."""
    try:
        return text(value) and urlsplit(value) is not None
    except ValueError:
        return False


def file_name(value: Any) -> bool:
    """The plain name of a file: it leads out of no folder."""
    return text(value) and value not in ("", "..") and Path(value).name == value


def dtype(value: Any) -> bool:
    """The type of an array of numbers or text, as numpy writes it."""
    return isinstance(value, str) and re.fullmatch("[<>|][biufU][0-9]{1,4}", value) is not None


def whole(value: Any) -> bool:
    """An integer."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST


def number(value: Any) -> bool:
    """An integer or a fraction."""
    return isinstance(value, float) or whole(value)


def point(value: Any) -> bool:
    """[metric, step, value]."""
    return isinstance(value, list) and len(value) == 3 and text(value[0]) and whole(value[1]) and number(value[2])


def status(value: Any) -> bool:
    """How a run ends."""
    return isinstance(value, str) and value in STATUSES


def truth(value: Any) -> bool:
    """True or false."""
    return isinstance(value, bool)


def maybe(kind: Kind) -> Kind:
    """The kind, or null."""
    return lambda value: value is None or kind(value)


def list_of(kind: Kind) -> Kind:
    """A list of the kind."""
    return lambda value: isinstance(value, list) and all(map(kind, value))


def table_of(kind: Kind) -> Kind:
    """Any keys, each with the kind."""
    return lambda value: isinstance(value, dict) and all(map(text, value)) and all(map(kind, value.values()))


def facts(kinds: Mapping[str, Kind]) -> Kind:
    """These keys, each with its kind."""
    return lambda value: isinstance(value, dict) and wrong(value, kinds) is None


def wrong(value: Mapping[str, Any], kinds: Mapping[str, Kind]) -> str | None:
    """The first of these keys that is missing or of another kind."""
    return next((key for key, kind in kinds.items() if key not in value or not kind(value[key])), None)


texts = table_of(text)
process = facts({"host": text, "pid": whole, "started": text})
