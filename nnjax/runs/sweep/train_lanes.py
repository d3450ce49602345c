"""One job of a sweep: lanes that share a program, trained group by group, each group left in the sweep's folder."""

import dataclasses
import hashlib
import logging
import math
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from nnjax.config import lanes as members
from nnjax.config.schema import Config
from nnjax.data.dataset import Dataset
from nnjax.errors import InputError, TrainingError
from nnjax.reporting import run_names
from nnjax.runs import build, checkpoints, provenance, run_folder
from nnjax.runs import run as pipeline
from nnjax.runs.checkpoints import Checkpointer
from nnjax.runs.progress import Progress
from nnjax.runs.sweep import storage as kept
from nnjax.runs.sweep.parent_run import Parent
from nnjax.runs.sweep.storage import DIVERGED, FINISHED, GroupInfo, Lane
from nnjax.system import secrets, signals
from nnjax.training import layout
from nnjax.training.batches import Split
from nnjax.training.train_state import BY_LAYER
from nnjax.training.trainer import Trainer

log = logging.getLogger(__name__)
POINTS = 100  # epochs of a lane's history that are kept


class LaneConfig(NamedTuple):
    """A configuration and what identifies it."""

    config: Config
    identity: str


def run(config: Config, folder: Path, root: Path, start_folder: Path) -> list[float | TrainingError]:
    """Trains the members that aren't finished; a result for each point of `lanes.values`.

    A result is the mean objective over the point's seeds, or an error where none of them was trained to the end.

    Args:
        config: of the job, with `lanes`.
        folder: the job's own.
        root: the sweep's.
        start_folder: where the command was started.

    Raises:
        InputError: data, platform or store can't be had as asked.
        TrainingError: the gradients differ.
    """
    dataset = pipeline.load(config)
    pipeline.prepare_jax(config)
    lanes = [LaneConfig(lane, members.identity(told(lane), dataset.digest)) for lane in members.lane_configs(config)]
    done = {lane.facts["member"] for lane in kept.unique_lanes([*kept.parts(root)]) if lane.facts["status"] == FINISHED}
    todo = list({lane.identity: lane for lane in lanes if lane.identity not in done}.values())
    log.info("%s: %s", dataset.notice or run_folder.describe_data(dataset), count(len(todo), len(lanes)))
    pipeline.log_batch(config, dataset)
    if todo:
        run_folder.write_settings(folder, secrets.without_passwords(dataclasses.asdict(config)))
        with Parent(config, dataset.name, root, start_folder) as parent:
            train(todo, dataset, folder, root, parent)
    found = {lane.facts["member"]: lane for lane in kept.unique_lanes([*kept.parts(root)])}
    objective = run_folder.objective(config, dataset)
    values = [found[lane.identity].metrics.get(objective, math.nan) for lane in lanes]
    points = np.reshape(values, (-1, config.lanes.seeds))
    return [result(point) for point in points]


def told(config: Config) -> dict[str, Any]:
    """A member's settings, fit to be recorded."""
    return secrets.without_passwords(members.settings(config))


def count(todo: int, lanes: int) -> str:
    """`256 lanes`, or `256 lanes, 56 to train, 200 skipped: finished before`."""
    all_lanes = f"{lanes} lane{'s' * (lanes != 1)}"
    return all_lanes if todo == lanes else f"{all_lanes}, {todo} to train, {lanes - todo} skipped: finished before"


def result(values: np.ndarray) -> float | TrainingError:
    """The mean over a point's seeds, without those that diverged."""
    there = values[np.isfinite(values)]
    hint = "the loss stopped being finite; try a lower optimizer.learning_rate, or training.clip_norm=1"
    return float(there.mean()) if len(there) else TrainingError(hint)


