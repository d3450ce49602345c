"""The schema of conf/: one dataclass for each option of a group, with its bounds; values stand in the YAML files.

Past `read`, the program sees plain records of these classes, never a DictConfig.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from nnjax.errors import InputError, choices

ACTIVATIONS = ("sigmoid", "tanh", "relu", "softplus", "identity")
INITIALIZERS = ("zeros", "normal", "lecun", "xavier", "he")
TASKS = {  # loss -> what it can be trained on (L5-L8)
    "cross_entropy": ("binary", "multiclass"),
    "log_loss": ("binary", "multiclass"),
    "squared_error": ("binary", "regression"),
    "sigmoid_squared_error": ("binary", "multiclass"),
}
DATA_TASKS = {"mnist": "multiclass", "fashion_mnist": "multiclass", "boolean": "binary"}
PLUGINS = {"cuda": ("jax_cuda12_plugin", "jax_cuda13_plugin"), "tpu": ("libtpu",)}  # what jax needs for a platform
LARGEST_SEED = 2**32 - 1


def number(at_least: float | None = None, above: float | None = None, at_most: float | None = None) -> Any:
    """A field for a finite number, or a list of them, within these bounds."""
    return field(default=MISSING, metadata={"at_least": at_least, "above": above, "at_most": at_most})


def one_of(allowed: Sequence[str]) -> Any:
    """A field for one of these words."""
    return field(default=MISSING, metadata={"allowed": allowed})


def words(*allowed: str) -> Any:
    """A field for a number with bounds >= 1 or one of these words."""
    return field(default=MISSING, metadata={"at_least": 1, "words": allowed})


@dataclass
class Mlp:
    name: str = MISSING
    hidden: list[int] = number(at_least=1)
    activation: str = one_of(ACTIVATIONS)
    init: str = one_of(INITIALIZERS)
    init_scale: float = number(at_least=0)


@dataclass
class Loss:
    name: str = one_of(tuple(TASKS))


@dataclass
class Images:
    name: str = MISSING
    source: str = one_of(("auto", "tfds", "bundled"))
    mirror: str | None = MISSING
    directory: str | None = MISSING
    seed: int = number(at_least=0, at_most=LARGEST_SEED)
    train_size: int | None = number(at_least=1)
    validation_size: int | float = number(at_least=0)


@dataclass
class Boolean:
    name: str = MISSING
    table: str = MISSING


@dataclass
class Optimizer:
    name: str = MISSING
    learning_rate: float = number(above=0)


@dataclass
class Momentum(Optimizer):
    momentum: float = number(at_least=0, at_most=1)


@dataclass
class Adam(Optimizer):
    b1: float = number(at_least=0, at_most=1)
    b2: float = number(at_least=0, at_most=1)
    eps: float = number(above=0)


@dataclass
class AdamW(Adam):
    weight_decay: float = number(at_least=0)


@dataclass
class RmsProp(Optimizer):
    decay: float = number(at_least=0, at_most=1)
    eps: float = number(above=0)


@dataclass
class Schedule:
    name: str = MISSING


@dataclass
class Cosine(Schedule):
    final: float = number(at_least=0, at_most=1)


@dataclass
class WarmupCosine(Cosine):
    warmup: int = number(at_least=1)


@dataclass
class Step(Schedule):
    every: int = number(at_least=1)
    factor: float = number(above=0, at_most=1)


@dataclass
class Training:
    epochs: int = number(at_least=1)
    batch_size: int | str = words("full")
    limit_batches: int | None = number(at_least=1)
    shuffle_seed: int | None = number(at_least=0, at_most=LARGEST_SEED)
    l2: float = number(at_least=0)
    clip_norm: float | None = number(above=0)
    gradients: str = one_of(("backprop", "autodiff"))
    gradient_check: bool = MISSING
    tolerance: float = number(at_least=0)
    patience: int | None = number(at_least=1)
    keep: str = one_of(("last", "best"))


@dataclass
class Tracking:
    enabled: bool = MISSING
    uri: str | None = MISSING
    experiment: str | None = MISSING
    run_name: str | None = MISSING
    tags: dict[str, str] = field(default_factory=dict)
    figures: bool = MISSING
    model: bool = MISSING


@dataclass
class Runtime:
    platform: str = one_of(("auto", "cpu", "cuda", "tpu"))
    compile_cache: str | None = MISSING
    profile: bool = MISSING


@dataclass
class Config:
    seed: int = number(at_least=0, at_most=LARGEST_SEED)
    model: Any = MISSING
    loss: Any = MISSING
    data: Any = MISSING
    optimizer: Any = MISSING
    schedule: Any = MISSING
    training: Any = MISSING
    tracking: Any = MISSING
    runtime: Any = MISSING


OPTIONS: dict[str, dict[str, type]] = {
    "model": {"mlp": Mlp},
    "loss": dict.fromkeys(TASKS, Loss),
    "data": {"mnist": Images, "fashion_mnist": Images, "boolean": Boolean},
    "optimizer": {
        "sgd": Optimizer,
        "momentum": Momentum,
        "nesterov": Momentum,
        "adam": Adam,
        "adamw": AdamW,
        "rmsprop": RmsProp,
    },
    "schedule": {"constant": Schedule, "cosine": Cosine, "step": Step, "warmup_cosine": WarmupCosine},
    "training": {"default": Training},
    "tracking": {"mlflow": Tracking},
    "runtime": {"default": Runtime},
}


def register() -> None:
    """Gives Hydra the schema: conf/GROUP/OPTION.yaml extends /schema/GROUP/OPTION."""
    store = ConfigStore.instance()
    store.store(group="schema", name="config", node=Config)
    for group, options in OPTIONS.items():
        for option, schema in options.items():
            store.store(group=f"schema/{group}", name=option, node=schema)


def configuration_folder() -> Path:
    """The folder of the Hydra tree: conf/ of a checkout, or nnjax/conf where a wheel was installed."""
    package = Path(__file__).resolve().parent
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


def read(composed: DictConfig, overrides: Sequence[str] = ()) -> Config:
    """The plain records of a composed configuration.

    Raises:
        InputError: a value outside its bounds, a choice that doesn't exist, or two settings that exclude each other.
    """
    for override in overrides:
        group, _, option = override.lstrip("+").partition(".name=")
        if option and group in OPTIONS:
            raise InputError(f"{override}: a name is not set but chosen: write {group}={option}")
    check_keys(composed)
    config: Config = OmegaConf.to_object(composed)  # type: ignore[assignment]
    for key, value, metadata in leaves(config):
        check_value(key, value, metadata)
    check_together(config)
    return config


def check_keys(node: DictConfig, prefix: str = "") -> None:
    """Raises InputError for a key that no schema has: Hydra adds any that is written with a +."""
    schema = OmegaConf.get_type(node)
    known = [entry.name for entry in fields(schema)] if is_dataclass(schema) else list(node)
    for key in node:
        if key not in known:
            raise InputError(f"{prefix}{key}: no such key; {choices(str(key), known)}")
        if OmegaConf.is_dict(node._get_node(key)):
            check_keys(node[key], f"{prefix}{key}.")


def leaves(record: Any, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(dotted key, value, bounds) of every field, groups opened."""
    for entry in fields(record):
        key, value = f"{prefix}{entry.name}", getattr(record, entry.name)
        if is_dataclass(value):
            yield from leaves(value, f"{key}.")
        else:
            yield key, value, entry.metadata


