"""Saving the state of a training in checkpoints, and resuming the training from one.

Besides its arrays a checkpoint has these facts: identity, the settings that the training depends on; scores, of the
checkpoints that existed; epoch, step, train_seconds and examples, the position of the training.
"""

import logging
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from nnjax.errors import InputError
from nnjax.runs import checkpoint_file
from nnjax.runs.checkpoint_file import Checkpoint

if TYPE_CHECKING:
    from nnjax.training.trainer import Trainer

log = logging.getLogger(__name__)
FOLDER = "checkpoints"  # in a run's folder
LOCK = ".lock"  # in a folder, locked while something is trained there
LOSSES = ("validation/loss", "train/loss")  # the first one that was measured scores a checkpoint


class Checkpointer:
    """Saves a training in a folder, and restores it.

    Args:
        folder: of the checkpoints; the first one creates it.
        every: `checkpoint.every`: a number of epochs (5) or seconds ("60s"); None: only when `save` is called.
        identity: what must be equal for a training to continue from these checkpoints, as JSON values.
    """

    def __init__(self, folder: Path, every: int | str | None, identity: Mapping[str, Any]) -> None:
        self.folder, self.identity = folder, identity
        self.seconds = float(every[:-1]) if isinstance(every, str) else None
        self.epochs = every if isinstance(every, int) else None
        self.saved_at, self.saved_epoch = time.monotonic(), 0
        self.scores: dict[Path, float] = {}

    def latest(self) -> Checkpoint | None:
        """Return the latest checkpoint that can be read, or None if nothing was saved.

        Raises InputError if none can be read, or they are of another training.
        """
        checkpoint = read_latest(self.folder)
        if checkpoint is None:
            return None
        saved = checkpoint.facts["identity"]
        for key, value in self.identity.items():
            if saved.get(key) != value:
                raise InputError(
                    f"{self.folder} has checkpoints of a training with {key}={saved.get(key)!s:.60}. "
                    f"Allowed: another folder, since now {key}={value!s:.60}."
                )
        return checkpoint

    def restore(self, trainer: "Trainer", checkpoint: Checkpoint) -> None:
        """Set a trainer to the state of a checkpoint; raise InputError if it is of another training."""
        try:
            trainer.restore(checkpoint.arrays, checkpoint.facts)
        except (LookupError, TypeError, ValueError) as error:
            raise InputError(f"{self.folder} has a checkpoint of another training: {error}.") from None
        self.saved_epoch = trainer.position.epoch
        self.scores = {self.folder / name: score for name, score in checkpoint.facts["scores"].items()}
        log.info("continued after epoch %s", describe_position(trainer))

    def maybe_save(self, trainer: "Trainer") -> None:
        """Save if `every` so many epochs or seconds have passed since the last checkpoint."""
        due = self.seconds is not None and time.monotonic() - self.saved_at >= self.seconds
        due |= self.epochs is not None and trainer.position.epoch // self.epochs > self.saved_epoch // self.epochs
        if due:
            self.save(trainer)

    def save(self, trainer: "Trainer") -> None:
        """Save a checkpoint, and remove all but the best one and the latest ones."""
        arrays, facts = trainer.saved()
        updates = trainer.position.epoch * trainer.per_epoch + trainer.position.step
        path = self.folder / f"{updates:012d}{checkpoint_file.SUFFIX}"
        self.scores = {earlier: score for earlier, score in self.scores.items() if earlier.exists()}
        self.scores[path] = latest_loss(trainer.history())
        scores = {file.name: score for file, score in self.scores.items()}
        checkpoint_file.write(path, arrays, {**facts, "identity": dict(self.identity), "scores": scores})
        checkpoint_file.prune(self.folder, self.scores)
        self.saved_at, self.saved_epoch = time.monotonic(), trainer.position.epoch

    def discard(self) -> None:
        """Remove all checkpoints."""
        shutil.rmtree(self.folder, ignore_errors=True)


def latest_loss(history: Mapping[str, np.ndarray]) -> float:
    """Return the median over lanes of the latest loss, that of validation if measured; history: (lanes, epochs)."""
    for name in LOSSES:
        latest = [lane[np.isfinite(lane)][-1:] for lane in history[name]]
        if values := [float(value) for lane in latest for value in lane]:
            return float(np.median(values))
    return float("inf")


def describe_position(trainer: "Trainer") -> str:
    """Return the last epoch, such as `3`, or `3 and 120 of 430 updates`."""
    epoch, step = trainer.position
    return f"{epoch} and {step} of {trainer.per_epoch} updates" if step else f"{epoch}"


def read_latest(folder: Path) -> Checkpoint | None:
    """Return the latest checkpoint that can be read, and log which later ones can't; None if there are none.

    Raises InputError if there are some, and none of them can be read.
    """
    reasons: list[str] = []
    for path in checkpoint_file.list_checkpoints(folder):
        try:
            checkpoint = checkpoint_file.read(path)
            check_facts(path, checkpoint.facts)
        except InputError as error:
            reasons.append(str(error))
            continue
        for reason in reasons:
            log.warning("%s An earlier checkpoint is used.", reason)
        return checkpoint
    if reasons:
        raise InputError(f"{reasons[0]} No other checkpoint in {folder} can be read.")
    return None


def check_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """Raise InputError unless these are the facts of a training."""
    identity, scores = facts.get("identity"), facts.get("scores")
    counted = all(type(facts.get(key)) is int and facts[key] >= 0 for key in ("epoch", "step"))
    measured = all(isinstance(facts.get(key), float | int) for key in ("train_seconds", "examples"))
    scored = isinstance(scores, dict) and all(isinstance(score, float | int) for score in scores.values())
    if not (isinstance(identity, dict) and counted and measured and scored):
        raise InputError(f"{path} is not a checkpoint of a training.")


def read_identities(folder: Path) -> Sequence[Mapping[str, Any]]:
    """Return the identities of the checkpoints in the folders below this one, without those that can't be read."""
    checkpoints = []
    for subfolder in sorted(folder.glob("*/")):
        with suppress(InputError):
            checkpoints.append(read_latest(subfolder))
    return [checkpoint.facts["identity"] for checkpoint in checkpoints if checkpoint is not None]


@contextmanager
def exclusive_folder_lock(folder: Path) -> Iterator[None]:
    """Lock a folder while something is trained in it; raise InputError if another process has locked it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        lock = FileLock(folder / LOCK).acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"{folder} is locked: another process is training there. Allowed: when it has ended."
        ) from None
    with lock:
        yield
