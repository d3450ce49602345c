"""The configuration of a stored run: plain values checked by the schema, never composed, resolved or instantiated."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import yaml
from omegaconf import MISSING

from nnjax.config import validation
from nnjax.config.schema import OPTIONS, Config, nameless, record
from nnjax.errors import InputError, allowed_values

LARGEST = 1 << 18  # bytes; with a sweep's lanes.values one has about 60,000
DEEPEST = 12  # lists and groups inside each other
LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
SCHEMAS: dict[str, dict[str, Any]] = {**OPTIONS, **{group: {"": schema} for group, schema in nameless().items()}}
KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "null"}


def read(path: Path) -> dict[str, Any]:
    """Return the nested settings in a run's config.yaml.

    Raises InputError for a file that can't be read, is too large, is no plain YAML (anchors, tags), or that the schema
    doesn't have so: other keys, a hydra node, `_target_`, interpolations, wrong types and bounds.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror or error}") from None
    if len(content) > LARGEST:
        raise InputError(f"{path}: no configuration of a run: larger than {LARGEST >> 10} KiB")
    return checked(parsed(content, str(path)), str(path))


def complete(settings: Mapping[str, Any], where: str) -> Config:
    """Return the records of settings that `read` returned, or those of a sweep's part.

    Raises InputError for what `read` refuses, and where one is missing, as in runs of other versions of nnjax.
    """
    found = checked(settings, where)
    for key, schema in schemas(found, where):
        there = found[key] if key else found
        for entry in fields(schema):
            if entry.name not in there and entry.default == MISSING:
                name = f"{key}.{entry.name}".removeprefix(".")
                raise InputError(f"{where}: has no {name}: written by another version of nnjax, or cut")
    return record(found)


def parsed(content: bytes, where: str) -> Any:
    """Return what YAML says, plain values alone; no more than the text itself has: anchors could grow without end."""
    depth = 0
    try:
        for event in yaml.parse(content, Loader=LOADER):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                raise InputError(f"{where}: no configuration of a run: anchors (& and *) are not allowed")
            opens = isinstance(event, yaml.CollectionStartEvent)
            depth += opens - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST:
                raise InputError(f"{where}: no configuration of a run: nested more than {DEEPEST} deep")
        return yaml.load(content, Loader=LOADER)
    except InputError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise InputError(f"{where}: no configuration of a run: {' '.join(str(error).split())}") from None


def checked(settings: Any, where: str) -> dict[str, Any]:
    """Return nested settings as they are if the schema has them so; raise InputError."""
    check_group("", settings, Config, where)
    for group, schema in schemas(settings, where):
        if group:
            check_group(f"{group}.", settings.get(group), schema, where)
    check_plain(settings, where)
    return dict(settings)


def check_plain(settings: Any, where: str) -> None:
    """Raises InputError for a text that would mean something else once it is composed again, such as ${oc.env:HOME}."""
    for key, value in texts(settings):
        if "${" in value:
            raise InputError(f"{where}: {key}={value!r:.60}: interpolations are not resolved; allowed: plain values")


def schemas(settings: Mapping[str, Any], where: str) -> Iterator[tuple[str, type]]:
    """Yield each group and the schema of its option, the whole as ""; raise InputError for an option that isn't one."""
    yield "", Config
    for group, options in SCHEMAS.items():
        there = settings.get(group)
        name = there.get("name") if isinstance(there, Mapping) and group in OPTIONS else None
        if isinstance(name, str) and name not in options:
            raise InputError(f"{where}: {group}.name={name:.40}: {allowed_values(name, options)}")
        if group in settings:
            yield group, options[name] if isinstance(name, str) else next(iter(options.values()))


def check_group(prefix: str, there: Any, schema: type, where: str) -> None:
    """Raises InputError unless a group's keys, their types and bounds are the schema's."""
    if not isinstance(there, Mapping):
        raise InputError(f"{where}: {prefix[:-1] or 'it'} must have keys and values, found {shown(there)}")
    known = {entry.name: entry for entry in fields(schema)}
    hints = get_type_hints(schema)
    for key, value in there.items():
        if key not in known:
            raise InputError(f"{where}: {prefix}{shown(key)}: no such key; {allowed_values(str(key)[:60], known)}")
        if not prefix and key in SCHEMAS:
            continue  # a group: its turn comes
        if not fits(value, hints[key]):
            raise InputError(f"{where}: {prefix}{key}={shown(value)}: must be {described(hints[key])}")
        validation.check_value(f"{where}: {prefix}{key}", value, known[key].metadata)


def fits(value: Any, hint: Any) -> bool:
    """Whether a plain value is of a declared type: int | None, list[int], dict[str, str], ..."""
    if hint is Any:
        return True
    inside = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return any(fits(value, each) for each in inside)
    if get_origin(hint) is list:
        return isinstance(value, list) and all(fits(each, inside[0]) for each in value)
    if get_origin(hint) is dict:
        return isinstance(value, dict) and all(
            fits(key, inside[0]) and fits(each, inside[1]) for key, each in value.items()
        )
    return type(value) is hint or (hint is float and type(value) is int)


def described(hint: Any) -> str:
    """A declared type in words: `a whole number or null`."""
    inside = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(described(each) for each in inside)
    if get_origin(hint) is list:
        return f"a list, each {described(inside[0])}"
    if get_origin(hint) is dict:
        return "keys and values, both text"
    return KINDS.get(hint, "a group")


def shown(value: Any) -> str:
    """A value in a few letters."""
    return value[:60] if isinstance(value, str) and value.isidentifier() else ascii(value)[:60]


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text inside nested settings, keys too, with its dotted key."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from texts(name, f"{key}{'.' * bool(key)}{name}"[:60])
            yield from texts(each, f"{key}{'.' * bool(key)}{name}")
    elif isinstance(value, list):
        for each in value:
            yield from texts(each, key)
