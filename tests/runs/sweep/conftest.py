"""Small sweeps in this process: jobs of lanes below one root, uploaded to a store that was created once and copied."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from nnjax.config.schema import Config
from nnjax.inference.predictor import Predictor
from nnjax.runs.sweep import storage, train_lanes, upload
from nnjax.runs.sweep.callback import Running
from nnjax.runs.sweep.storage import Lane, LaneGroup
from nnjax.tracking.journal import Status
from nnjax.training.metrics import decimal
from nnjax.training.train_state import STOPPED
from tests.config.test_schema import read
from tests.end_to_end.conftest import Done

XOR = (  # full batches: a rate of 100 grows without bound, and isn't finite any more after some epochs
    *("+experiment=xor", "loss=squared_error", "optimizer=sgd", "optimizer.learning_rate=0.1", "model.hidden=[2]"),
    *("training.epochs=30", "training.gradient_check=false", "tracking.figures=false", "tracking.model=false"),
)
RATES = "lanes.values={optimizer.learning_rate:[0.1,100]}"  # the second diverges


def recorded(lane: Lane) -> dict[str, float]:
    """The metrics of a finished lane's child run: the table's as decimals, and why it stopped (L37)."""
    metrics = {name: decimal(name, value) for name, value in lane.metrics.items()}
    return {**metrics, "training/stopped": STOPPED.index(lane.facts["stopped"])}


@dataclass
class Swept:
    """A sweep's folder, that of its store, where commands are started, and the command that is trained just now."""

    root: Path
    start: Path
    command: Running | None = None

    def running(self, config: Config) -> Running:
        """The command, a new one after each upload."""
        if self.command is None:
            self.command = Running(self.root, self.start, config.tracking, config.lanes.record, config.objective)
        return self.command

    def train(self, *overrides: str) -> list[Any]:
        """A job."""
        folder, config = self.root / f"job {len(list(self.root.glob('job *')))}", read(*XOR, *overrides)
        folder.mkdir(parents=True)
        return train_lanes.run(config, folder, self.running(config))

    def finish(self, *overrides: str, status: Status = "FINISHED") -> "Swept":
        """The end of the command: its summary, and the store's runs."""
        running, self.command = self.running(read(*XOR, *overrides)), None
        upload.finish(running, status)
        return self

    def run(self, *overrides: str) -> "Swept":
        """A command of one job."""
        self.train(*overrides)
        return self.finish(*overrides)

    def parts(self) -> list[LaneGroup]:
        return list(storage.parts(self.root))

    def lanes(self) -> list[Lane]:
        """The table."""
        return storage.read_table(self.root / "summary" / "lanes.parquet")[0]

    def network(self, lane: Lane) -> Predictor:
        return Predictor.load(storage.networks(self.root / storage.PARTS / lane.facts["part"]), lane.facts["lane"])

    def client(self) -> MlflowClient:
        return Done(0, "", "", self.start).client()

    def runs(self) -> list[Run]:
        client = self.client()
        experiments = [each.experiment_id for each in client.search_experiments()]
        return [run for run in client.search_runs(experiments, max_results=1000) if run.info.run_name != "template"]

    def parent(self) -> Run:
        (parent,) = [run for run in self.runs() if run.data.tags.get("sweep") == self.root.name]
        return parent

    def children(self) -> dict[str, Run]:
        """By member, of which none may come twice."""
        parent = self.parent().info.run_id
        found = [run for run in self.runs() if run.data.tags.get("mlflow.parentRunId") == parent]
        members = {run.data.tags["member"]: run for run in found}
        assert len(members) == len(found)
        return members


def values(lanes: Sequence[Lane], metric: str) -> list[float]:
    return [lane.metrics[metric] for lane in lanes]


def lane_of(lanes: Sequence[Lane], **settings: Any) -> Lane:
    """The one lane with these settings, by their last words; seed is the run's own, not data.seed."""
    (found,) = [
        lane
        for lane in lanes
        if settings.items()
        <= {
            key.rpartition(".")[2]: lane.settings[key] for key in sorted(lane.settings, key=lambda key: "." not in key)
        }.items()
    ]
    return found


@pytest.fixture(scope="session")
def swept(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Swept]]:
    """swept(name="s", folder=None): an empty root in a folder with a store, a new one unless one is given."""

    def make(name: str = "s", folder: Path | None = None) -> Swept:
        if folder is None:
            folder = tmp_path_factory.mktemp("sweep")
            shutil.copy(empty_store, folder / "mlflow.db")
        return Swept(folder / name, folder)

    yield make
