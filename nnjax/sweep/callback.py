"""Hydra's hook at a multirun's start: which sweep is running. Imported at every start, so nothing heavy here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig


@dataclass
class Running:
    """A multirun of this process: where its lanes are kept, how it is recorded, where it was started.

    writer: the process for child runs, started by the first job that has few enough lanes.
    """

    root: Path
    tracking: Any
    start_folder: Path
    writer: Any = None


RUNNING: list[Running] = []


def root_of(name: str | None, folder: str | Path, start_folder: str | Path) -> Path:
    """The sweep's folder: sweeps/NAME, the same for every command of that name, else that of the command itself."""
    return Path(start_folder).absolute() / (Path("sweeps", name) if name else folder)


class Multirun(Callback):
    """Remembers the multirun, so that `train.main` can deliver what its jobs leave, however they end."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Hydra calls this in the process of the command."""
        folder = config.hydra.runtime.cwd
        root = root_of(config.sweep.name, config.hydra.sweep.dir, folder)
        RUNNING.append(Running(root, config.tracking, Path(folder)))
