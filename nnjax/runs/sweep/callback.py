"""The sweeps of this process, and Hydra's hook at a multirun's start. It is always imported: nothing heavy here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf


@dataclass
class Running:
    """A sweep of this command.

    Attributes:
        root: where its lanes are kept.
        start_folder: where the command was started.
        tracking, record, objective: how this command wants it recorded, as config.tracking, lanes.record, objective.
        uploads: whether this process ends the sweep, and so has its journal uploaded.
        journal: once the sweep's journal is open.
    """

    root: Path
    start_folder: Path
    tracking: Any
    record: str
    objective: str | None
    uploads: bool = True
    journal: Any = None


RUNNING: list[Running] = []


def root_of(name: str | None, folder: str | Path, start_folder: str | Path) -> Path:
    """The sweep's folder: sweeps/NAME, the same for every command of that name, else that of the command itself."""
    return Path(start_folder).absolute() / (Path("sweeps", name) if name else folder)


class Multirun(Callback):
    """Remembers the multirun, so that `train.main` can finish it, however its jobs end."""

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Hydra calls this in the process of the command."""
        folder = config.hydra.runtime.cwd
        root = root_of(config.sweep.name, config.hydra.sweep.dir, folder)
        tracking = OmegaConf.to_object(config.tracking)
        RUNNING.append(Running(root, Path(folder), tracking, config.lanes.record, config.objective))
