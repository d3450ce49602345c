"""When the state of a training is saved, which of its checkpoints stay, and how a training goes on from one.

What a checkpoint says beside its arrays: identity, what the training is; scores, of the checkpoints that were there;
epoch, step, train_seconds, examples, where it was.
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
FOLDER = "checkpoints"  # of a run's folder
LOCK = ".lock"  # in a folder, held as long as something is trained there
SCORES = ("validation/loss", "train/loss")  # the lower, the better; the second where nothing is held out


class Checkpointer:
    """Saves a training in a folder, every so many epochs (`5`) or seconds (`60s`); None: only when it is asked to.

    Args:
        folder: for the checkpoints, made with the first.
        every: `checkpoint.every`.
        identity: what a training must be for these checkpoints to be its own, as JSON has it.
    """

    def __init__(self, folder: Path, every: int | str | None, identity: Mapping[str, Any]) -> None:
        self.folder, self.identity = folder, identity
        self.seconds = float(every[:-1]) if isinstance(every, str) else None
        self.epochs = every if isinstance(every, int) else None
        self.saved_at, self.saved_epoch = time.monotonic(), 0
        self.scores: dict[Path, float] = {}

    def latest(self) -> Checkpoint | None:
        """The latest state that can be read; None where nothing was ever saved.

        Raises:
            InputError: none can be read, or they are of another training.
        """
        found = read_latest(self.folder)
        if found is None:
            return None
        for key, value in self.identity.items():
            if (other := found.facts["identity"].get(key)) != value:
                raise InputError(f"{self.folder}: of a training with another {key}: {other!s:.60}, now {value!s:.60}")
        return found

    def restore(self, training: "Trainer", found: Checkpoint) -> None:
        """Puts a state that was found into a training.

        Raises:
            InputError: it is that of another one.
        """
        try:
            training.restore(found.arrays, found.facts)
        except (LookupError, TypeError, ValueError) as error:
            raise InputError(f"{self.folder}: a checkpoint of another training: {error}") from None
        self.saved_epoch = training.position.epoch
        self.scores = {self.folder / name: score for name, score in found.facts["scores"].items()}
        log.info("goes on after epoch %s", describe_position(training))

    def maybe_save(self, training: "Trainer") -> None:
        """Saves if it is time to."""
        due = self.seconds is not None and time.monotonic() - self.saved_at >= self.seconds
        due |= self.epochs is not None and training.position.epoch // self.epochs > self.saved_epoch // self.epochs
        if due:
            self.save(training)

    def save(self, training: "Trainer") -> None:
        """Saves now, and removes what is neither of the last two nor the best."""
        arrays, facts = training.saved()
        updates = training.position.epoch * training.per_epoch + training.position.step
        path = self.folder / f"{updates:012d}{checkpoint_file.SUFFIX}"
        self.scores = {there: score for there, score in self.scores.items() if there.exists()}
        self.scores[path] = score(training.history())
        scores = {there.name: value for there, value in self.scores.items()}
        checkpoint_file.write(path, arrays, {**facts, "identity": dict(self.identity), "scores": scores})
        checkpoint_file.prune(self.folder, self.scores)
        self.saved_at, self.saved_epoch = time.monotonic(), training.position.epoch

    def discard(self) -> None:
        """Removes all of them: what was trained is kept otherwise."""
        shutil.rmtree(self.folder, ignore_errors=True)


def score(history: Mapping[str, np.ndarray]) -> float:
    """The median lane's latest loss, of held-out data where there are any."""
    for name in SCORES:
        last = [lane[np.isfinite(lane)][-1:] for lane in history[name]]
        if values := [float(value) for lane in last for value in lane]:
            return float(np.median(values))
    return float("inf")


def describe_position(training: "Trainer") -> str:
    """`3`, or `3 and 120 of 430 updates`."""
    epoch, step = training.position
    return f"{epoch} and {step} of {training.per_epoch} updates" if step else f"{epoch}"


def read_latest(folder: Path) -> Checkpoint | None:
    """The latest that can be read, None where there is none at all; says which later ones can't.

    Raises:
        InputError: there are some, and none can be read.
    """
    reasons: list[str] = []
    for path in checkpoint_file.newest(folder):
        try:
            found = checkpoint_file.read(path)
            check_facts(path, found.facts)
        except InputError as error:
            reasons.append(str(error))
            continue
        for reason in reasons:
            log.warning("%s; one before it is used", reason)
        return found
    if reasons:
        raise InputError(f"{reasons[0]}; nor can any other in {folder} be read")
    return None


def check_facts(path: Path, facts: Mapping[str, Any]) -> None:
    """Raises InputError unless they are those of a training."""
    identity, scores = facts.get("identity"), facts.get("scores")
    counted = all(type(facts.get(key)) is int and facts[key] >= 0 for key in ("epoch", "step"))
    measured = all(isinstance(facts.get(key), float | int) for key in ("train_seconds", "examples"))
    scored = isinstance(scores, dict) and all(isinstance(score, float | int) for score in scores.values())
    if not (isinstance(identity, dict) and counted and measured and scored):
        raise InputError(f"{path}: not a checkpoint of a training")


def identities(folder: Path) -> Sequence[Mapping[str, Any]]:
    """The identities of all checkpoints in the folders below this one, those that can't be read left out."""
    found = []
    for each in sorted(folder.glob("*/")):
        with suppress(InputError):
            found.append(read_latest(each))
    return [each.facts["identity"] for each in found if each is not None]


@contextmanager
def exclusive_folder_lock(folder: Path) -> Iterator[None]:
    """Holds a folder while something is trained in it; InputError if another process does."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        held = FileLock(folder / LOCK).acquire(timeout=0)
    except Timeout:
        raise InputError(f"{folder}: another process is training there; allowed: when it has ended") from None
    with held:
        yield
