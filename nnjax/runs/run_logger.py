"""What a run records for MLflow: in its folder first, as it happens; the uploader process uploads it meanwhile."""

import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnjax.config import schema
from nnjax.reporting import run_names, summary
from nnjax.reporting.summary import RunSummary
from nnjax.runs import checkpoints
from nnjax.runs.plan import RunPlan
from nnjax.tracking.journal import Status, opening, read
from nnjax.tracking.upload import pack_array
from nnjax.tracking.uploads import UploadedJournal
from nnjax.training.metrics import decimal
from nnjax.training.result import TrainingResult
from nnjax.training.train_state import BY_LAYER, STOPPED
from nnjax.training.trainer import Chunk

log = logging.getLogger(__name__)
POINTS = 100  # of a metric at most: a boolean run has thousands of epochs
PATIENCE = 10.0  # seconds that the end of a run waits for a store that takes nothing
KILLED_PATIENCE = 1.0  # seconds in all that it waits after Ctrl-C
EXAMPLES = 5  # rows of the test, as the model's example


def name_of(folder: Path) -> str | None:
    """Return what the run in a folder was called when its journal was opened, None without a journal."""
    opened = opening(read(folder)[0])
    return opened["name"] if opened else None


class RunLogger:
    """Records a run in its journal, in the order in which it is told; use as a context.

    Without tracking it records nothing. Where the folder has checkpoints the run is resumed: its journal goes on, and
    what it has is not recorded again. Leaving says in a line what the store hasn't got.

    Raises StoreError on entering, or with the first chunk, where there is no store to write to, so that nothing is
    trained; InputError for a deleted experiment. Once something is trained, neither ends the run.
    """

    def __init__(self, plan: RunPlan, name: str, folder: Path, start_folder: Path) -> None:
        self.plan, self.config, self.name = plan, plan.config, name
        self.folder, self.start_folder, self.patience = folder, start_folder, PATIENCE
        self.epochs = set(np.linspace(0, self.config.training.epochs, POINTS).round().astype(int).tolist())
        self.journal: UploadedJournal | None = None

    def __enter__(self) -> "RunLogger":
        tracking, data = self.config.tracking, self.plan.dataset
        if tracking.enabled:
            resumed = any((self.folder / checkpoints.FOLDER).glob("*"))
            self.journal = UploadedJournal("run", self.folder, self.start_folder, tracking.uri, resumed)
            self.journal.open(
                name=self.name,
                experiment=tracking.experiment or data.name,
                tags={"mlflow.source.name": "nnjax.train", **tracking.tags},
                params={key: str(value) for key, value in schema.flatten(self.plan.settings).items()},
                dataset={
                    "name": run_names.shortened(data.display_name),
                    "source": data.source,
                    "digest": data.digest,
                    "shapes": data.shapes,
                },
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        if self.journal is None:
            return
        killed = kind is not None and issubclass(kind, KeyboardInterrupt)
        status: Status = "FINISHED" if kind is None else "KILLED" if killed else "FAILED"
        if not self.journal.end(status, KILLED_PATIENCE if killed else self.patience):
            log.warning(
                "%s", self.journal.not_uploaded("interrupted" if killed else f"nothing taken for {PATIENCE:.0f} s")
            )
        if kind is None:
            self.journal.raise_mistake()

    def append(self, event: str, **facts: Any) -> None:
        """Append an event to the journal, if there is one."""
        if self.journal is not None:
            self.journal.journal.append(event, **facts)

    def log_epochs(self, chunk: Chunk) -> None:
        """Record the epochs that a chunk finished; before anything is trained, raise if there is no store."""
        if self.journal is not None:
            self.journal.check()
        rows = [i for i, epoch in enumerate(chunk.epochs.tolist()) if epoch in self.epochs]
        values = dict(zip(chunk.columns, chunk.rows[0, rows].T, strict=True))
        self.log_history(chunk.epochs[rows].tolist(), values)

    def log_history(self, epochs: Sequence[int], history: Mapping[str, np.ndarray]) -> None:
        """Record metrics at these epochs, without a cost that is the loss itself, and without the norms of layers."""
        left_out = BY_LAYER if self.config.training.l2 > 0 else ("train/cost", *BY_LAYER)
        names = [name for name in history if not name.startswith(left_out)]
        self.log_points([(name, *at) for name in names for at in zip(epochs, history[name].tolist(), strict=True)])

    def log_metrics(self, values: Mapping[str, float], epoch: int) -> None:
        """Record single values, such as those of the test, at an epoch."""
        self.log_points([(name, epoch, float(value)) for name, value in values.items()])

    def log_points(self, points: Sequence[tuple[str, int, float]]) -> None:
        """Record the points that are finite."""
        if self.journal is not None:
            finite = [(name, epoch, decimal(name, value)) for name, epoch, value in points if math.isfinite(value)]
            self.journal.journal.append_metrics(finite)

    def log_tags(self, values: Mapping[str, Any]) -> None:
        """Record tags."""
        self.append("tags", tags={key: str(value) for key, value in values.items()})

    def log_result(self, result: TrainingResult) -> None:
        """Record what is known once a training has ended: test, totals, why it stopped, and its last epoch's row."""
        recorded = {epoch for epoch in self.epochs if epoch <= result.epochs}
        if result.epochs not in self.epochs:  # it stopped early: the curve's few points get more between them
            grid = np.linspace(0, result.epochs, max(POINTS - len(recorded), 2)).round().astype(int)
            more = sorted({*grid.tolist()} - recorded)
            self.log_history(more, {name: values[more] for name, values in result.history.items()})
        totals = {
            "training/epochs": result.epochs,
            "training/updates": result.updates,
            "training/examples_per_second": result.examples_per_second,
            "training/stopped": STOPPED.index(result.stopped),
        }
        self.log_metrics(result.test, result.kept_epoch)
        self.log_metrics(totals, result.epochs)
        self.log_tags({"stopped": result.stopped})

    def log_files(self) -> None:
        """Record that nothing in the run's folder is being written just now: its files may be copied."""
        self.append("files")

    def log_model(self, file: Path) -> None:
        """Record the trained network as an MLflow model, with the first test rows as its example."""
        if self.config.tracking.model:
            data = self.plan.dataset
            classes = [str(name) for name in data.classes]
            self.append("model", file=file.name, example=pack_array(data.example_rows[:EXAMPLES]), classes=classes)

    def log_summary(self, run_summary: RunSummary) -> None:
        """Record the summary as the run's description."""
        self.log_tags({"mlflow.note.content": summary.note(run_summary)})

    def flush(self) -> None:
        """Wait until the store has all of this, if it takes it: the summary says how long that was."""
        if self.journal is not None and not self.journal.upload.wait(PATIENCE):
            self.patience = 0.0  # nobody waits for a store twice

    def where(self) -> tuple[str, str]:
        """Return the run's id and the command to look at it, both empty if no store knows it."""
        return ("", "") if self.journal is None else self.journal.upload.link()

    def save(self) -> None:
        """Wait until the disk has the journal, before a checkpoint of the same training is written."""
        if self.journal is not None:
            self.journal.journal.save()
