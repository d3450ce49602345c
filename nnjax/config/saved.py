"""The configuration of an earlier run: plain values that the schema checks. Nothing is composed, resolved or called."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import yaml
from omegaconf import MISSING

from nnjax.config import validation
from nnjax.config.schema import OPTIONS, Config, from_settings, groups_without_options
from nnjax.errors import InputError, nearest, show_value
from nnjax.system.hydra_errors import describe_type

MAX_BYTES = 1 << 18  # a run has about 3,000, with a sweep's lanes.values about 60,000
MAX_DEPTH = 12  # of lists and groups inside each other
LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
SCHEMAS: dict[str, dict[str, Any]] = {
    **OPTIONS,
    **{group: {"": schema} for group, schema in groups_without_options().items()},
}


def read_settings(path: Path) -> dict[str, Any]:
    """Return the nested settings in a run's config.yaml.

    Raises InputError for a file that cannot be read, is too large or is not plain YAML (without anchors and tags), and
    for what `check_settings` refuses.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    if len(content) > MAX_BYTES:
        raise _not_a_configuration(str(path), f"it has more than {MAX_BYTES >> 10} KiB")
    return check_settings(_parse(content, str(path)), str(path))


def to_config(settings: Mapping[str, Any], file: str) -> Config:
    """Return the records of nested settings, which came from `read_settings` or from the table of a sweep.

    file: named by errors. Raises InputError for what `check_settings` refuses, and where a setting is missing, as in
    runs of other versions of nnjax.
    """
    settings = check_settings(settings, file)
    for group, schema in _schemas(settings, file):
        present = settings[group] if group else settings
        for entry in fields(schema):
            if entry.name not in present and entry.default == MISSING:
                key = f"{group}.{entry.name}".removeprefix(".")
                raise InputError(f"{file}: {key} is missing. Another version of nnjax wrote the file, or it was cut")
    return from_settings(settings)


def check_settings(settings: Any, file: str) -> dict[str, Any]:
    """Return nested settings unchanged if the schema allows them; some may be missing.

    Raises InputError for unknown keys such as `_target_` or hydra, for wrong types, for values out of bounds, and for
    interpolations such as ${oc.env:HOME}.
    """
    for group, schema in _schemas(settings, file):
        values = settings.get(group) if group else settings
        if not isinstance(values, Mapping):
            raise InputError(f"{file}: {group or 'the configuration'} is {_show(values)}", "settings as KEY: VALUE")
        _check_group(values, schema, f"{file}: {group}{'.' * bool(group)}")
    check_no_interpolation(settings, file)
    return dict(settings)


def check_no_interpolation(settings: Mapping[str, Any], file: str) -> None:
    """Raise InputError for a text that would mean something else when Hydra composes it, such as ${oc.env:HOME}."""
    for key, text in _texts(settings):
        if "${" in text:
            raise InputError(f"{file}: {key}={text!r:.60} is an interpolation, which is not resolved", "plain values")


def _parse(content: bytes, file: str) -> Any:
    """Return the plain values of a YAML text. Anchors are refused, since they can stand for any amount of values."""
    depth = 0
    try:
        for event in yaml.parse(content, Loader=LOADER):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
                raise _not_a_configuration(file, "anchors (& and *) are not allowed")
            opens = isinstance(event, yaml.CollectionStartEvent)
            depth += opens - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise _not_a_configuration(file, f"it is nested more than {MAX_DEPTH} deep")
        return yaml.load(content, Loader=LOADER)
    except InputError:
        raise
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise _not_a_configuration(file, " ".join(str(error).split())) from None


def _not_a_configuration(file: str, reason: str) -> InputError:
    return InputError(f"{file} is not the configuration of a run: {reason}")


def _schemas(settings: Any, file: str) -> Iterator[tuple[str, type]]:
    """Yield ("", Config), then each group that is present with the schema of its option.

    Raises InputError for an option that does not exist.
    """
    yield "", Config
    for group, options in SCHEMAS.items():
        values = settings.get(group)
        option = values.get("name") if isinstance(values, Mapping) and group in OPTIONS else None
        if isinstance(option, str) and option not in options:
            raise InputError(f"{file}: {group}.name={option:.40} is not an option", options, nearest(option, options))
        if group in settings:
            yield group, options[option] if isinstance(option, str) else next(iter(options.values()))


def _check_group(values: Mapping[str, Any], schema: type, place: str) -> None:
    """Raise InputError unless the schema has the keys of a group, with values of these types within these bounds."""
    entries, hints = {entry.name: entry for entry in fields(schema)}, get_type_hints(schema)
    for key, value in values.items():
        if key not in entries:
            raise InputError(f"{place}{_show(key)} is not a setting", entries, nearest(str(key)[:60], entries))
        if schema is Config and key in SCHEMAS:
            continue  # a group, which is checked by itself
        if not _has_type(value, hints[key]):
            raise InputError(f"{place}{key}={_show(value)} has the wrong type", describe_type(hints[key]))
        validation.check_value(f"{place}{key}", value, entries[key].metadata)


def _has_type(value: Any, hint: Any) -> bool:
    """Return whether a plain value has a declared type such as int | None, list[int] or dict[str, str].

    OmegaConf checks types too, but it takes 20 times as long and converts "3" to 3.
    """
    if hint is Any:
        return True
    inside = get_args(hint)
    if get_origin(hint) is list:
        return isinstance(value, list) and all(_has_type(element, inside[0]) for element in value)
    if get_origin(hint) is dict:
        texts = [*value, *value.values()] if isinstance(value, dict) else [None]
        return all(isinstance(text, str) for text in texts)
    return type(value) in (inside or (hint,)) or (type(value) is int and float in (*inside, hint))


def _show(value: Any) -> str:
    """Return the first 60 characters of a value, without control characters."""
    plain = value is None or isinstance(value, bool) or (isinstance(value, str) and value.isidentifier())
    return (show_value(value) if plain else ascii(value))[:60]


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text inside nested settings, keys too, with its dotted key."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inside in value.items():
            yield from _texts(name, f"{key}{'.' * bool(key)}{name}"[:60])
            yield from _texts(inside, f"{key}{'.' * bool(key)}{name}")
    elif isinstance(value, list):
        for inside in value:
            yield from _texts(inside, key)
