"""One job of a sweep: its lanes share a program, are trained group by group, and are written to the sweep's folder."""

import hashlib
import logging
import math
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from nnjax.config import lanes
from nnjax.config.schema import Config
from nnjax.errors import InputError, TrainingError
from nnjax.runs import build, check, checkpoints, jax_setup, provenance, run_folder
from nnjax.runs.checkpoints import Checkpointer, exclusive_folder_lock
from nnjax.runs.fit import fit
from nnjax.runs.plan import RunPlan, make_plan, result_settings
from nnjax.runs.sweep import storage, upload
from nnjax.runs.sweep.callback import Running
from nnjax.runs.sweep.storage import DIVERGED, FINISHED, GroupInfo, Lane
from nnjax.training import layout
from nnjax.training.batches import Split
from nnjax.training.result import lane_results
from nnjax.training.trainer import Trainer

log = logging.getLogger(__name__)
HISTORY_EPOCHS = 100  # that the history of a lane keeps at most


class LaneConfig(NamedTuple):
    """The configuration of a lane, and its identity: the digest of all that its result depends on."""

    config: Config
    identity: str


class Place(NamedTuple):
    """Where a job of a sweep works: its own folder, and its sweep."""

    folder: Path
    sweep: Running

    @property
    def root(self) -> Path:
        """The folder of the sweep."""
        return self.sweep.root


def run(config: Config, folder: Path, sweep: Running) -> list[float | TrainingError]:
    """Train the lanes of a job that are missing or diverged; return an objective for each set of `lanes.values`.

    This is the mean over the seeds that did not diverge, or an error if all of them did.
    folder: the job's own.

    Raises InputError for data, a platform or a store that is not available, TrainingError if the gradients differ.
    """
    plan = make_plan(config)
    jax_setup.configure(config.runtime)
    digest = plan.dataset.digest
    job = [LaneConfig(lane, lanes.lane_identity(result_settings(lane), digest)) for lane in lanes.lane_configs(config)]
    finished = {lane.facts["member"] for lane in stored_lanes(sweep.root).values() if lane.facts["status"] == FINISHED}
    unfinished = list({lane.identity: lane for lane in job if lane.identity not in finished}.values())
    log.info("%s: %s", plan.announcement, count_lanes(len(unfinished), len(job)))
    if plan.batch_description:
        log.info("batch: %s", plan.batch_description)
    if unfinished:
        run_folder.write_settings(folder, plan.settings)
        upload.open_journal(sweep, plan.dataset.name)
        train(unfinished, plan, Place(folder, sweep))
    trained = stored_lanes(sweep.root)
    objectives = [trained[lane.identity].metrics.get(plan.objective, math.nan) for lane in job]
    return [point_objective(seeds) for seeds in np.reshape(objectives, (-1, config.lanes.seeds))]


def stored_lanes(root: Path) -> dict[str, Lane]:
    """Return all lanes in a sweep's folder by their identity."""
    return {lane.facts["member"]: lane for lane in storage.unique_lanes([*storage.parts(root)])}


def count_lanes(unfinished: int, total: int) -> str:
    """Return `256 lanes`, or `256 lanes, 56 to train, 200 skipped: finished before`."""
    lanes_of_job = f"{total} lane{'s' * (total != 1)}"
    if unfinished == total:
        return lanes_of_job
    return f"{lanes_of_job}, {unfinished} to train, {total - unfinished} skipped: finished before"


def point_objective(objectives: np.ndarray) -> float | TrainingError:
    """Return the mean over a point's seeds (seeds,), without those that diverged; return an error if all diverged."""
    finite = objectives[np.isfinite(objectives)]
    hint = "the loss is not finite in any lane: try a lower optimizer.learning_rate, or training.clip_norm=1"
    return float(finite.mean()) if len(finite) else TrainingError(hint)


