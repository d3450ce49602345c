"""From a composed configuration to plain records. Every mistake is found here, before anything else happens."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf

from nnjax.config import lanes
from nnjax.config.combinations import check_combination, check_machine
from nnjax.config.schema import LARGEST_SEED, OPTIONS, Config
from nnjax.errors import InputError, nearest, show_value
from nnjax.system.hydra_errors import as_input_error

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")  # neither paths nor names have these signs
SMALLEST, LARGEST = 2.0**-126, 2.0**127  # of the normal numbers of float32, rounded
SYNONYMS = {"gpu": "cuda", "glorot": "xavier", "kaiming": "he", "linear": "identity", "logistic": "sigmoid"}


def to_config(composed: DictConfig, overrides: Sequence[str] = ()) -> Config:
    """Return the plain records of a composed configuration.

    overrides: those of the command line. Raises InputError for a value outside its bounds, an option that does not
    exist, and settings that exclude each other.
    """
    for override in overrides:
        match = re.fullmatch(r"\+*(\w+)\.(name|preset)=(?!null)(.+)", override)
        if match and match[1] in OPTIONS:
            raise _chosen_by_group(match[1], match[2], match[3])
    check_keys(composed)
    config: Config = as_input_error(lambda: OmegaConf.to_object(composed))
    for group, options in OPTIONS.items():
        record = getattr(config, group)
        if not is_dataclass(record):
            raise InputError(f"{group}={show_value(record)} is not an option", options)
        name = getattr(record, "name", None)
        if name is not None and type(record) is not options.get(name):
            raise _chosen_by_group(group, "name", name)
    for key, value, bounds in iterate_settings(config):
        if value == MISSING:
            raise InputError(f"{key} has no value, since its value was taken away")
        check_value(key, value, bounds)
    check_lanes(config)
    check_machine(config)
    return config


def _chosen_by_group(group: str, key: str, option: str) -> InputError:
    return InputError(f"{group}.{key}={option} cannot be set by itself", f"{group}={option}")


def check_keys(node: DictConfig, prefix: str = "") -> None:
    """Raise InputError for a key that the schema does not have: Hydra adds any key that is written with a +."""
    schema = OmegaConf.get_type(node)
    names = [entry.name for entry in fields(schema)] if is_dataclass(schema) else list(map(str, node))
    for key in map(str, node):
        if key not in names:
            raise InputError(f"{prefix}{key} is not a setting", names, nearest(key, names))
        if is_dataclass(OmegaConf.get_type(node, key)):
            check_keys(node[key], f"{prefix}{key}.")


def iterate_settings(record: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted key, value, bounds) of every setting, those of groups one by one."""
    for entry in fields(record):
        key, value = f"{prefix}{entry.name}", getattr(record, entry.name)
        if is_dataclass(value):
            yield from iterate_settings(value, f"{key}.")
        else:
            yield key, value, entry.metadata


def check_lanes(config: Config) -> None:
    """Raise InputError for a value of `lanes.values` that its key does not allow, or that other settings exclude."""
    all_bounds = {key: bounds for key, _, bounds in iterate_settings(config)}
    points = lanes.lane_values(config)
    values_by_key: dict[str, dict[Any, None]] = {}  # each value once, in order
    for point in points:
        for key, value in point.items():
            hashable = value if isinstance(value, int | float | str | None) else str(value)
            values_by_key.setdefault(key, {})[hashable] = None
    for key, values in values_by_key.items():
        if not all_bounds.get(key, {}).get("lane"):
            keys = [name for name, bounds in all_bounds.items() if bounds.get("lane")]
            suggestion = "" if key in all_bounds else nearest(key, keys)
            raise InputError(f"lanes.values: lanes cannot differ in {key}", keys, suggestion)
        types = lanes.field_types(config, key)
        for value in values:
            number = isinstance(value, int if int in types else int | float) and not isinstance(value, bool)
            if not number and not (value is None and type(None) in types):
                allowed = f"a {'whole ' * (int in types)}number"
                raise InputError(f"{key}={show_value(value)} has the wrong type", allowed)
            check_value(key, value, all_bounds[key])
    last_seed = config.seed + config.lanes.seeds - 1
    if last_seed > LARGEST_SEED:
        raise InputError(f"lanes.seeds={config.lanes.seeds}: the last seed is {last_seed}", f"at most {LARGEST_SEED}")
    for point in points:
        check_combination(lanes.replace_values(config, point))


def check_value(key: str, value: Any, bounds: Any) -> None:
    """Raise InputError unless a value, or each element of a list, is an allowed word or a number within the bounds."""
    elements = value if isinstance(value, list) else [*value, *value.values()] if isinstance(value, dict) else [value]
    for element in elements:
        if isinstance(element, str):
            _check_text(key, value, element, bounds)
        elif isinstance(element, int | float) and not isinstance(element, bool):
            _check_number(key, value, element, bounds)


def _check_text(key: str, value: Any, text: str, bounds: Any) -> None:
    if CONTROL.search(text):
        raise InputError(f"{key}={value!a} has control characters", "text without them")
    if "form" in bounds and not re.fullmatch(bounds["form"], text):
        raise InputError(f"{key}={value} is neither a number nor a time", bounds["example"])
    words = bounds.get("allowed") or bounds.get("words")
    if words and text not in words:
        synonym = SYNONYMS.get(text, "")
        suggestion = synonym if synonym in words else nearest(text, words)
        allowed = ", ".join(words) + (", or a number" if "words" in bounds else "")
        raise InputError(f"{key}={value} is not an option", allowed, suggestion)


def _check_number(key: str, value: Any, number: float, bounds: Any) -> None:
    at_least, above, at_most, below = (bounds.get(name) for name in ("at_least", "above", "at_most", "below"))
    rules = [
        (at_least is None or number >= at_least, f"of at least {at_least}"),
        (above is None or number > above, f"above {above}"),
        (at_most is None or number <= at_most, f"of at most {at_most}"),
        (below is None or number < below, f"below {below}"),
    ]
    if not (math.isfinite(number) and all(holds for holds, _ in rules)):
        kind = "a number" if math.isfinite(number) else "a finite number"
        allowed = " and ".join(rule for _, rule in rules if "None" not in rule)
        raise InputError(f"{key}={show_value(value)} is out of range", f"{kind} {allowed}".strip())
    if number and not SMALLEST <= abs(number) <= LARGEST:
        allowed = f"0, or a size from {SMALLEST:g} to {LARGEST:g}"
        raise InputError(f"{key}={show_value(value)} cannot be held by float32", allowed)
