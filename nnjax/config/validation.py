"""From a composed configuration to plain records: what is wrong is said in one line, before anything else happens."""

import itertools
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from importlib.util import find_spec
from typing import Any

from omegaconf import MISSING, DictConfig, OmegaConf

from nnjax.config import lanes
from nnjax.config.schema import LARGEST_SEED, OPTIONS, PLUGINS, PRESETS, TASKS, Config
from nnjax.errors import InputError, allowed_values

DEEPEST = 20  # brackets of an override inside each other
UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")  # a path, a name can't have them
SMALLEST, LARGEST = 2.0**-126, 2.0**127  # normal numbers of float32, about


def read(composed: DictConfig, overrides: Sequence[str] = ()) -> Config:
    """The plain records of a composed configuration.

    Raises:
        InputError: a value outside its bounds, a choice that doesn't exist, or two settings that exclude each other.
    """
    for override in overrides:
        chosen = re.fullmatch(r"\+*(\w+)\.(name|preset)=(?!null)(.+)", override)
        if chosen and chosen[1] in OPTIONS:
            group, name, option = chosen.groups()
            raise InputError(f"{override}: a {name} is not set but chosen: write {group}={option}")
    check_keys(composed)
    config: Config = OmegaConf.to_object(composed)  # type: ignore[assignment]
    for group, options in OPTIONS.items():
        if not is_dataclass(getattr(config, group)):
            raise InputError(
                f"{group}={getattr(config, group)}: must be one of the group's; {allowed_values('', options)}"
            )
        name = getattr(getattr(config, group), "name", None)
        if name is not None and type(getattr(config, group)) is not options.get(name):
            raise InputError(f"{group}.name={name}: a name is not set but chosen: write {group}={name}")
    for key, value, metadata in leaves(config):
        if value == MISSING:
            raise InputError(f"{key}: must have a value, and its value was taken away")
        check_value(key, value, metadata)
    check_lanes(config)
    check_here(config)
    return config


def check_text(override: str) -> None:
    """Raises InputError for what Hydra's parser takes seconds for, or Python does not read as a number."""
    depth = itertools.accumulate((sign in "([{") - (sign in ")]}") for sign in override)
    if max(depth, default=0) > DEEPEST:
        raise InputError(f"{override[:60]}...: brackets may be {DEEPEST} deep inside each other")
    if re.search(r"[\d_]{1000}", override):
        raise InputError(f"{override[:60]}...: a number of 1,000 digits and more")


def check_keys(node: DictConfig, prefix: str = "") -> None:
    """Raises InputError for a key that no schema has: Hydra adds any that is written with a +."""
    schema = OmegaConf.get_type(node)
    known = [entry.name for entry in fields(schema)] if is_dataclass(schema) else list(node)
    for key in map(str, node):
        if key not in known:
            raise InputError(f"{prefix}{key}: no such key; {allowed_values(key, known)}")
        if is_dataclass(OmegaConf.get_type(node, key)):
            check_keys(node[key], f"{prefix}{key}.")


def leaves(record: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted key, value, bounds) of every field, groups opened."""
    for entry in fields(record):
        key, value = f"{prefix}{entry.name}", getattr(record, entry.name)
        if is_dataclass(value):
            yield from leaves(value, f"{key}.")
        else:
            yield key, value, entry.metadata


def check_lanes(config: Config) -> None:
    """Raises InputError for a lane value that is no such key's, or that makes no sense with the rest."""
    bounds = {key: metadata for key, _, metadata in leaves(config)}
    given: dict[str, dict[Any, None]] = {}
    for point in lanes.lane_values(config):
        for key, value in point.items():
            given.setdefault(key, {})[value if isinstance(value, int | float | str | None) else str(value)] = None
    for key, values in given.items():
        if not bounds.get(key, {}).get("lane"):
            allowed = [known for known, metadata in bounds.items() if metadata.get("lane")]
            raise InputError(f"lanes.values: lanes can't differ in {key}; {allowed_values(key, allowed)}")
        kinds = lanes.field_types(config, key)
        whole = int in kinds
        for value in values:
            number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
            if not number and not (value is None and type(None) in kinds):
                raise InputError(f"{key}={value}: must be a {'whole ' * whole}number")
            check_value(key, value, bounds[key])
    seeds = config.seed + config.lanes.seeds - 1
    if seeds > LARGEST_SEED:
        raise InputError(f"lanes.seeds={config.lanes.seeds}: the last seed {seeds} must be at most {LARGEST_SEED}")
    for point in lanes.lane_values(config):
        check_together(lanes.replace_values(config, point))


def check_value(key: str, value: Any, bounds: Any) -> None:
    """Raises InputError unless the value, or each of a list, is one of the words allowed or within the bounds."""
    several = value if isinstance(value, list) else [*value, *value.values()] if isinstance(value, dict) else [value]
    for each in several:
        if isinstance(each, str) and UNSHOWN.search(each):
            raise InputError(f"{key}={value!a}: must be text without control characters")
        if isinstance(each, str) and "form" in bounds:
            if not re.fullmatch(bounds["form"], each):
                raise InputError(f"{key}={value}: allowed: {bounds['example']}")
        elif isinstance(each, str):
            allowed = bounds.get("allowed") or bounds.get("words")
            if allowed and each not in allowed:
                raise InputError(
                    f"{key}={value}: {allowed_values(each, allowed)}{', or a number' if 'words' in bounds else ''}"
                )
        elif isinstance(each, int | float) and not isinstance(each, bool):
            check_number(key, value, each, bounds)


