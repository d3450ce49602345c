"""The members of a job that trains lanes: which configurations they have, and what identifies each."""

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args, get_type_hints

from hydra_plugins.hydra_lanes.values import expand
from nnjax.config.schema import Config
from nnjax.errors import InputError

PRECISION = "runtime.precision"
# settings that change no result, but precision
ABOUT_RUNNING = ("lanes", "sweep", "checkpoint", "resume", "objective", "tracking", "runtime")


MAX_LANES = 1_000_000  # lanes of a job


def is_sweep(config: Config) -> bool:
    """Whether a job is (part of) a sweep of lanes, not a run of its own."""
    return config.lanes.values is not None or config.lanes.seeds > 1 or config.sweep.name is not None


def lane_values(config: Config) -> list[dict[str, Any]]:
    """`lanes.values` one by one: key -> value.

    Raises:
        InputError: they are no such table, or name the seeds of `lanes.seeds` again.
    """
    if config.lanes.values is None:
        return [{}]
    choices = config.lanes.values.values() if isinstance(config.lanes.values, Mapping) else []
    count = math.prod(len(each) for each in choices if isinstance(each, list))
    if count * config.lanes.seeds > MAX_LANES:
        raise InputError(f"lanes.values: {count * config.lanes.seeds:,} lanes; allowed: at most {MAX_LANES:,}")
    try:
        found = expand(config.lanes.values)
    except ValueError as error:
        raise InputError(str(error)) from None
    if config.lanes.seeds > 1 and "seed" in found[0]:
        raise InputError(f"lanes.seeds={config.lanes.seeds}: the sweep names seeds already; allowed: one of the two")
    return found


def lane_configs(config: Config) -> list[Config]:
    """One configuration a lane: each point of `lanes.values`, with each of the seeds."""
    lanes = [replace_values(config, point) for point in lane_values(config)]
    return [dataclasses.replace(lane, seed=lane.seed + i) for lane in lanes for i in range(config.lanes.seeds)]


def replace_values(config: Config, values: Mapping[str, Any]) -> Config:
    """The configuration with other values of dotted keys."""
    for key, value in values.items():
        group, _, name = key.rpartition(".")
        value = float(value) if isinstance(value, int) and float in field_types(config, key) else value
        changed: Any = dataclasses.replace(getattr(config, group), **{name: value}) if group else value
        config = dataclasses.replace(config, **{group or name: changed})
    return config


def field_types(config: Config, key: str) -> tuple[type, ...]:
    """The types that a dotted key is declared to have."""
    group, _, name = key.rpartition(".")
    schema: Any = type(getattr(config, group) if group else config)
    return declared(schema, name)


@cache
def declared(schema: type, name: str) -> tuple[type, ...]:
    """The types of a field."""
    hint = get_type_hints(schema)[name]
    return get_args(hint) or (hint,)


def settings(config: Config) -> dict[str, Any]:
    """What determines a result, by dotted key."""
    flat: dict[str, Any] = {PRECISION: config.runtime.precision}
    for entry in dataclasses.fields(config):
        value = getattr(config, entry.name)
        if entry.name in ABOUT_RUNNING:
            continue
        if dataclasses.is_dataclass(value):
            flat |= {f"{entry.name}.{key}": each for key, each in vars(value).items()}
        else:
            flat[entry.name] = value
    return flat


def affects_result(key: str) -> bool:
    """Whether a setting, by its dotted key, is one that results depend on."""
    return key == PRECISION or key.partition(".")[0] not in ABOUT_RUNNING


def identity(settings: Mapping[str, Any], data_digest: str) -> str:
    """The sha256 (hex) of settings and data: equal for equal members, wherever and however they are trained."""
    return hashlib.sha256(json.dumps([sorted(settings.items()), data_digest]).encode()).hexdigest()


def format_override(value: Any) -> str:
    """A value as it is typed on the command line."""
    return value if isinstance(value, str) else json.dumps(value).replace(" ", "")
