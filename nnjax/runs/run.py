"""One run from start to end: data, gradient check, training, test, run folder, MLflow."""

import logging
import os
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from nnjax.config.schema import Config
from nnjax.errors import InputError, TrainingError
from nnjax.network.gradient_check import GradientCheck
from nnjax.reporting import run_figures, run_names, run_page, summary
from nnjax.reporting.summary import RunSummary
from nnjax.runs import build, check, checkpoints, jax_setup, provenance, run_folder
from nnjax.runs.checkpoint_file import Checkpoint
from nnjax.runs.checkpoints import Checkpointer
from nnjax.runs.divergence import divergence_hint, find_nonfinite
from nnjax.runs.fit import fit
from nnjax.runs.plan import RunPlan, make_plan
from nnjax.runs.run_logger import RunLogger, name_of
from nnjax.runs.run_summary import summarize
from nnjax.system.times import Times
from nnjax.training.batches import Split
from nnjax.training.precision import PRECISIONS
from nnjax.training.result import TrainingResult, lane_results
from nnjax.training.train_state import DIVERGED
from nnjax.training.trainer import Chunk, Trainer

log = logging.getLogger(__name__)


class RunResult(NamedTuple):
    """A finished run: its folder, its result, its summary, and the value of its objective."""

    folder: Path
    result: TrainingResult
    summary: RunSummary
    objective: float


def run(
    config: Config, folder: Path, start_folder: Path, times: Times | None = None, overrides: Sequence[str] = ()
) -> RunResult:
    """Train one network, write the results into its folder, record them in MLflow, and return them.

    times: what the command has measured so far; None: measuring starts here. overrides: the settings as typed.

    Raises InputError for data, a platform or a store that is not available. Raises TrainingError if the gradients
    differ, or if the loss is not finite; the folder and MLflow keep everything until then.
    """
    times = times or Times()
    with times.part("data"):
        plan = make_plan(config)
    jax_setup.configure(config.runtime)
    checkpointer = Checkpointer(folder / checkpoints.FOLDER, config.checkpoint.every, plan.identity)
    checkpoint = checkpointer.latest()
    check_epochs(config, checkpoint)
    name = name_run(plan, folder, overrides, resumed=checkpoint is not None)
    announce(name, plan)
    run_folder.write_settings(folder, plan.settings)
    with RunLogger(plan, name, folder, start_folder) as logger:
        gradients, dependencies = check_and_describe(plan, folder, logger, times)
        trainer = build.make_trainer([config], plan.dataset)
        times.add("compile", trainer.compile_seconds)
        run_figures.import_beside_training(config)
        if checkpoint is not None:
            checkpointer.restore(trainer, checkpoint)
        try:
            train(plan, trainer, folder, logger, checkpointer, times)
        finally:  # last, since MLflow shows metrics in the order in which they were logged
            logger.log_metrics(check.error_metrics(gradients), epoch=0)
        with times.part("evaluate"):
            result = evaluate(plan, trainer, logger)
        save(plan, folder, result, dependencies, logger, times)
        run_summary = report(plan, name, folder, start_folder, result, gradients, logger, times)
    return RunResult(folder, result, run_summary, result.metric_at(plan.objective, result.kept_epoch))


def check_epochs(config: Config, checkpoint: Checkpoint | None) -> None:
    """Raise InputError if a resumed run has more epochs than `training.epochs`."""
    if checkpoint is not None and checkpoint.facts["epoch"] > config.training.epochs:
        done = checkpoint.facts["epoch"]
        raise InputError(
            f"training.epochs={config.training.epochs} is less than what is trained. Allowed: {done} or more."
        )


def name_run(plan: RunPlan, folder: Path, overrides: Sequence[str], resumed: bool) -> str:
    """Return `tracking.run_name`, or the name that a resumed run had, or a new name made from the settings."""
    earlier_name = name_of(folder) if resumed else None
    new_name = run_names.run_name(plan.settings, plan.units, plan.dataset.display_name, overrides)
    return plan.config.tracking.run_name or earlier_name or new_name


def announce(name: str, plan: RunPlan) -> None:
    """Log the run's name, its data, and the batch size if it is smaller than `training.batch_size`."""
    log.info("%s\n%s", name, textwrap.fill(plan.announcement, shutil.get_terminal_size().columns))
    if plan.batch_description:
        log.info("batch: %s", plan.batch_description)