def train(todo: Sequence[LaneConfig], dataset: Dataset, folder: Path, root: Path, parent: Parent) -> None:
    """Trains all of them, in groups as large as memory and `lanes.max` allow; out of memory, in smaller ones."""
    config = todo[0].config
    check = pipeline.check_gradients(config, dataset, folder)
    if check is not None:
        pipeline.accept(check)
    configs = [lane.config for lane in todo]
    fitting = layout.most_lanes(build.memory(configs, dataset), jax.devices()[0])
    room = even_group_size(len(todo), min(config.lanes.max or fitting, len(todo)))
    for found in checkpoints.identities(
        root / checkpoints.FOLDER
    ):  # groups that were being trained when a command ended
        names = {lane.identity: lane for lane in todo}
        if {*found["members"]} <= {*names}:
            again = [names.pop(name) for name in found["members"]]
            train_group(again, found["room"], dataset, folder, root, parent)
            todo = list(names.values())
    while todo:
        group, rest = todo[:room], todo[room:]
        try:
            train_group(group, room, dataset, folder, root, parent)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error) or room == 1:
                raise
            log.info("out of memory with %d lanes: going on with half of them at once", room)
            room = even_group_size(len(todo), -(-room // 2))
            continue
        todo = rest


def even_group_size(lanes: int, most: int) -> int:
    """The size of groups, about equal and not above `most`: they share a program, the last is filled up."""
    return -(-lanes // -(-lanes // most))


def train_group(
    group: Sequence[LaneConfig], room: int, dataset: Dataset, folder: Path, root: Path, parent: Parent
) -> None:
    """Trains lanes of one program and writes their part; InputError where another process trains the same."""
    started, config = time.time(), group[0].config
    training = build.training([lane.config for lane in group], dataset, room, POINTS)
    compiles, identities = training.compiles, [lane.identity for lane in group]
    place = root / checkpoints.FOLDER / hashlib.sha256("".join(identities).encode()).hexdigest()[:16]
    checkpointer = Checkpointer(place, config.checkpoint.every, {"members": identities, "room": room})
    with checkpoints.exclusive_folder_lock(place):
        restore(checkpointer, training)
        words = layout.describe(config.lanes.strategy, len(group), training.plan)
        programs = f"{compiles} program{'s' * (compiles != 1)} compiled in {training.compile_seconds:.1f} s"
        with Progress(config.training.epochs) as progress:
            log.info("%s, %s", words, programs)
            with signals.caught() as stop:
                for chunk in training.chunks(checkpointer.epochs):
                    progress.show(chunk)
                    parent.check()
                    checkpointer.maybe_save(training)
                    if stop.requested:
                        break
                checkpointer.save(training)
                if stop.requested:
                    log.info(
                        "interrupted after epoch %s: %s",
                        checkpoints.describe_position(training),
                        going_on(config, folder, root),
                    )
        part = kept.new_part(root)
        lanes = list(outcomes(group, training, dataset, part, folder, (started, time.time())))
        described = GroupInfo(
            config=secrets.without_passwords(dataclasses.asdict(config)),
            dataset={
                "name": dataset.name,
                "called": dataset.called,
                "source": dataset.source,
                "described": run_folder.describe_data(dataset),
                "notice": dataset.notice,
                "task": dataset.task,
                "network": run_names.network(config.model.name, config.loss.name, build.units(config, dataset)),
            },
            layout=words,
            compiles=compiles,
            compile_seconds=training.compile_seconds,
            train_seconds=training.train_seconds,
            examples_per_second=training.examples / max(training.train_seconds, 1e-9),
            provenance=provenance.of(dataset, pipeline.device()),
        )
        layers = training.params(config.training.keep)
        params = tuple((np.asarray(layer.Theta), np.asarray(layer.b)) for layer in layers)
        metadata = {**run_folder.network_metadata(config, dataset), "lanes": len(group)}
        kept.write(part, lanes, described, subsample_history(training, config), params, metadata)
        checkpointer.discard()


def restore(checkpointer: Checkpointer, training: Trainer) -> None:
    """Goes on where the group was; where nothing can be read, the group is trained from the start, which is said."""
    try:
        found = checkpointer.latest()
        if found is not None:
            checkpointer.restore(training, found)
    except InputError as error:
        log.warning("%s: trained from the start", error)


def going_on(config: Config, folder: Path, root: Path) -> str:
    """Which command goes on with a sweep."""
    if config.sweep.name is not None:
        return "the same command goes on"
    return f"the same command with hydra.{'run' if root == folder else 'sweep'}.dir={os.path.relpath(root)} goes on"


def outcomes(
    group: Sequence[LaneConfig],
    training: Trainer,
    dataset: Dataset,
    part: Path,
    folder: Path,
    when: tuple[float, float],
) -> Iterator[Lane]:
    """What became of each lane."""
    keep = group[0].config.training.keep
    test = training.evaluate(keep, Split(*dataset.test))
    tested = training.named("test", *test, dataset.test.y)
    validated = len(dataset.validation.y) > 0
    rows = training.measured("best" if keep == "best" and validated else "last")
    ends = zip(group, training.stopped, training.epochs.tolist(), training.best_epoch.tolist(), strict=True)
    for i, (lane, stopped, last, best) in enumerate(ends):
        diverged = stopped == "diverged" or not np.isfinite(test.loss[i])
        last -= stopped == "diverged"
        epoch = best if keep == "best" and validated else last
        measured = {name: float(values[i]) for name, values in rows.items() if not name.startswith(BY_LAYER)}
        measured |= {name: float(values[i]) for name, values in tested.items()}
        facts = {
            "member": lane.identity,
            "data": dataset.digest,
            "folder": str(folder),
            "part": part.name,
            "lane": i,
            "status": DIVERGED if diverged else FINISHED,
            "stopped": "diverged" if diverged else stopped,
            "epochs": last,
            "kept_epoch": epoch,
            "started": int(when[0] * 1000),
            "ended": int(when[1] * 1000),
        }
        metrics = {} if diverged else {name: value for name, value in measured.items() if np.isfinite(value)}
        yield Lane(facts, told(lane.config), metrics)


def subsample_history(training: Trainer, config: Config) -> dict[str, np.ndarray]:
    """Histories of all lanes at POINTS epochs at most, and those epochs; metrics that nobody measured left out."""
    history, epochs = training.history(), training.history_epochs()
    chosen = np.unique(np.linspace(0, len(epochs) - 1, POINTS).round().astype(int))
    there = {name: values[:, chosen] for name, values in history.items() if np.isfinite(values).any()}
    return {"epoch": epochs[chosen], **there}
