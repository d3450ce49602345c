"""The summary of a finished run, from its plan and its result."""

from collections.abc import Mapping

import numpy as np

from nnjax.network.gradient_check import GradientCheck
from nnjax.reporting.summary import RunSummary
from nnjax.runs import check
from nnjax.runs.plan import RunPlan
from nnjax.training.result import TrainingResult


def summarize(
    plan: RunPlan,
    name: str,
    folder: str,
    result: TrainingResult,
    gradients: GradientCheck | None,
    times: Mapping[str, float],
    where: tuple[str, str],
) -> RunSummary:
    """Return the summary of a finished run; where: its id in the store and the command to look at it."""
    best = {} if result.best_epoch is None else scores(result, result.best_epoch, "validation/")
    return RunSummary(
        name=name,
        data=plan.data_description,
        notice=plan.dataset.notice,
        batch=plan.batch_description,
        model=plan.network_name,
        parameters=sum(Theta.size + b.size for Theta, b in result.params),
        metrics={**scores(result, result.kept_epoch, "validation/"), **result.test},
        last=scores(result, result.epochs, "train/", "validation/"),
        best=best,
        stopped=f"{result.stopped}, after epoch {result.epochs}",
        best_epoch=result.best_epoch,
        gradient_check=check.in_words(gradients),
        times=times,
        run_id=where[0],
        look=where[1],
        folder=folder,
    )


def scores(outcome: TrainingResult, epoch: int, *parts: str) -> dict[str, float]:
    """The metrics of these parts after an epoch, those that were measured."""
    found = {name: float(row[epoch]) for name, row in outcome.history.items() if name.startswith(parts)}
    return {name: value for name, value in found.items() if np.isfinite(value)}
