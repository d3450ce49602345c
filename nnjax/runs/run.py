"""The story of a run: data -> gradients checked -> epochs -> test -> run folder -> MLflow."""

import dataclasses
import logging
import os
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from nnjax.config import lanes, schema, validation
from nnjax.config.schema import Config
from nnjax.data import sources
from nnjax.data.dataset import Dataset
from nnjax.errors import InputError, TrainingError
from nnjax.network import gradient_check
from nnjax.network.gradient_check import GradientCheck
from nnjax.network.losses import LOSSES
from nnjax.reporting import run_figures, run_names, run_page, summary
from nnjax.runs import build, checkpoints, compile_cache, provenance, run_folder
from nnjax.runs.checkpoint_file import Checkpoint
from nnjax.runs.checkpoints import Checkpointer
from nnjax.runs.progress import Progress
from nnjax.runs.run_logger import RunLogger, name_of
from nnjax.system import secrets, signals
from nnjax.system.times import Times
from nnjax.training import compiler_options
from nnjax.training.batches import Split
from nnjax.training.precision import PRECISIONS
from nnjax.training.result import TrainingResult
from nnjax.training.train_state import DIVERGED
from nnjax.training.trainer import Trainer

log = logging.getLogger(__name__)


class RunResult(NamedTuple):
    """What a run came to: its folder, what it found, its summary, and the objective's value (`results.objective`)."""

    folder: Path
    outcome: TrainingResult
    facts: summary.RunSummary
    objective: float


def run(
    config: Config, folder: Path, start_folder: Path, times: Times | None = None, typed: Sequence[str] = ()
) -> RunResult:
    """One run, from plain records to a run folder and a run in MLflow.

    times: of the command that asks for it, with what it has taken so far; None: counted from here. typed: its settings.

    Raises:
        InputError: data, platform or store can't be had as asked.
        TrainingError: the gradients differ, or the loss stopped being finite; folder and MLflow keep what was found.
    """
    times = times or Times()
    with times.part("data"):
        dataset = load(config)
    prepare_jax(config)
    settings = secrets.without_passwords(dataclasses.asdict(config))
    units = build.units(config, dataset)
    checkpointer = Checkpointer(folder / checkpoints.FOLDER, config.checkpoint.every, identity(config, dataset))
    saved = checkpointer.latest()
    check_epochs(config, saved)
    known = name_of(folder) if saved is not None else None
    name = config.tracking.run_name or known or run_names.run_name(settings, units, dataset.called, typed)
    width = shutil.get_terminal_size().columns
    log.info("%s\n%s", name, textwrap.fill(dataset.notice or run_folder.describe_data(dataset), width))
    log_batch(config, dataset)
    run_folder.write_settings(folder, settings)
    with RunLogger(config, settings, dataset, name, folder, start_folder) as logger:
        network = run_names.network(config.model.name, config.loss.name, units)
        precision = PRECISIONS[config.runtime.precision].words
        described = {"model": network, "data": run_folder.describe_data(dataset), "precision": precision}
        hashing = ThreadPoolExecutor(1).submit(provenance.of_data, dataset)  # which holds up no Python
        depends = provenance.of_program(device())
        logger.log_tags({"run_folder": folder, **depends, **described})
        with times.part("check"):
            check = check_gradients(config, dataset, folder)
        depends |= hashing.result()
        logger.log_tags(hashing.result())
        if check is not None:
            logger.log_metrics({} if check.passed else run_folder.check_metrics(check), epoch=0)
            accept(check)
        training = build.training([config], dataset)
        times.add("compile", training.compile_seconds)
        logger.start_upload()
        if saved is not None:
            checkpointer.restore(training, saved)
        try:
            train(config, training, folder, logger, checkpointer, times)
        finally:  # not before: MLflow shows metrics in the order in which they come, and compares by the first
            logger.log_metrics({} if check is None else run_folder.check_metrics(check), epoch=0)
        with times.part("evaluate"):
            outcome = evaluate(config, dataset, training)
        if not np.isfinite(outcome.test["test/loss"]):
            refuse_divergence(config, outcome.history, outcome.epochs, "the test loss", logger)
        logger.log_result(outcome)
        with times.part("model"):
            logger.log_model(run_folder.write_network(folder, config, dataset, outcome))
            logger.log_tags(run_folder.write_provenance(folder, depends))
        with times.part("figures"):
            run_figures.write(folder, config, dataset, outcome)
        logger.log_files()
        with times.part("store"):
            logger.flush()
        shown = os.path.relpath(folder, start_folder)
        facts = run_folder.facts(name, shown, config, dataset, outcome, check, times.seconds, logger.where())
        with times.part("report"):
            run_page.write(folder, facts, config, dataset, outcome, provenance.read(folder / provenance.FILE))
        times.reached("total")
        logger.log_metrics(times.metrics(), outcome.epochs)
        logger.log_summary(facts)
        run_folder.write_summary(folder, facts)
        log.info("\n%s", summary.summary(facts, width))
    objective = outcome.history[run_folder.objective(config, dataset)][outcome.kept_epoch]
    return RunResult(folder, outcome, facts, float(objective))


