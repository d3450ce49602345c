"""A run's record in MLflow, written by a thread of its own: the store is opened while the program compiles."""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from nnjax.config import Config
from nnjax.data.dataset import Dataset
from nnjax.results import Outcome
from nnjax.tracking import describe
from nnjax.training.loop import STOPPED, Chunk

POINTS = 100  # of a metric at most: a boolean run has thousands of epochs


class Recorder:
    """Opens a run and takes what it is given, in order; use as a context. Not enabled, it takes all and writes nothing.

    Leaving it waits for the store, ends the run by what happened, and raises the store's first error.
    """

    def __init__(
        self, config: Config, settings: Mapping[str, Any], dataset: Dataset, name: str, folder: Path, start_folder: Path
    ) -> None:
        self.config, self.settings, self.dataset, self.name = config, settings, dataset, name
        self.folder, self.start_folder = folder, start_folder
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="mlflow")
        self.waiting: list[Future[Any]] = []
        self.grid = set(np.linspace(0, config.training.epochs, POINTS).round().astype(int).tolist())

    def __enter__(self) -> "Recorder":
        self.opened = self.worker.submit(self.open)
        self.later(lambda run: self.import_the_rest())
        return self

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        status = "FINISHED" if kind is None else "KILLED" if kind is KeyboardInterrupt else "FAILED"
        if kind is not None:
            self.copy()
        self.later(lambda run: run.finish(status))
        self.worker.shutdown()
        if kind is None:
            self.raise_errors()

    def open(self) -> Any:
        """The run, with its name, settings, data and tags; None where tracking is switched off."""
        tracking = self.config.tracking
        if not tracking.enabled:
            return None
        from nnjax.tracking import store

        source = {"mlflow.source.name": "nnjax.train"}
        tags = {**source, **describe.versions(), **describe.git_tags(Path(__file__).parent), **tracking.tags}
        run = store.open_run(tracking.uri, tracking.experiment or self.dataset.name, self.name, tags, self.start_folder)
        run.log_params(describe.flatten(self.settings))
        run.log_dataset(self.dataset.name, self.dataset.source, self.dataset.digest, self.dataset.shapes)
        return run

    def import_the_rest(self) -> None:
        """What the end of a run needs is imported beside the training: half a second each."""
        if self.config.tracking.figures:
            import nnjax.figures.curves
        if self.config.tracking.model:
            import nnjax.tracking.model  # noqa: F401

    def later(self, write: Callable[[Any], Any]) -> None:
        """Queues write(run)."""
        self.waiting.append(self.worker.submit(self.write, write))

    def write(self, write: Callable[[Any], Any]) -> None:
        """One call to the store, if there is one."""
        run = self.opened.result()
        if run is not None:
            write(run)

    def raise_errors(self) -> None:
        """Raises what the store answered to a call that is over, if it was an error."""
        for done in [self.opened, *self.waiting]:
            if done.done():
                done.result()

    def show(self, chunk: Chunk) -> None:
        """Queues the points of the epochs that a chunk finished; raises if there is no store to write to."""
        if self.opened.done():
            self.opened.result()
        epochs = [epoch for epoch in range(chunk.first, chunk.first + chunk.rows.shape[1]) if epoch in self.grid]
        rows = chunk.rows[0, [epoch - chunk.first for epoch in epochs]]
        self.points(epochs, dict(zip(chunk.columns, rows.T, strict=True)))

    def points(self, epochs: Sequence[int], history: Mapping[str, np.ndarray]) -> None:
        """Queues metrics at these epochs; a cost that is the loss itself is not told twice."""
        regularised = self.config.training.l2 > 0
        names = [name for name in history if regularised or name != "train/cost"]
        series = {name: [*zip(epochs, history[name].tolist(), strict=True)] for name in names}
        now = int(time.time() * 1000)
        self.later(lambda run: run.log_metrics(series, now))

    def metrics(self, values: Mapping[str, float], epoch: int) -> None:
        """Queues single values, such as those of the test, at an epoch."""
        now = int(time.time() * 1000)
        self.later(lambda run: run.log_metrics({name: [(epoch, value)] for name, value in values.items()}, now))

    def tags(self, values: Mapping[str, Any]) -> None:
        """Queues tags."""
        self.later(lambda run: run.set_tags(values))

    def ended(self, outcome: Outcome) -> None:
        """Queues what is known once a training has ended: test, totals, why it stopped, and its last epoch's row."""
        there = {epoch for epoch in self.grid if epoch <= outcome.epochs}
        wanted = set(np.linspace(0, outcome.epochs, max(POINTS - len(there), 2)).round().astype(int).tolist())
        if outcome.epochs not in self.grid:  # it stopped early: the curve's few points get company
            more = sorted(wanted - there)
            self.points(more, {name: values[more] for name, values in outcome.history.items()})
        totals = {
            "training/epochs": outcome.epochs,
            "training/updates": outcome.updates,
            "training/examples_per_second": outcome.examples_per_second,
            "training/stopped": STOPPED.index(outcome.stopped),
        }
        self.metrics(outcome.test, outcome.kept_epoch)
        self.metrics(totals, outcome.epochs)
        self.tags({"stopped": outcome.stopped})

    def copy(self) -> None:
        """Queues a copy of the run folder, once nothing in it is being written any more."""
        self.later(lambda run: run.log_files(self.folder))

    def model(self, file: Path) -> None:
        """Queues the trained network as an MLflow model, with the first test rows as its example."""
        if self.config.tracking.model:
            self.later(lambda run: self.log_model(run, file))

    def log_model(self, run: Any, file: Path) -> None:
        """The network as an MLflow model."""
        from nnjax.tracking.model import log_model

        log_model(run, file, self.dataset.example, self.dataset.classes)

    def summary(self, facts: describe.Facts) -> None:
        """Queues the summary, as a file and as the run's description."""
        self.later(lambda run: run.log_text(describe.summary(facts) + "\n", "summary.txt"))
        self.tags({"mlflow.note.content": describe.note(facts)})

    def wait(self) -> None:
        """Waits until all that was queued is written; raises the store's first error: the run folder has everything."""
        for done in self.waiting:
            done.result()

    def where(self) -> tuple[str, str]:
        """The run's id and the command to look at it; waits for the store to be open."""
        run = self.opened.result()
        return (run.id, run.url_hint) if run else ("", "")
