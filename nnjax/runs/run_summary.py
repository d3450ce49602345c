"""The summary of a finished run, made from its plan and its result."""

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
    location: tuple[str, str],
) -> RunSummary:
    """Return the summary of a finished run; location: its id in the store and the command that shows it."""
    best = {} if result.best_epoch is None else metrics_at(result, result.best_epoch, "validation/")
    return RunSummary(
        name=name,
        data=plan.data_description,
        notice=plan.dataset.notice,
        batch=plan.batch_description,
        model=plan.network_name,
        parameters=sum(Theta.size + b.size for Theta, b in result.params),
        metrics={**metrics_at(result, result.kept_epoch, "validation/"), **result.test},
        last=metrics_at(result, result.epochs, "train/", "validation/"),
        best=best,
        stopped=f"{result.stopped}, after epoch {result.epochs}",
        best_epoch=result.best_epoch,
        gradient_check=check.describe_check(gradients),
        times=times,
        run_id=location[0],
        look=location[1],
        folder=folder,
    )


def metrics_at(result: TrainingResult, epoch: int, *parts: str) -> dict[str, float]:
    """Return the metrics that were measured after an epoch and whose names begin with one of `parts`."""
    values = {name: result.metric_at(name, epoch) for name in result.history if name.startswith(parts)}
    return {name: value for name, value in values.items() if np.isfinite(value)}
