"""`resume=RUN`: the folder and the settings of a run that continues from its latest checkpoint."""

import dataclasses
import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import hydra
from omegaconf import OmegaConf

from nnjax.config import saved
from nnjax.config.schema import Config, flatten
from nnjax.errors import InputError
from nnjax.runs import checkpoint_file, checkpoints
from nnjax.runs.sweep.upload import OLD_COMMAND
from nnjax.tracking import journal

WHOLE_RUN = ("cosine", "warmup_cosine")  # schedules that depend on the number of epochs
MAY_DIFFER = ("training.epochs", "checkpoint.", "tracking.", "resume")  # keys, and groups with a dot


def resumed_run(config: Config, overrides: Sequence[str], start_folder: Path) -> tuple[Config, Path]:
    """Return the settings of the run that `resume` names, with what this command may change, and its folder.

    Raises InputError if there is no such run, its folder has no checkpoint, or another setting is to change.
    """
    name = str(config.resume)
    folder = find_run_folder(name, config.tracking.uri, start_folder)
    if not any(checkpoint_file.list_checkpoints(folder / checkpoints.FOLDER)):
        raise InputError(f"resume={name} has no checkpoint in {folder / checkpoints.FOLDER}.")
    settings = saved.read_settings(folder / "config.yaml")
    requested = flatten(dataclasses.asdict(config))
    changes = changed_settings(flatten(settings), requested, flatten(default_settings()), overrides, name)
    schedule, epochs = settings["schedule"]["name"], settings["training"]["epochs"]
    if "training.epochs" in changes and schedule in WHOLE_RUN:
        raise InputError(
            f"resume={name} training.epochs={changes['training.epochs']} does not fit schedule={schedule}, "
            f"which ends with the last epoch. Allowed: {epochs}, the run's own."
        )
    events, _ = journal.read(folder)
    if "training.epochs" not in changes and events and events[-1].get("status") == "FINISHED":
        raise InputError(f"resume={name} is a finished run. Allowed: more training.epochs, or an unfinished run.")
    opened = journal.opening(events)
    if "tracking.uri" not in changes and opened is not None and opened["start_folder"] != str(start_folder):
        changes["tracking.uri"] = opened["uri"]  # the run's own store, in whatever folder this command was started
    for key, value in changes.items():
        group, _, setting = key.rpartition(".")
        (settings[group] if group else settings)[setting] = value
    run_config = saved.to_config(settings, str(folder / "config.yaml"))
    return dataclasses.replace(run_config, resume=None), folder


def find_run_folder(name: str, uri: str | None, start_folder: Path) -> Path:
    """Return the folder of a run, given by its path or its id in the store; raise InputError if it is missing."""
    if not name:
        raise InputError("resume= names no run. Allowed: a run's id or folder.")
    folder = start_folder / os.path.expanduser(name)
    if (folder / "lanes").is_dir() or (folder / OLD_COMMAND).is_file():
        raise InputError(f"resume={name} is a sweep. Allowed: the sweep's own command again, with its sweep.name.")
    if not folder.is_dir():
        from nnjax.runs.load import find_run
        from nnjax.tracking import mlflow_client

        run = find_run(name, uri, start_folder)
        if mlflow_client.ROOT not in run.tags:
            raise InputError(f"resume={name} was not trained by nnjax: it has no tag {mlflow_client.ROOT}.")
        folder = Path(run.tags[mlflow_client.ROOT])
    if not (folder / "config.yaml").is_file():
        raise InputError(f"resume={name} {'is not the folder of a run' if folder.is_dir() else 'is missing'}: {folder}")
    return folder


def default_settings() -> Mapping[str, Any]:
    """Return the nested settings of a command without overrides; Hydra is running."""
    settings: Any = OmegaConf.to_container(hydra.compose("config"), resolve=True)
    return {str(key): value for key, value in settings.items()}


def changed_settings(
    run: Mapping[str, Any],
    requested: Mapping[str, Any],
    defaults: Mapping[str, Any],
    overrides: Sequence[str],
    name: str,
) -> dict[str, Any]:
    """Return the settings that this command changes (dotted key -> value).

    A command sets what its overrides name, and what differs from the defaults, as the values of an experiment do.
    Raises InputError for a setting that may not differ.

    Args:
        run, requested, defaults: the settings of the run, of this command, and of a command without overrides.
        name: the run, as `resume` names it.
    """
    keys = [override.lstrip("+").partition("=")[0] for override in overrides]
    named = {*keys, *(f"{key}.name" for key in keys)}  # optimizer=sgd names optimizer.name
    settings = {key: value for key, value in requested.items() if key in named or value != defaults.get(key)}
    changes = {key: value for key, value in settings.items() if key not in run or value != run[key]}
    for key, value in changes.items():
        if key not in MAY_DIFFER and f"{key.partition('.')[0]}." not in MAY_DIFFER:
            raise InputError(
                f"resume={name} {key}={value} differs from the run's {run.get(key)}. "
                "Allowed to differ: training.epochs, checkpoint, tracking."
            )
    return {key: value for key, value in changes.items() if key != "resume"}


def move_log(new_folder: Path, folder: Path) -> None:
    """Let this command's log continue in the run's folder, and remove the new folder that Hydra made for it."""
    for handler in (*logging.root.handlers, *logging.getLogger("nnjax").handlers):
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename).parent == new_folder:
            handler.close()
            handler.baseFilename = str(folder.absolute() / Path(handler.baseFilename).name)  # opened by the next line
    with suppress(OSError):
        shutil.rmtree(new_folder)
        new_folder.parent.rmdir()
