"""Which sweeps this process delivers, and Hydra's hook at a multirun's start. Imported always: nothing heavy here."""

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
        writer: the process for child runs, started by the first job that has few enough lanes.
    """

    root: Path
    start_folder: Path
    tracking: Any
    record: str
    objective: str | None
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
        tracking = OmegaConf.to_object(config.tracking)
        RUNNING.append(Running(root, Path(folder), tracking, config.lanes.record, config.objective))
