"""Settings that are allowed by themselves and exclude each other, or that this machine does not have."""

import math
import os
import re
from collections.abc import Sequence
from importlib.util import find_spec

from nnjax.config.schema import PLUGINS, PRESETS, TASKS, Config
from nnjax.errors import InputError


def check_combination(config: Config) -> None:
    """Raise InputError for settings that are allowed by themselves and not together."""
    task = config.data.fixed_task
    if task is not None:
        check_task(config, task)
    _check_validation_data(config)
    if config.sweep.name is not None and not re.fullmatch(r"\w[\w.-]{,59}", config.sweep.name):
        allowed = "up to 60 letters, digits, _ . -, since it names a folder"
        raise InputError(f"sweep.name={config.sweep.name} has other characters, or too many", allowed)
    warmup, epochs = getattr(config.schedule, "warmup", 0), config.training.epochs
    if warmup >= epochs:
        raise InputError(f"schedule.warmup={warmup} is not below training.epochs={epochs}", f"1 to {epochs - 1}")


def _check_validation_data(config: Config) -> None:
    """Raise InputError for a setting that needs validation data where there are none."""
    if getattr(config.data, "validation_size", 0):
        return
    training, objective = config.training, config.objective or ""
    more = ", or data.validation_size above 0" if hasattr(config.data, "validation_size") else ""
    for setting, used, allowed in (
        ("training.keep=best", training.keep == "best", f"training.keep=last{more}"),
        (f"training.patience={training.patience}", training.patience, f"training.patience=null{more}"),
        (f"objective={objective}", objective.startswith("validation"), f"objective=train/loss{more}"),
    ):
        if used:
            raise InputError(f"{setting} needs validation data, and there are none", allowed)


def check_task(config: Config, task: str) -> None:
    """Raise InputError for settings that exclude a task: binary, multiclass or regression."""
    loss, data, tasks = config.loss.name, config.data.name, TASKS[config.loss.name]
    _check_preset(config, task)
    if hasattr(config.data, "image_size"):
        check_inputs(config, (config.data.image_size,) * 2)
    if task not in tasks:
        problem = f"loss={loss} data={data}: {loss} is for {' or '.join(tasks)} data, and {data} is {task}"
        raise InputError(problem, [f"loss={name}" for name, others in TASKS.items() if task in others])
    if task == "regression" and config.data.label_noise:
        problem = f"data.label_noise={config.data.label_noise} replaces class labels, and a regression has none"
        raise InputError(problem, "0")
    measures = ("loss", "rmse", "r2") if task == "regression" else ("loss", "accuracy")
    split, _, measure = (config.objective or "").partition("/")
    if measure and measure not in measures:
        problem = f"objective={config.objective} is not measured, since {data} is {task}"
        raise InputError(problem, [f"{split}/{name}" for name in measures])


def check_inputs(config: Config, shape: Sequence[int]) -> None:
    """Raise InputError where the network takes images of another size than the data have.

    shape: of one instance, (height, width) or (features,).
    """
    if config.model.name == "lenet5" and math.prod(shape) != 28 * 28:
        size = f"{' x '.join(map(str, shape))} {'pixels' if len(shape) > 1 else 'inputs'}"
        data = config.data.name
        problem = f"model=lenet5 data={data}: lenet5 takes 28 x 28 pixels, and {data} has {size}"
        raise InputError(problem, "model=mlp, or data of that size")


def _check_preset(config: Config, task: str) -> None:
    """Raise InputError where the lecture's name for a network excludes the task, the loss or the hidden layers."""
    preset = getattr(config.model, "preset", None)
    if preset is None:
        return
    loss, tasks, may_be_deep = PRESETS[preset]
    if task not in tasks:
        data = config.data.name
        names = [name for name, (_, others, _) in PRESETS.items() if task in others]
        problem = f"model={preset} data={data}: {preset} is for {' or '.join(tasks)} data, and {data} is {task}"
        raise InputError(problem, [f"model={name}" for name in (*names, "mlp")])
    if config.loss.name != loss:
        problem = f"model={preset} loss={config.loss.name}: {preset} has the loss {loss}"
        raise InputError(problem, f"loss={loss}, or model=mlp 'model.hidden=[]'")
    if config.model.hidden and not may_be_deep:
        problem = f"model={preset} model.hidden={config.model.hidden}: {preset} has no hidden layer"
        raise InputError(problem, f"'model.hidden=[]', or model=mlp loss={loss}")


def check_machine(config: Config) -> None:
    """Raise InputError for a folder or a platform that this machine does not have."""
    mirror, platform = getattr(config.data, "mirror", None), config.runtime.platform
    is_address = mirror is not None and mirror.startswith(("http://", "https://"))
    if mirror is not None and not is_address and not (mirror and os.path.isdir(os.path.expanduser(mirror))):
        allowed = "a folder or an http(s) address with the four idx files"
        raise InputError(f"data.mirror={mirror} is no folder", allowed)
    plugins = PLUGINS.get(platform)
    if plugins and not any(find_spec(plugin) for plugin in plugins):
        extra = {"cuda": "cuda13"}.get(platform, platform)  # cuda12 for an older driver
        allowed = f"auto, cpu, or pip install 'nnjax[{extra}]' before"
        raise InputError(f"runtime.platform={platform} is not installed", allowed)