def check_and_describe(
    plan: RunPlan, folder: Path, logger: RunLogger, times: Times
) -> tuple[GradientCheck | None, Mapping[str, str]]:
    """Check the gradients, record what the result depends on, and return the check and these dependencies.

    Raises TrainingError if the gradients differ, after recording their errors.
    """
    hashing = ThreadPoolExecutor(1).submit(provenance.digest_data, plan.dataset)  # sha256 releases the GIL
    program = provenance.collect_program(jax_setup.device_kind())
    precision = PRECISIONS[plan.config.runtime.precision].description
    described = {"model": plan.network_name, "data": plan.data_description, "precision": precision}
    logger.log_tags({"run_folder": folder, **program, **described})
    with times.part("check"):
        gradients = check.check_gradients(plan, folder)
    data = hashing.result()
    logger.log_tags(data)
    if gradients is not None and not gradients.passed:
        logger.log_metrics(check.error_metrics(gradients), epoch=0)
    check.require_agreement(gradients)
    return gradients, {**program, **data}


def train(
    plan: RunPlan, trainer: Trainer, folder: Path, logger: RunLogger, checkpointer: Checkpointer, times: Times
) -> None:
    """Train all epochs, and write the history also after an error.

    Raises TrainingError if the loss is not finite, and Interrupted after a signal; what was trained is saved.
    """
    seconds_before = trainer.train_seconds  # by earlier commands of a resumed run
    trace = jax.profiler.trace(str(folder / "profile")) if plan.config.runtime.profile else nullcontext()

    def note_first_step(chunk: Chunk) -> None:
        if trainer.train_seconds > seconds_before:
            times.mark("first_step")

    try:
        with trace:
            fit(trainer, checkpointer, f"resume={os.path.relpath(folder)} goes on", note_first_step, logger.log_epochs)
    except KeyboardInterrupt:
        logger.log_tags({"stopped": "interrupted"})
        raise
    finally:
        times.add("train", trainer.train_seconds - seconds_before)
        history = {name: values[0, : int(trainer.epochs[0]) + 1] for name, values in trainer.history().items()}
        run_folder.write_history(folder, history)
    if trainer.status[0] == DIVERGED:
        epoch = int(trainer.epochs[0])
        raise divergence(find_nonfinite(history, epoch), history, epoch, plan, logger)


def evaluate(plan: RunPlan, trainer: Trainer, logger: RunLogger) -> TrainingResult:
    """Evaluate the trained network on the test part, once; raise TrainingError if the loss is not finite."""
    (result,) = lane_results(trainer, plan.config.training.keep, Split(*plan.dataset.test))
    if result.stopped == "diverged":
        raise divergence("the test loss", result.history, result.epochs, plan, logger)
    logger.log_result(result)
    return result


def divergence(
    what: str, history: Mapping[str, np.ndarray], epoch: int, plan: RunPlan, logger: RunLogger
) -> TrainingError:
    """Tag the run with the epoch and a hint; return the error to raise, which says that `what` is not finite."""
    hint = divergence_hint(plan.config, history, epoch)
    logger.log_tags({"stopped": "diverged", "diverged_epoch": epoch, "hint": hint})
    return TrainingError(f"{what} is not finite in epoch {epoch}: {hint}")


def save(
    plan: RunPlan,
    folder: Path,
    result: TrainingResult,
    dependencies: Mapping[str, str],
    logger: RunLogger,
    times: Times,
) -> None:
    """Write the network, its provenance and its figures into the folder, and record them."""
    with times.part("model"):
        logger.log_model(run_folder.write_network(folder, plan.network_metadata, result.params))
        logger.log_tags(run_folder.write_provenance(folder, dependencies))
    with times.part("figures"):
        run_figures.write(folder, plan.config, plan.dataset, result)
    logger.log_files()
    with times.part("store"):
        logger.flush()


def report(
    plan: RunPlan,
    name: str,
    folder: Path,
    start_folder: Path,
    result: TrainingResult,
    gradients: GradientCheck | None,
    logger: RunLogger,
    times: Times,
) -> RunSummary:
    """Write the page and the summary, record and print the summary, and return it."""
    shown_folder = os.path.relpath(folder, start_folder)
    run_summary = summarize(plan, name, shown_folder, result, gradients, times.seconds, logger.where())
    with times.part("report"):
        dependencies = provenance.read(folder / provenance.FILE)
        run_page.write(folder, run_summary, plan.config, plan.dataset, result, dependencies)
    times.mark("total")
    logger.log_metrics(times.metrics(), result.epochs)
    logger.log_summary(run_summary)
    run_folder.write_summary(folder, run_summary)
    log.info("\n%s", summary.summary(run_summary, shutil.get_terminal_size().columns))
    return run_summary
