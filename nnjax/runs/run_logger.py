"""A run's record, for MLflow: in the run's folder first, as it happens; a thread brings it to the store meanwhile."""

import logging
import math
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import numpy as np

from nnjax.config import schema
from nnjax.errors import InputError, StoreError
from nnjax.reporting import run_names
from nnjax.reporting import summary as describe
from nnjax.runs import checkpoints
from nnjax.runs.plan import RunPlan
from nnjax.runs.run_folder import decimal
from nnjax.system import processes
from nnjax.tracking import store_uri, undelivered
from nnjax.tracking.carried import Carried
from nnjax.tracking.courier import Courier
from nnjax.tracking.delivery import packed
from nnjax.tracking.journal import RunJournal, opening, read
from nnjax.training.result import TrainingResult
from nnjax.training.train_state import BY_LAYER, STOPPED
from nnjax.training.trainer import Chunk

log = logging.getLogger(__name__)
POINTS = 100  # of a metric at most: a boolean run has thousands of epochs
PATIENCE = 10.0  # seconds that the end of a run waits for a store that takes nothing
KILLED_PATIENCE = 1.0  # seconds in all that it waits after Ctrl-C
EXAMPLES = 5  # rows of the test, as the model's example


def name_of(folder: Path) -> str | None:
    """What the run in a folder was called when its record was opened, None without a record."""
    opened = opening(read(folder)[0])
    return opened["name"] if opened else None


