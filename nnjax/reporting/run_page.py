"""The page of a run, report.html: results, settings, data, figures, and how to run it again."""

import dataclasses
import shlex
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nnjax.config.schema import Config
from nnjax.data.dataset import Dataset
from nnjax.reporting import summary
from nnjax.reporting.text import number
from nnjax.system import secrets
from nnjax.training.result import TrainingResult

FILE = "report.html"
METRICS = ("loss", "cost", "accuracy", "rmse", "r2")  # columns of the results, those that were measured
CLASSES = 20  # names that a page shows
FEW_PARAMETERS = 30  # up to which a page shows them


def write(
    folder: Path,
    run: summary.RunSummary,
    config: Config,
    dataset: Dataset,
    outcome: TrainingResult,
    provenance: Mapping[str, str],
) -> None:
    """Write the page of a finished run with the figures in its folder, unless tracking.report=false.

    provenance: what the result depends on, name -> text.
    """
    if not config.tracking.report:
        return
    from nnjax.config import defaults
    from nnjax.reporting import page

    settings = secrets.remove_passwords(dataclasses.asdict(config))
    check = folder / "gradient_check.txt"
    page.write(
        folder / FILE,
        "run.html",
        title=run.name,
        facts=run,
        settings=defaults.compare_with_defaults(settings),
        data=data_rows(dataset),
        results=results(config, outcome),
        training=training_rows(run, outcome),
        parameters=parameter_rows(outcome) if run.parameters <= FEW_PARAMETERS else [],
        errors=check.read_text() if config.training.gradient_check and check.is_file() else "",
        pictures=page.pictures(folder / "figures") if config.tracking.figures else [],
        command=defaults.format_command(settings),
        run=run.run_id or shlex.quote(run.folder),
        provenance=provenance,
    )


def data_rows(dataset: Dataset) -> summary.Facts:
    """Return the name, parts, classes and digest of the data."""
    parts = {"training": dataset.train, "validation": dataset.validation, "test": dataset.test}
    names = ", ".join(dataset.classes[:CLASSES])
    more = f" and {len(dataset.classes) - CLASSES} more" if len(dataset.classes) > CLASSES else ""
    shape = " x ".join(map(str, dataset.train.x.shape[1:]))
    return [
        ("name", dataset.name),
        ("source", secrets.remove_password(dataset.source)),
        *((name, f"{len(part.y):,} examples" if len(part.y) else "") for name, part in parts.items()),
        ("each example", f"{shape} {'pixels' if dataset.train.x.ndim == 3 else 'numbers'}"),
        ("features", ", ".join(dataset.features[:CLASSES])),
        ("classes", names and f"{len(dataset.classes)}: {names}{more}"),
        ("target", dataset.target.name if dataset.target else ""),
        ("digest", dataset.digest),
    ]


def results(config: Config, outcome: TrainingResult) -> list[list[str]]:
    """Return a table: names of metrics, training and validation after the best and the last epoch, then the test."""
    metrics = [name for name in METRICS if name != "cost" or config.training.l2 > 0]
    epochs = {"best": outcome.best_epoch, "last": outcome.epochs}
    if outcome.best_epoch == outcome.epochs:
        epochs = {"best and last": outcome.epochs}
    lines = {
        f"{part}, {words} epoch, {epoch}": [outcome.metric_at(f"{part}/{name}", epoch) for name in metrics]
        for words, epoch in epochs.items()
        if epoch is not None
        for part in ("train", "validation")
    }
    lines[f"test, network of epoch {outcome.kept_epoch}"] = [
        outcome.test.get(f"test/{name}", np.nan) for name in metrics
    ]
    measured = [column for column in range(len(metrics)) if any(np.isfinite(line[column]) for line in lines.values())]
    rows = [[words, *(number(line[column]) for column in measured)] for words, line in lines.items()]
    return [["", *(metrics[column] for column in measured)], *(row for row in rows if {*row[1:]} != {"-"})]


def training_rows(run: summary.RunSummary, outcome: TrainingResult) -> summary.Facts:
    """Return how the training went, and where its results are."""
    facts = summary.facts(run)
    return [
        ("stopped", run.stopped),
        ("updates", f"{outcome.updates:,}"),
        ("speed", f"{outcome.examples_per_second:,.0f} examples a second"),
        ("batch", run.batch),
        *((name, text.replace(summary.UNBROKEN, " ")) for name, text in facts["time"]),
        *facts["place"][:2],
    ]


def parameter_rows(outcome: TrainingResult) -> summary.Facts:
    """Return each layer's Theta (n_out, n_in) and b (n_out,), with four digits."""
    return [
        (f"layer {layer}, {symbol}", np.array2string(values, precision=4, separator=", ").replace("\n", ""))
        for layer, arrays in enumerate(outcome.params, 1)
        for symbol, values in zip(("Theta", "b"), arrays, strict=True)
    ]
