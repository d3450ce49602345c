"""Small sweeps in this process: jobs of lanes below one root, delivered to a store that was created once and copied."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from nnjax.inference.predictor import Predictor
from nnjax.runs.run_folder import decimal
from nnjax.runs.sweep import child_runs, train_lanes, upload
from nnjax.runs.sweep import storage as kept
from nnjax.runs.sweep.callback import Running
from nnjax.runs.sweep.storage import Lane, LaneGroup
from nnjax.tracking.journal import Status
from nnjax.training.train_state import STOPPED
from tests.config.test_schema import read
from tests.end_to_end.conftest import Done

XOR = (  # full batches: a rate of 100 grows without bound, and isn't finite any more after some epochs
    *("+experiment=xor", "loss=squared_error", "optimizer=sgd", "optimizer.learning_rate=0.1", "model.hidden=[2]"),
    *("training.epochs=30", "training.gradient_check=false", "tracking.figures=false", "tracking.model=false"),
)
RATES = "lanes.values={optimizer.learning_rate:[0.1,100]}"  # the second diverges


def recorded(lane: Lane) -> dict[str, float]:
    """The metrics of a finished lane's child run: the table's in decimals, and why it stopped (L37)."""
    metrics = {name: decimal(value) for name, value in lane.metrics.items()}
    return {**metrics, "training/stopped": STOPPED.index(lane.facts["stopped"])}


class Here:
    """Child runs written by this process: the other one would import mlflow for seconds."""

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *raised: object) -> None:
        pass

    def write(self, order: child_runs.Order) -> None:
        assert child_runs.write(order) is None

    def wait(self) -> None:
        pass

    alive = True


class Swept(NamedTuple):
    """A sweep's folder, and that of its store: where commands are started."""

    root: Path
    start: Path

    def train(self, *overrides: str) -> list[Any]:
        """A job."""
        folder = self.root / f"job {len(list(self.root.glob('job *')))}"
        folder.mkdir(parents=True)
        return train_lanes.run(read(*XOR, *overrides), folder, self.root, self.start)

    def deliver(self, *overrides: str, writer: Any = None, status: Status = "FINISHED") -> "Swept":
        """The summary, and the store's runs."""
        config = read(*XOR, *overrides)
        how = config.tracking, config.lanes.record, config.objective
        upload.deliver(Running(self.root, self.start, *how, writer or Here()), status)
        return self

    def run(self, *overrides: str) -> "Swept":
        """A job, delivered."""
        self.train(*overrides)
        return self.deliver(*overrides)

    def parts(self) -> list[LaneGroup]:
        return list(kept.parts(self.root))

    def lanes(self) -> list[Lane]:
        """The table."""
        return kept.read_table(self.root / "summary" / "lanes.parquet")[0]

    def network(self, lane: Lane) -> Predictor:
        return Predictor.load(kept.networks(self.root / kept.PARTS / lane.facts["part"]), lane.facts["lane"])

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