class RunLogger:
    """Opens a run's record and takes what it is given, in order; use as a context. Not enabled, it takes nothing.

    A store that is locked, slow, refusing or gone costs the run nothing: leaving says what it hasn't got, in a line.
    Where the folder has checkpoints the run goes on: its record too, and what it has is not told again.

    Raises:
        StoreError: on entering, or with the first chunk: there is no store to write to, so nothing is trained.
        InputError: the same of an experiment that is a deleted one. Once something is trained, neither ends it.
    """

    def __init__(self, plan: RunPlan, name: str, folder: Path, start_folder: Path) -> None:
        self.config, self.dataset, self.name = plan.config, plan.dataset, name
        self.settings = schema.flatten(plan.settings)
        self.folder, self.start_folder = folder.absolute(), start_folder.absolute()
        self.enabled, self.trained, self.patience = plan.config.tracking.enabled, False, PATIENCE
        self.grid = set(np.linspace(0, plan.config.training.epochs, POINTS).round().astype(int).tolist())

    def __enter__(self) -> "RunLogger":
        if self.enabled:
            tracking = self.config.tracking
            store = store_uri.store_uri(tracking.uri, self.start_folder)
            store_uri.check_there(store)
            resumed = any((self.folder / checkpoints.FOLDER).glob("*"))
            self.journal = RunJournal(self.folder, resumed)
            self.trained = self.journal.again
            undelivered.add(self.start_folder, self.folder)
            self.open(store_uri.public(store))
            delivery = Carried(self.folder, store, fresh=not self.journal.again)
            self.courier = Courier(delivery, self.start_folder, self.prepare)
        return self

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        if not self.enabled:
            return
        killed = kind is not None and issubclass(kind, KeyboardInterrupt)
        status = "FINISHED" if kind is None else "KILLED" if killed else "FAILED"
        with suppress(OSError) if kind is not None else nullcontext():  # what went wrong may be that the disk is full
            self.tell("end", status=status)
            self.journal.save()
        self.start_upload()
        self.courier.close()
        wrong = self.courier.wrong is not None or (kind is not None and issubclass(kind, StoreError))
        refused = wrong and not self.trained
        there = refused or (
            self.courier.settled_within(KILLED_PATIENCE) if killed else self.courier.settled(self.patience)
        )
        self.courier.give_up()
        self.journal.close()
        if refused:
            undelivered.remove(self.start_folder, self.folder)
        if not there:
            log.warning("%s", self.undelivered("interrupted" if killed else f"nothing taken for {PATIENCE:.0f} s"))
        if kind is None:
            self.raise_mistakes()

    def start_upload(self) -> None:
        """Starts the delivery, once: beside it something is imported, which holds up whatever else Python does here."""
        if self.enabled and self.courier.ident is None:
            self.courier.start()

    def open(self, uri: str) -> None:
        """Records the run with its name, settings, data and tags."""
        tracking, data = self.config.tracking, self.dataset
        params = {key: str(value) for key, value in self.settings.items()}
        self.journal.append(
            "open",
            id=self.journal.id,
            name=self.name,
            experiment=tracking.experiment or data.name,
            uri=uri,
            start_folder=str(self.start_folder),
            tags={"mlflow.source.name": "nnjax.train", **tracking.tags},
            params=params,
            dataset={
                "name": run_names.shortened(data.display_name),
                "source": data.source,
                "digest": data.digest,
                "shapes": data.shapes,
            },
            process=processes.current_process(),
        )

    def prepare(self) -> None:
        """What the end of a run needs is imported beside the training: half a second."""
        if self.config.tracking.figures:
            import nnjax.reporting.figures.curves  # noqa: F401

    def tell(self, event: str, **facts: Any) -> None:
        """Records an event, and wakes the thread."""
        if self.enabled:
            self.journal.append(event, **facts)
            self.courier.news.set()

    def save(self) -> None:
        """Waits until the disk has the record: what a checkpoint is older than."""
        if self.enabled:
            self.journal.save()

    def raise_refusal(self) -> None:
        """Raises why there is no store to write to, if that is known and nobody is using it just now."""
        problem = self.courier.problem
        if self.courier.wrong is not None:
            raise self.courier.wrong
        if problem is not None and not problem.busy:
            raise problem

    def raise_mistakes(self) -> None:
        """Raises a mistake of ours, or where nothing was trained, whatever no later try can mend."""
        wrong = self.courier.wrong
        if wrong is not None and not (self.trained and isinstance(wrong, InputError)):
            raise wrong

    def log_epochs(self, chunk: Chunk) -> None:
        """Records the epochs that a chunk finished; before anything is trained, raises if there is no store."""
        if self.enabled and not self.trained:
            self.raise_refusal()
        self.trained = True
        chosen = [i for i, epoch in enumerate(chunk.epochs.tolist()) if epoch in self.grid]
        epochs, rows = chunk.epochs[chosen].tolist(), chunk.rows[0, chosen]
        self.points(epochs, dict(zip(chunk.columns, rows.T, strict=True)))

    def points(self, epochs: Sequence[int], history: Mapping[str, np.ndarray]) -> None:
        """Records metrics at these epochs; no cost that is the loss itself, no layer's norms: those are a figure."""
        left_out = BY_LAYER if self.config.training.l2 > 0 else ("train/cost", *BY_LAYER)
        names = [name for name in history if not name.startswith(left_out)]
        self.measured([(name, *at) for name in names for at in zip(epochs, history[name].tolist(), strict=True)])

    def log_metrics(self, values: Mapping[str, float], epoch: int) -> None:
        """Records single values, such as those of the test, at an epoch."""
        self.measured([(name, epoch, float(value)) for name, value in values.items()])

    def measured(self, points: Sequence[tuple[str, int, float]]) -> None:
        """Records points; one that is not finite is none."""
        if self.enabled:
            self.journal.metrics([(name, epoch, decimal(x)) for name, epoch, x in points if math.isfinite(x)])
            self.courier.news.set()

    def log_tags(self, values: Mapping[str, Any]) -> None:
        """Records tags."""
        self.tell("tags", tags={key: str(value) for key, value in values.items()})

    def log_result(self, outcome: TrainingResult) -> None:
        """Records what is known once a training has ended: test, totals, why it stopped, and its last epoch's row."""
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
        self.log_metrics(outcome.test, outcome.kept_epoch)
        self.log_metrics(totals, outcome.epochs)
        self.log_tags({"stopped": outcome.stopped})

    def log_files(self) -> None:
        """Says that nothing in the run's folder is being written just now: its files may be copied."""
        self.tell("files")

    def log_model(self, file: Path) -> None:
        """Records the trained network as an MLflow model, with the first test rows as its example."""
        if self.config.tracking.model:
            example, classes = (
                packed(self.dataset.example_rows[:EXAMPLES]),
                [str(each) for each in self.dataset.classes],
            )
            self.tell("model", file=file.name, example=example, classes=classes)

    def log_summary(self, facts: describe.RunSummary) -> None:
        """Records the summary as the run's description."""
        self.log_tags({"mlflow.note.content": describe.note(facts)})

    def flush(self) -> None:
        """Waits until the store has all of this, if it takes it: the summary says how long that was."""
        if self.enabled:
            self.courier.hurry.set()
            self.patience = PATIENCE if self.courier.settled(PATIENCE) else 0.0  # nobody waits for a store twice

    def where(self) -> tuple[str, str]:
        """The run's id and the command to look at it, both empty if no store knows it."""
        return (self.courier.delivery.where if self.enabled else None) or ("", "")

    def undelivered(self, otherwise: str) -> str:
        """What is to be known and done where the store hasn't got all; otherwise: why, if it didn't say so."""
        wrong, problem = self.courier.wrong, self.courier.problem
        reason = problem.reason if problem is not None else otherwise if wrong is None else str(wrong)
        store = store_uri.store_uri(self.config.tracking.uri, self.start_folder)
        return undelivered.line("run", self.folder, self.start_folder, store, reason)