def train(unfinished: Sequence[LaneConfig], plan: RunPlan, place: Place) -> None:
    """Train lanes in groups as large as memory and `lanes.max` allow, and in smaller ones if memory is exhausted.

    The groups that an earlier command did not finish are resumed first.
    """
    check.require_agreement(check.check_gradients(plan, place.folder))
    max_lanes = plan.config.lanes.max or layout.lanes_that_fit(
        build.estimate_memory([lane.config for lane in unfinished], plan.dataset), jax.devices()[0]
    )
    room = even_group_size(len(unfinished), min(max_lanes, len(unfinished)))
    for group in checkpoints.read_identities(place.root / checkpoints.FOLDER):
        by_identity = {lane.identity: lane for lane in unfinished}
        if {*group["members"]} <= {*by_identity}:
            train_group([by_identity.pop(identity) for identity in group["members"]], group["room"], plan, place)
            unfinished = list(by_identity.values())
    while unfinished:
        try:
            train_group(unfinished[:room], room, plan, place)
            unfinished = unfinished[room:]
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error) or room == 1:
                raise
            log.info("out of memory with %d lanes at once: continuing with half of them", room)
            room = even_group_size(len(unfinished), math.ceil(room / 2))


def even_group_size(lanes: int, max_lanes: int) -> int:
    """Return the size of groups of at most `max_lanes` and nearly equal size; the last one is padded to it."""
    return math.ceil(lanes / math.ceil(lanes / max_lanes))


def train_group(group: Sequence[LaneConfig], room: int, plan: RunPlan, place: Place) -> None:
    """Train lanes of one program and write them into the sweep's folder.

    room: the number of lanes that the program is compiled for. Raises InputError if another process trains them.
    """
    started, config = time.time(), plan.config
    trainer = build.make_trainer([lane.config for lane in group], plan.dataset, room, HISTORY_EPOCHS)
    compiles, identities = trainer.compiles, [lane.identity for lane in group]
    folder = place.root / checkpoints.FOLDER / hashlib.sha256("".join(identities).encode()).hexdigest()[:16]
    checkpointer = Checkpointer(folder, config.checkpoint.every, {"members": identities, "room": room})
    with exclusive_folder_lock(folder):
        restore(checkpointer, trainer)
        execution = layout.describe(config.lanes.strategy, len(group), trainer.plan)
        programs = f"{compiles} program{'s' * (compiles != 1)} compiled in {trainer.compile_seconds:.1f} s"
        log.info("%s, %s", execution, programs)
        fit(trainer, checkpointer, how_to_resume(config, place), lambda chunk: upload.check(place.sweep))
        part = storage.new_part(place.root)
        trained = list(lane_rows(group, trainer, plan, part, place.folder, (started, time.time())))
        info = group_info(plan, execution, compiles, trainer)
        layers = trainer.params(config.training.keep)
        params = tuple((np.asarray(layer.Theta), np.asarray(layer.b)) for layer in layers)
        metadata = {**plan.network_metadata, "lanes": len(group)}
        storage.write(part, trained, info, subsample_history(trainer), params, metadata)
        checkpointer.discard()


def restore(checkpointer: Checkpointer, trainer: Trainer) -> None:
    """Resume a group from its checkpoint; if none can be read, log that it is trained from the start."""
    try:
        checkpoint = checkpointer.latest()
        if checkpoint is not None:
            checkpointer.restore(trainer, checkpoint)
    except InputError as error:
        log.warning("%s These lanes are trained from the start.", error)


def how_to_resume(config: Config, place: Place) -> str:
    """Return a text that says which command resumes the sweep."""
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
            "called": dataset.display_name,
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
        provenance=provenance.collect(dataset, jax_setup.device_kind()),
    )


def lane_rows(
    group: Sequence[LaneConfig], trainer: Trainer, plan: RunPlan, part: Path, folder: Path, when: tuple[float, float]
) -> Iterator[Lane]:
    """Yield the row of each trained lane; when: start and end of the group's training, in seconds (time.time())."""
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
        yield Lane(facts, result_settings(lane.config), {} if diverged else result.metrics)


def subsample_history(trainer: Trainer) -> dict[str, np.ndarray]:
    """Return `epoch` (k,) and the measured metrics (lanes, k), at k <= HISTORY_EPOCHS epochs."""
    history, epochs = trainer.history(), trainer.history_epochs()
    rows = np.unique(np.linspace(0, len(epochs) - 1, HISTORY_EPOCHS).round().astype(int))
    measured = {name: values[:, rows] for name, values in history.items() if np.isfinite(values).any()}
    return {"epoch": epochs[rows], **measured}