def check_value(key: str, value: Any, bounds: Any) -> None:
    """Raises InputError unless the value, or each of a list, is one of the words allowed or within the bounds."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            allowed = bounds.get("allowed") or bounds.get("words")
            if allowed and each not in allowed:
                raise InputError(f"{key}={value}: {choices(each, allowed)}{', or a number' if 'words' in bounds else ''}")
        elif isinstance(each, int | float) and not isinstance(each, bool):
            check_number(key, value, each, bounds)


def check_number(key: str, value: Any, each: float, bounds: Any) -> None:
    """Raises InputError unless the number is finite and within the bounds."""
    least, above, most = (bounds.get(name) for name in ("at_least", "above", "at_most"))
    rules = [
        (math.isfinite(each), "finite"),
        (least is None or each >= least, f"at least {least}"),
        (above is None or each > above, f"above {above}"),
        (most is None or each <= most, f"at most {most}"),
    ]
    if not all(held for held, _ in rules):
        wanted = " and ".join(rule for held, rule in rules if "None" not in rule and not (held and rule == "finite"))
        raise InputError(f"{key}={value}: must be {wanted}")


def check_together(config: Config) -> None:
    """Raises InputError for settings that are fine alone and make no sense together, or not on this machine."""
    loss, data, training = config.loss.name, config.data.name, config.training
    task = DATA_TASKS[data]
    if task not in TASKS[loss]:
        allowed = ", ".join(name for name, tasks in TASKS.items() if task in tasks)
        raise InputError(f"loss={loss} data={data}: {loss} is for {' or '.join(TASKS[loss])} data, {data} is {task}; allowed: {allowed}")
    if not getattr(config.data, "validation_size", 0) and (training.keep == "best" or training.patience):
        given = "training.keep=best" if training.keep == "best" else f"training.patience={training.patience}"
        raise InputError(f"{given}: needs validation data, and there is none; allowed: keep=last and patience=null, or data.validation_size above 0")
    if getattr(config.schedule, "warmup", 0) >= training.epochs:
        raise InputError(f"schedule.warmup={config.schedule.warmup}: must be below training.epochs={training.epochs}")
    check_here(config)


def check_here(config: Config) -> None:
    """Raises InputError for a folder or a platform that isn't there."""
    mirror, platform = getattr(config.data, "mirror", None), config.runtime.platform
    if mirror is not None and "://" not in mirror and not Path(mirror).expanduser().is_dir():
        raise InputError(f"data.mirror={mirror}: no such folder; allowed: a folder or an http(s) address with the four idx files")
    plugins = PLUGINS.get(platform)
    if plugins and not any(find_spec(plugin) for plugin in plugins):
        raise InputError(f"runtime.platform={platform}: not installed (pip install 'nnjax[{platform}]'); allowed: auto, cpu")