def load(config: Config) -> Dataset:
    """The data that the configuration names.

    Raises:
        InputError: they can't be had, or are no task for the loss.
    """
    dataset = sources.load(**schema.source(config))
    for lane in lanes.lane_configs(config):
        validation.check_task(lane, dataset.task)
        validation.check_inputs(lane, dataset.preprocessing.shape)
    return build.limited(config, dataset)


def check_epochs(config: Config, saved: Checkpoint | None) -> None:
    """Raises InputError where a run is to go on to an epoch that it is beyond."""
    if saved is not None and saved.facts["epoch"] > config.training.epochs:
        done = saved.facts["epoch"]
        raise InputError(f"training.epochs={config.training.epochs}: {done} are trained; allowed: {done} or more")


def log_batch(config: Config, dataset: Dataset) -> None:
    """Says how many instances an update has, where it is not as many as asked for."""
    if batch := run_folder.describe_batch(config, dataset):
        log.info("batch: %s", batch)


def prepare_jax(config: Config) -> None:
    """Chooses the platform, a device a core on CPUs, the precision, and where compiled programs are kept.

    Raises:
        InputError: the platform isn't there.
    """
    runtime = config.runtime
    if runtime.platform != "auto":
        jax.config.update("jax_platforms", "cpu" if runtime.platform == "cpu" else f"{runtime.platform},cpu")
    compiler_options.use()
    precision = PRECISIONS[runtime.precision]
    jax.config.update("jax_enable_x64", precision.x64)  # of the process: another job in it may want another, in turn
    jax.config.update("jax_default_matmul_precision", precision.matmul)
    compile_cache.use(runtime.compile_cache)
    try:
        there = jax.device_count()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"runtime.platform={runtime.platform}: not to be had here ({reason}); allowed: auto, cpu"
        ) from None
    started = {"gpu": "cuda"}.get(jax.default_backend(), jax.default_backend())
    if runtime.platform not in ("auto", started):
        rule = f"JAX has started on {started} in this process"
        raise InputError(f"runtime.platform={runtime.platform}: {rule}; allowed: auto, {started}, or a new process")
    if runtime.devices is not None and runtime.devices > there:
        raise InputError(f"runtime.devices={runtime.devices}: must be at most the {there} that are here")


def device() -> str:
    """The device that trains, such as `cpu` or `NVIDIA H200`."""
    return str(jax.devices()[0].device_kind)


def check_gradients(config: Config, dataset: Dataset, folder: Path) -> GradientCheck | None:
    """Compares the gradients (L32) and writes both errors; None where the check is switched off.

    Raises:
        TrainingError: they are not finite.
    """
    if not config.training.gradient_check:
        return None
    try:
        check = gradient_check.check(build.model(config, dataset), LOSSES[config.loss.name], config.seed)
    except FloatingPointError as error:
        raise TrainingError(f"{error}; training.gradient_check=false goes on without") from None
    run_folder.write_check(folder, check)
    return check


