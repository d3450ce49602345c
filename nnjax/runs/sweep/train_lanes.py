"""One job of a sweep: lanes that share a program, trained group by group; each group is kept in the sweep's folder."""

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

from nnjax.config import lanes
from nnjax.config.schema import Config
from nnjax.errors import InputError, TrainingError
from nnjax.runs import build, check, checkpoints, jax_setup, provenance, run_folder
from nnjax.runs.checkpoints import Checkpointer, exclusive_folder_lock
from nnjax.runs.fit import fit
from nnjax.runs.plan import RunPlan, make_plan
from nnjax.runs.progress import Progress
from nnjax.runs.sweep import storage
from nnjax.runs.sweep.parent_run import Parent
from nnjax.runs.sweep.storage import DIVERGED, FINISHED, GroupInfo, Lane
from nnjax.system import secrets
from nnjax.training import layout
from nnjax.training.batches import Split
from nnjax.training.result import lane_results
from nnjax.training.trainer import Trainer

log = logging.getLogger(__name__)
HISTORY_EPOCHS = 100  # of a lane's history that are kept


class LaneConfig(NamedTuple):
    """The configuration of a lane, and what identifies it."""

    config: Config
    identity: str


class Place(NamedTuple):
    """Where a job of a sweep works: its own folder, the sweep's root, and the sweep's run in the store."""

    folder: Path
    root: Path
    parent: Parent


def run(config: Config, folder: Path, root: Path, start_folder: Path) -> list[float | TrainingError]:
    """Train the lanes of a job that aren't finished; return a result for each point of `lanes.values`.

    A result is the mean objective over the point's seeds, or an error where none of them was trained to the end.
    folder: the job's own; root: the sweep's.

    Raises InputError for data, a platform or a store that can't be had as asked, TrainingError where gradients differ.
    """
    plan = make_plan(config)
    jax_setup.configure(config.runtime)
    digest = plan.dataset.digest
    job = [LaneConfig(lane, lanes.identity(lane_settings(lane), digest)) for lane in lanes.lane_configs(config)]
    finished = {lane.facts["member"] for lane in stored_lanes(root).values() if lane.facts["status"] == FINISHED}
    unfinished = list({lane.identity: lane for lane in job if lane.identity not in finished}.values())
    log.info("%s: %s", plan.announcement, count_lanes(len(unfinished), len(job)))
    if plan.batch_description:
        log.info("batch: %s", plan.batch_description)
    if unfinished:
        run_folder.write_settings(folder, plan.settings)
        with Parent(config, plan.dataset.name, root, start_folder) as parent:
            train(unfinished, plan, Place(folder, root, parent))
    trained = stored_lanes(root)
    objectives = [trained[lane.identity].metrics.get(plan.objective, math.nan) for lane in job]
    return [mean_objective(seeds) for seeds in np.reshape(objectives, (-1, config.lanes.seeds))]


def stored_lanes(root: Path) -> dict[str, Lane]:
    """Return all lanes in a sweep's folder by their identity."""
    return {lane.facts["member"]: lane for lane in storage.unique_lanes([*storage.parts(root)])}


def lane_settings(config: Config) -> dict[str, Any]:
    """Return the settings of a lane that its result depends on, fit to be recorded."""
    return secrets.without_passwords(lanes.settings(config))


def count_lanes(unfinished: int, total: int) -> str:
    """Return `256 lanes`, or `256 lanes, 56 to train, 200 skipped: finished before`."""
    lanes_of_job = f"{total} lane{'s' * (total != 1)}"
    if unfinished == total:
        return lanes_of_job
    return f"{lanes_of_job}, {unfinished} to train, {total - unfinished} skipped: finished before"


def mean_objective(objectives: np.ndarray) -> float | TrainingError:
    """Return the mean over a point's seeds, without those that diverged; an error where all did."""
    reached = objectives[np.isfinite(objectives)]
    hint = "the loss stopped being finite; try a lower optimizer.learning_rate, or training.clip_norm=1"
    return float(reached.mean()) if len(reached) else TrainingError(hint)


