"""A run's page, report.html: what ran, on which data, what came out, its figures, and how to do it again."""

import dataclasses
import shlex
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nnjax.config.schema import Config
from nnjax.data.dataset import Dataset
from nnjax.reporting import summary
from nnjax.system import secrets
from nnjax.system.times import MOMENTS
from nnjax.training.result import TrainingResult

FILE = "report.html"
MEASURES = ("loss", "cost", "accuracy", "rmse", "r2")  # of which a page shows those that were measured
CLASSES = 20  # names that a page shows


def write(
    folder: Path,
    facts: summary.RunSummary,
    config: Config,
    dataset: Dataset,
    outcome: TrainingResult,
    provenance: Mapping[str, str],
) -> None:
    """Write the page of a finished run, with the figures that its folder has, unless the page is switched off.

    provenance: what the result depends on, name -> text.
    """
    if not config.tracking.report:
        return
    from nnjax.config import defaults
    from nnjax.reporting import page

    given = secrets.remove_passwords(dataclasses.asdict(config))
    check = folder / "gradient_check.txt"
    page.write(
        folder / FILE,
        "run.html",
        title=facts.name,
        facts=facts,
        settings=defaults.compare_with_defaults(given),
        data=described(dataset),
        results=results(config, outcome),
        training=trained(facts, outcome),
        errors=check.read_text() if config.training.gradient_check and check.is_file() else "",
        pictures=page.pictures(folder / "figures") if config.tracking.figures else [],
        command=defaults.format_command(given),
        run=facts.run_id or shlex.quote(facts.folder),
        provenance=provenance,
    )


def described(dataset: Dataset) -> list[tuple[str, str]]:
    """The data's name, parts, classes and digest, a line each."""
    parts = {"training": dataset.train, "validation": dataset.validation, "test": dataset.test}
    names = ", ".join(dataset.classes[:CLASSES])
    more = f" and {len(dataset.classes) - CLASSES} more" if len(dataset.classes) > CLASSES else ""
    one = " x ".join(map(str, dataset.train.x.shape[1:]))
    return [
        ("name", dataset.name),
        ("source", secrets.remove_password(dataset.source)),
        *((name, f"{len(part.y):,} examples") for name, part in parts.items()),
        ("an example", f"{one} {'pixels' if dataset.train.x.ndim == 3 else 'numbers'}"),
        ("features", ", ".join(dataset.features[:CLASSES])),
        ("classes", names and f"{len(dataset.classes)}: {names}{more}"),
        ("target", dataset.target.name if dataset.target else ""),
        ("digest", dataset.digest),
    ]


def results(config: Config, outcome: TrainingResult) -> list[list[str]]:
    """A line of names, then training and validation at the best epoch and at the last, then the test."""
    measures = [name for name in MEASURES if name != "cost" or config.training.l2 > 0]
    epochs = {"best": outcome.best_epoch, "last": outcome.epochs}
    at = {f"{name} epoch, {epoch}": epoch for name, epoch in epochs.items() if epoch is not None}
    if outcome.best_epoch == outcome.epochs:
        at = {f"best and last epoch, {outcome.epochs}": outcome.epochs}
    lines = {
        f"{part}, {words}": {name: measured(outcome, f"{part}/{name}", epoch) for name in measures}
        for words, epoch in at.items()
        for part in ("train", "validation")
    }
    lines[f"test, network of epoch {outcome.kept_epoch}"] = {
        name: outcome.test.get(f"test/{name}", np.nan) for name in measures
    }
    shown = [name for name in measures if np.isfinite([line[name] for line in lines.values()]).any()]
    rows = [[words, *(number(line[name]) for name in shown)] for words, line in lines.items()]
    return [["", *shown], *(row for row in rows if {*row[1:]} != {"-"})]


def measured(outcome: TrainingResult, metric: str, epoch: int) -> float:
    """A metric after an epoch, nan where nobody measured it."""
    return float(outcome.history[metric][epoch]) if metric in outcome.history else np.nan


def number(value: float) -> str:
    """Four digits, or a dash for what was not measured."""
    return f"{value:.4g}" if np.isfinite(value) else "-"


def trained(facts: summary.RunSummary, outcome: TrainingResult) -> list[tuple[str, str]]:
    """How the training went, a line each."""
    parts = {part: value for part, value in facts.times.items() if part not in MOMENTS}
    seconds = ", ".join(f"{part} {value:.1f}" for part, value in parts.items())
    return [
        ("stopped", facts.stopped),
        ("updates", f"{outcome.updates:,}, {outcome.examples_per_second:,.0f} examples a second"),
        ("batch", facts.batch),
        ("seconds by part", seconds),
        ("run id", facts.run_id),
        ("folder", facts.folder),
    ]