def accept(check: GradientCheck) -> None:
    """Raises TrainingError where the gradients differ."""
    if not check.passed:
        raise TrainingError(f"the gradients differ, so nothing was trained:\n{run_folder.check_table(check)}")
    log.info("gradients by hand: %s", run_folder.check_words(check))


def identity(config: Config, dataset: Dataset) -> dict[str, Any]:
    """What must be the same where a run goes on: all that determines its result but the number of epochs."""
    settings = secrets.without_passwords(lanes.settings(config))
    return {key: value for key, value in settings.items() if key != "training.epochs"} | {"data": dataset.digest}


def train(
    config: Config, training: Trainer, folder: Path, logger: RunLogger, checkpointer: Checkpointer, times: Times
) -> None:
    """Runs the epochs, showing, recording and saving each chunk; the first is what was there before.

    Raises:
        TrainingError: the loss stopped being finite.
        Interrupted: by a signal; what was trained is saved.
    """
    trace = jax.profiler.trace(str(folder / "profile")) if config.runtime.profile else nullcontext()
    before = training.train_seconds  # of a run that goes on, an earlier command's
    try:
        with signals.caught() as stop:
            with trace, Progress(config.training.epochs) as progress:
                for number, chunk in enumerate(training.chunks(checkpointer.epochs)):
                    if number:
                        times.reached("first_step")
                    progress.show(chunk)
                    logger.log_epochs(chunk)
                    checkpointer.maybe_save(training)
                    if stop.requested:
                        break
            checkpointer.save(training)
    except KeyboardInterrupt:
        log.info(
            "interrupted after epoch %s: resume=%s goes on",
            checkpoints.describe_position(training),
            os.path.relpath(folder),
        )
        logger.log_tags({"stopped": "interrupted"})
        raise
    finally:
        times.add("train", training.train_seconds - before)
        run_folder.write_history(folder, lane_history(training))
    if training.status[0] == DIVERGED:
        history, epoch = lane_history(training), int(training.epochs[0])
        refuse_divergence(config, history, epoch, run_folder.not_finite(history, epoch), logger)


def refuse_divergence(
    config: Config, history: Mapping[str, np.ndarray], epoch: int, what: str, logger: RunLogger
) -> None:
    """Tags the run with the epoch and a hint, and raises TrainingError that says what is not finite."""
    hint = run_folder.divergence_hint(config, history, epoch)
    logger.log_tags({"stopped": "diverged", "diverged_epoch": epoch, "hint": hint})
    raise TrainingError(f"{what} is not finite in epoch {epoch}: {hint}")


def lane_history(training: Trainer) -> dict[str, np.ndarray]:
    """The history of the one lane, up to the epoch in which it stopped."""
    return {name: values[0, : int(training.epochs[0]) + 1] for name, values in training.history().items()}


def evaluate(config: Config, dataset: Dataset, training: Trainer) -> TrainingResult:
    """The trained network on the test part, once."""
    test = training.evaluate(config.training.keep, Split(*dataset.test))
    validated = len(dataset.validation.y) > 0
    best, last = int(training.best_epoch[0]) if validated else None, int(training.epochs[0])
    return TrainingResult(
        params=tuple(
            (np.asarray(layer.Theta[0]), np.asarray(layer.b[0])) for layer in training.params(config.training.keep)
        ),
        history=lane_history(training),
        test={name: float(values[0]) for name, values in training.named("test", *test, dataset.test.y).items()},
        stopped=training.stopped[0],
        epochs=last,
        best_epoch=best,
        kept_epoch=best if best is not None and config.training.keep == "best" else last,
        updates=last * training.per_epoch,
        examples_per_second=training.examples / training.train_seconds,
    )