def train(unfinished: Sequence[LaneConfig], plan: RunPlan, place: Place) -> None:
    """Train lanes in groups as large as memory and `lanes.max` allow; out of memory, in smaller ones.

    Groups that were being trained when an earlier command ended are resumed first, as they were.
    """
    check.accept(check.check_gradients(plan, place.folder))
    max_lanes = plan.config.lanes.max or layout.lanes_that_fit(
        build.memory([lane.config for lane in unfinished], plan.dataset), jax.devices()[0]
    )
    room = even_group_size(len(unfinished), min(max_lanes, len(unfinished)))
    for checkpoint in checkpoints.identities(place.root / checkpoints.FOLDER):
        by_identity = {lane.identity: lane for lane in unfinished}
        if {*checkpoint["members"]} <= {*by_identity}:
            resumed = [by_identity.pop(identity) for identity in checkpoint["members"]]
            train_group(resumed, checkpoint["room"], plan, place)
            unfinished = list(by_identity.values())
    while unfinished:
        group, rest = unfinished[:room], unfinished[room:]
        try:
            train_group(group, room, plan, place)
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error) or room == 1:
                raise
            log.info("out of memory with %d lanes: going on with half of them at once", room)
            room = even_group_size(len(unfinished), -(-room // 2))
            continue
        unfinished = rest


def even_group_size(lanes: int, max_lanes: int) -> int:
    """Return the size of about equal groups of at most `max_lanes`; they share a program, and the last is padded."""
    return -(-lanes // -(-lanes // max_lanes))


def train_group(group: Sequence[LaneConfig], room: int, plan: RunPlan, place: Place) -> None:
    """Train lanes of one program and write them into the sweep's folder.

    room: how many lanes the program is compiled for. Raises InputError where another process trains the same lanes.
    """
    started, config = time.time(), plan.config
    trainer = build.trainer([lane.config for lane in group], plan.dataset, room, HISTORY_EPOCHS)
    compiles, identities = trainer.compiles, [lane.identity for lane in group]
    folder = place.root / checkpoints.FOLDER / hashlib.sha256("".join(identities).encode()).hexdigest()[:16]
    checkpointer = Checkpointer(folder, config.checkpoint.every, {"members": identities, "room": room})
    with exclusive_folder_lock(folder):
        restore(checkpointer, trainer)
        execution = layout.describe(config.lanes.strategy, len(group), trainer.plan)
        programs = f"{compiles} program{'s' * (compiles != 1)} compiled in {trainer.compile_seconds:.1f} s"
        with Progress(config.training.epochs) as progress:
            log.info("%s, %s", execution, programs)
            try:
                fit(trainer, checkpointer, progress.show, lambda chunk: place.parent.check())
            except KeyboardInterrupt:
                position = checkpoints.describe_position(trainer)
                log.info("interrupted after epoch %s: %s", position, how_to_resume(config, place))
                raise
        part = storage.new_part(place.root)
        trained = list(stored(group, trainer, plan, part, place.folder, (started, time.time())))
        info = group_info(plan, execution, compiles, trainer)
        layers = trainer.params(config.training.keep)
        params = tuple((np.asarray(layer.Theta), np.asarray(layer.b)) for layer in layers)
        metadata = {**run_folder.network_metadata(config, plan.dataset), "lanes": len(group)}
        storage.write(part, trained, info, subsample_history(trainer), params, metadata)
        checkpointer.discard()


def restore(checkpointer: Checkpointer, trainer: Trainer) -> None:
    """Resume a group from its checkpoint; where none can be read, log that it is trained from the start."""
    try:
        checkpoint = checkpointer.latest()
        if checkpoint is not None:
            checkpointer.restore(trainer, checkpoint)
    except InputError as error:
        log.warning("%s: trained from the start", error)


def how_to_resume(config: Config, place: Place) -> str:
    """Return which command resumes a sweep."""
    if config.sweep.name is not None:
        return "the same command goes on"
    folder = f"hydra.{'run' if place.root == place.folder else 'sweep'}.dir={os.path.relpath(place.root)}"
    return f"the same command with {folder} goes on"


def group_info(plan: RunPlan, execution: str, compiles: int, trainer: Trainer) -> GroupInfo:
    """Return how a group was trained, as it is stored beside its lanes."""
    dataset = plan.dataset
    return GroupInfo(
        config=plan.settings,
        dataset={
            "name": dataset.name,
            "called": dataset.called,
            "source": dataset.source,
            "described": plan.data_description,
            "notice": dataset.notice,
            "task": dataset.task,
            "network": plan.network_name,
        },
        layout=execution,
        compiles=compiles,
        compile_seconds=trainer.compile_seconds,
        train_seconds=trainer.train_seconds,
        examples_per_second=trainer.examples / max(trainer.train_seconds, 1e-9),
        provenance=provenance.of(dataset, jax_setup.device_kind()),
    )


def stored(
    group: Sequence[LaneConfig], trainer: Trainer, plan: RunPlan, part: Path, folder: Path, when: tuple[float, float]
) -> Iterator[Lane]:
    """Yield what is stored of each lane; when: the seconds (time.time()) in which the group was trained."""
    results = lane_results(trainer, plan.config.training.keep, Split(*plan.dataset.test))
    for number, (lane, result) in enumerate(zip(group, results, strict=True)):
        diverged = result.stopped == "diverged"
        facts = {
            "member": lane.identity,
            "data": plan.dataset.digest,
            "folder": str(folder),
            "part": part.name,
            "lane": number,
            "status": DIVERGED if diverged else FINISHED,
            "stopped": result.stopped,
            "epochs": result.epochs,
            "kept_epoch": result.kept_epoch,
            "started": int(when[0] * 1000),
            "ended": int(when[1] * 1000),
        }
        yield Lane(facts, lane_settings(lane.config), {} if diverged else result.metrics)


def subsample_history(trainer: Trainer) -> dict[str, np.ndarray]:
    """Return histories of all lanes at HISTORY_EPOCHS epochs at most, and those epochs, without unmeasured metrics."""
    history, epochs = trainer.history(), trainer.history_epochs()
    rows = np.unique(np.linspace(0, len(epochs) - 1, HISTORY_EPOCHS).round().astype(int))
    measured = {name: values[:, rows] for name, values in history.items() if np.isfinite(values).any()}
    return {"epoch": epochs[rows], **measured}