def check_number(key: str, value: Any, each: float, bounds: Any) -> None:
    """Raises InputError unless the number is finite and within the bounds."""
    least, above, most, below = (bounds.get(name) for name in ("at_least", "above", "at_most", "below"))
    rules = [
        (math.isfinite(each), "finite"),
        (least is None or each >= least, f"at least {least}"),
        (above is None or each > above, f"above {above}"),
        (most is None or each <= most, f"at most {most}"),
        (below is None or each < below, f"below {below}"),
        (each == 0 or SMALLEST <= abs(each) <= LARGEST, f"of a size float32 holds ({SMALLEST:g} to {LARGEST:g})"),
    ]
    if not all(held for held, _ in rules):
        wanted = " and ".join(
            rule for held, rule in rules if "None" not in rule and not (held and rule in (rules[0][1], rules[-1][1]))
        )
        raise InputError(f"{key}={value}: must be {wanted}")


def check_together(config: Config) -> None:
    """Raises InputError for settings that are fine alone and make no sense together."""
    training = config.training
    task = config.data.fixed_task
    if task is not None:
        check_task(config, task)
    if not getattr(config.data, "validation_size", 0) and (training.keep == "best" or training.patience):
        given = "training.keep=best" if training.keep == "best" else f"training.patience={training.patience}"
        more = ", or data.validation_size above 0" if hasattr(config.data, "validation_size") else ""
        allowed = f"keep=last and patience=null{more}"
        raise InputError(f"{given}: needs validation data, and there is none; allowed: {allowed}")
    if config.sweep.name is not None and not re.fullmatch(r"\w[\w.-]{,59}", config.sweep.name):
        raise InputError(f"sweep.name={config.sweep.name}: names a folder; allowed: up to 60 letters, digits, _ . -")
    if (
        config.objective
        and config.objective.startswith("validation")
        and not getattr(config.data, "validation_size", 0)
    ):
        raise InputError(f"objective={config.objective}: needs validation data, and there is none; allowed: train/...")
    if getattr(config.schedule, "warmup", 0) >= training.epochs:
        raise InputError(f"schedule.warmup={config.schedule.warmup}: must be below training.epochs={training.epochs}")


def check_task(config: Config, task: str) -> None:
    """Raises InputError for what makes no sense with binary, multiclass or regression data, whichever they are."""
    loss, data, tasks = config.loss.name, config.data.name, TASKS[config.loss.name]
    check_preset(config, task)
    if hasattr(config.data, "image_size"):
        check_inputs(config, (config.data.image_size,) * 2)
    if task not in tasks:
        allowed = ", ".join(name for name, others in TASKS.items() if task in others)
        rule = f"{loss} is for {' or '.join(tasks)} data and {data} is {task}"
        raise InputError(f"loss={loss} data={data}: {rule}; allowed: {allowed}")
    if task == "regression" and config.data.label_noise:
        rule = "replaces class labels, and this is a regression"
        raise InputError(f"data.label_noise={config.data.label_noise}: {rule}; allowed: 0")
    measures = ("loss", "rmse", "r2") if task == "regression" else ("loss", "accuracy")
    part, _, measure = (config.objective or "").partition("/")
    if measure and measure not in measures:
        allowed = ", ".join(f"{part}/{name}" for name in measures)
        raise InputError(f"objective={config.objective}: {data} is {task}; allowed: {allowed}")


def check_inputs(config: Config, shape: Sequence[int]) -> None:
    """Raises InputError where the network takes images of another size than this data's."""
    if config.model.name == "lenet5" and math.prod(shape) != 28 * 28:
        size = " x ".join(map(str, shape))
        rule = f"takes 28 x 28 pixels and {config.data.name} has {size} {'pixels' if len(shape) > 1 else 'inputs'}"
        raise InputError(f"model=lenet5 data={config.data.name}: {rule}; allowed: model=mlp, or data of that size")


def check_preset(config: Config, task: str) -> None:
    """Raises InputError where the lecture's name for a network doesn't go with the data, the loss or the layers."""
    preset = getattr(config.model, "preset", None)
    if preset is None:
        return
    loss, tasks, layers = PRESETS[preset]
    if task not in tasks:
        allowed = ", ".join([name for name, (_, others, _) in PRESETS.items() if task in others] + ["mlp"])
        rule = f"{preset} is for {' or '.join(tasks)} data and {config.data.name} is {task}"
        raise InputError(f"model={preset} data={config.data.name}: {rule}; allowed: model={allowed}")
    if config.loss.name != loss:
        allowed = f"loss={loss}, or model=mlp 'model.hidden=[]'"
        raise InputError(f"model={preset} loss={config.loss.name}: {preset} has the loss {loss}; allowed: {allowed}")
    if config.model.hidden and not layers:
        rule, allowed = f"{preset} has no hidden layer", f"'model.hidden=[]', or model=mlp loss={loss}"
        raise InputError(f"model={preset} model.hidden={config.model.hidden}: {rule}; allowed: {allowed}")


def check_here(config: Config) -> None:
    """Raises InputError for a folder or a platform that isn't there."""
    mirror, platform = getattr(config.data, "mirror", None), config.runtime.platform
    address = mirror is not None and mirror.startswith(("http://", "https://"))
    if mirror is not None and not address and not (mirror and os.path.isdir(os.path.expanduser(mirror))):
        allowed = "a folder or an http(s) address with the four idx files"
        raise InputError(f"data.mirror={mirror}: no such folder; allowed: {allowed}")
    plugins = PLUGINS.get(platform)
    if plugins and not any(find_spec(plugin) for plugin in plugins):
        extra = {"cuda": "cuda13"}.get(platform, platform)  # cuda12 where the driver is older
        install = f"pip install 'nnjax[{extra}]'"
        raise InputError(f"runtime.platform={platform}: not installed ({install}); allowed: auto, cpu")
