"""The lanes of a job: the configuration of each, and the settings that identify its result."""

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
# Top-level keys of settings that change no result. PRECISION is the one exception.
WITHOUT_EFFECT = ("lanes", "sweep", "checkpoint", "resume", "objective", "tracking", "runtime")
MAX_LANES = 1_000_000  # of a job


def is_sweep(config: Config) -> bool:
    """Return whether a job is a sweep, or a part of one, and not a single run."""
    return config.lanes.values is not None or config.lanes.seeds > 1 or config.sweep.name is not None


def lane_values(config: Config) -> list[dict[str, Any]]:
    """Return the points of `lanes.values`, each as key -> value; one empty point if there are no values.

    Raises InputError where they are not a table, are too many, or name seeds although `lanes.seeds` does.
    """
    values, seeds = config.lanes.values, config.lanes.seeds
    if values is None:
        return [{}]
    lists = values.values() if isinstance(values, Mapping) else []
    count = math.prod(len(choices) for choices in lists if isinstance(choices, list)) * seeds
    if count > MAX_LANES:
        raise InputError(f"lanes.values makes {count:,} lanes", f"at most {MAX_LANES:,}")
    try:
        points = expand(values)
    except ValueError:
        allowed = "keys with lists of values, or a list of points that all have the same keys"
        raise InputError(f"lanes.values={values!r:.200} is not a table of values", allowed) from None
    if seeds > 1 and "seed" in points[0]:
        raise InputError(f"lanes.seeds={seeds} names seeds, and so does the sweep", "one of the two")
    return points


def lane_configs(config: Config) -> list[Config]:
    """Return one configuration per lane: every point of `lanes.values` with every seed, the seeds fastest."""
    points = [replace_values(config, point) for point in lane_values(config)]
    return [dataclasses.replace(lane, seed=lane.seed + i) for lane in points for i in range(config.lanes.seeds)]


def replace_values(config: Config, values: Mapping[str, Any]) -> Config:
    """Return the configuration with other values of some dotted keys."""
    for key, value in values.items():
        group, _, name = key.rpartition(".")
        value = float(value) if isinstance(value, int) and float in field_types(config, key) else value
        record: Any = dataclasses.replace(getattr(config, group), **{name: value}) if group else value
        config = dataclasses.replace(config, **{group or name: record})
    return config


def field_types(config: Config, key: str) -> tuple[type, ...]:
    """Return the types that the setting of a dotted key may have."""
    group, _, name = key.rpartition(".")
    schema: Any = type(getattr(config, group) if group else config)
    return _field_types(schema, name)


@cache
def _field_types(schema: Any, name: str) -> tuple[type, ...]:
    hint = get_type_hints(schema)[name]
    return get_args(hint) or (hint,)


def result_settings(config: Config) -> dict[str, Any]:
    """Return the settings that determine a result, by dotted key."""
    flat: dict[str, Any] = {PRECISION: config.runtime.precision}
    for name, value in vars(config).items():
        if name in WITHOUT_EFFECT:
            continue
        if dataclasses.is_dataclass(value):
            flat |= {f"{name}.{key}": setting for key, setting in vars(value).items()}
        else:
            flat[name] = value
    return flat


def affects_result(key: str) -> bool:
    """Return whether results depend on the setting of a dotted key."""
    return key == PRECISION or key.partition(".")[0] not in WITHOUT_EFFECT


def lane_identity(settings: Mapping[str, Any], data_digest: str) -> str:
    """Return the sha256 (hex) of settings and data. It is equal for equal lanes, wherever they are trained."""
    return hashlib.sha256(json.dumps([sorted(settings.items()), data_digest]).encode()).hexdigest()


def format_override(value: Any) -> str:
    """Return a value as it is typed on the command line."""
    return value if isinstance(value, str) else json.dumps(value).replace(" ", "")
