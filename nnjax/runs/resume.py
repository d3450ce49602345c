"""`resume=RUN`: the folder and the settings of a run that goes on where its last checkpoint was."""

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
from nnjax.runs.sweep.command import FILE as OF_A_SWEEP
from nnjax.tracking import journal

WHOLE = ("cosine", "warmup_cosine")  # schedules that end with the last epoch
MAY_DIFFER = ("training.epochs", "checkpoint.", "tracking.", "resume")  # keys, and groups with a dot


def run_of(asked: Config, overrides: Sequence[str], start_folder: Path) -> tuple[Config, Path]:
    """The run's own settings, with what may differ as asked, and its folder.

    Raises:
        InputError: there is no such run or no checkpoint in its folder, or something else is asked to differ.
    """
    wanted = str(asked.resume)
    folder = folder_of(wanted, asked.tracking.uri, start_folder)
    if not any(checkpoint_file.newest(folder / checkpoints.FOLDER)):
        raise InputError(f"resume={wanted}: {folder / checkpoints.FOLDER} has no checkpoint to go on from")
    settings = saved.read(folder / "config.yaml")
    new = changed(flatten(settings), flatten(dataclasses.asdict(asked)), flatten(plain()), overrides, wanted)
    schedule = settings["schedule"]["name"]
    if "training.epochs" in new and schedule in WHOLE:
        raise InputError(
            f"resume={wanted} training.epochs={new['training.epochs']}: schedule={schedule} ends with the last; "
            f"allowed: the run's {settings['training']['epochs']}"
        )
    events, _ = journal.read(folder)
    if "training.epochs" not in new and events and events[-1].get("status") == "FINISHED":
        raise InputError(f"resume={wanted}: the run has finished; allowed: more training.epochs, and runs that haven't")
    opened = journal.opening(events)
    if "tracking.uri" not in new and opened is not None and opened["start_folder"] != str(start_folder):
        new["tracking.uri"] = opened["uri"]  # its own store, wherever this command is started
    for key, value in new.items():
        group, _, name = key.rpartition(".")
        (settings[group] if group else settings)[name] = value
    config = saved.complete(settings, str(folder / "config.yaml"))
    return dataclasses.replace(config, resume=None), folder


def folder_of(wanted: str, uri: str | None, start_folder: Path) -> Path:
    """The folder of a run: itself, or that which the run's tag names; InputError if it is gone."""
    if not wanted:
        raise InputError("resume=: names no run; allowed: a run's id or folder")
    folder = start_folder / os.path.expanduser(wanted)
    if (folder / OF_A_SWEEP).is_file():
        raise InputError(f"resume={wanted}: a sweep; the command that began it goes on, under the same sweep.name")
    if not folder.is_dir():
        from nnjax.runs.load import find_run
        from nnjax.tracking import mlflow_client

        run = find_run(wanted, uri, start_folder)
        if mlflow_client.ROOT not in run.tags:
            raise InputError(f"resume={wanted}: the run has no tag {mlflow_client.ROOT}: it was not trained here")
        folder = Path(run.tags[mlflow_client.ROOT])
    if not (folder / "config.yaml").is_file():
        raise InputError(f"resume={wanted}: {folder} {'is no run folder' if folder.is_dir() else 'is not here'}")
    return folder


def plain() -> Mapping[str, Any]:
    """The settings of a command without any override."""
    found: Any = OmegaConf.to_container(hydra.compose("config"), resolve=True)
    return {str(key): value for key, value in found.items()}


def changed(
    there: Mapping[str, Any],
    asked: Mapping[str, Any],
    plain: Mapping[str, Any],
    overrides: Sequence[str],
    wanted: str,
) -> dict[str, Any]:
    """Settings (dotted key -> value) that are asked for and that the run hasn't got so.

    Asked for is what an override names, and what overrides have changed from a plain command's settings.

    Raises:
        InputError: one of them may not differ.
    """
    keys = [override.lstrip("+").partition("=")[0] for override in overrides]
    named = {*keys, *(f"{key}.name" for key in keys)}  # optimizer=sgd names optimizer.name
    meant = {key: value for key, value in asked.items() if key in named or value != plain.get(key)}
    new = {key: value for key, value in meant.items() if key not in there or value != there[key]}
    for key, value in new.items():
        if not any(key == each or (each.endswith(".") and key.startswith(each)) for each in MAY_DIFFER):
            has = f"the run has {there.get(key)}, and goes on so"
            allowed = "allowed to differ: training.epochs, checkpoint, tracking"
            raise InputError(f"resume={wanted} {key}={value}: {has}; {allowed}")
    return {key: value for key, value in new.items() if key != "resume"}


def log_into(folder: Path, new: Path) -> None:
    """The log of a command that goes on is that of the run: its own, in Hydra's new folder, is removed with that."""
    for handler in (*logging.root.handlers, *logging.getLogger("nnjax").handlers):
        if isinstance(handler, logging.FileHandler) and Path(handler.baseFilename).parent == new:
            handler.close()
            handler.baseFilename = str(folder.absolute() / Path(handler.baseFilename).name)  # opened by the next line
    with suppress(OSError):
        shutil.rmtree(new)
        new.parent.rmdir()
