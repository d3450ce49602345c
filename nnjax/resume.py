"""`resume=RUN`: the folder and the settings of a run that goes on where its last checkpoint was."""

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import OmegaConf

from nnjax import saving, stored
from nnjax.config import Config
from nnjax.errors import InputError
from nnjax.tracking.describe import flatten

MAY_DIFFER = ("training.epochs", "checkpoint.", "tracking.", "resume")  # keys, and groups with a dot


def run_of(asked: Config, overrides: Sequence[str], start_folder: Path) -> tuple[Config, Path]:
    """The run's own settings, with what may differ as asked, and its folder.

    Raises:
        InputError: there is no such run or no checkpoint in its folder, or something else is asked to differ.
    """
    wanted = str(asked.resume)
    folder = folder_of(wanted, asked.tracking.uri, start_folder)
    if not any((folder / saving.FOLDER).rglob("*")):
        raise InputError(f"resume={wanted}: {folder} has no checkpoint: the run ended before the first")
    settings = stored.read(folder / "config.yaml")
    new = changed(flatten(settings), flatten(dataclasses.asdict(asked)), flatten(plain()), overrides, wanted)
    for key, value in new.items():
        group, _, name = key.rpartition(".")
        (settings[group] if group else settings)[name] = value
    config = stored.complete(settings, str(folder / "config.yaml"))
    return dataclasses.replace(config, resume=None), folder


def folder_of(wanted: str, uri: str | None, start_folder: Path) -> Path:
    """The folder of a run: itself, or that which the run's tag names; InputError if it is gone."""
    folder = start_folder / os.path.expanduser(wanted)
    if not folder.is_dir():
        from nnjax.tracking import store
        from nnjax.trained import one_run

        run = one_run(wanted, uri, start_folder)
        if store.ROOT not in run.tags:
            raise InputError(f"resume={wanted}: the run has no tag {store.ROOT}: it was not trained here")
        folder = Path(run.tags[store.ROOT])
    if not (folder / "config.yaml").is_file():
        raise InputError(f"resume={wanted}: its folder {folder} is not here, or not that of a run")
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
    named = {override.lstrip("+").partition("=")[0] for override in overrides}
    meant = {key: value for key, value in asked.items() if key in named or value != plain.get(key)}
    new = {key: value for key, value in meant.items() if key not in there or value != there[key]}
    for key, value in new.items():
        if not any(key == each or (each.endswith(".") and key.startswith(each)) for each in MAY_DIFFER):
            has = f"the run has {there.get(key)}, and goes on so"
            allowed = "allowed to differ: training.epochs, checkpoint, tracking"
            raise InputError(f"resume={wanted} {key}={value}: {has}; {allowed}")
    return {key: value for key, value in new.items() if key != "resume"}
