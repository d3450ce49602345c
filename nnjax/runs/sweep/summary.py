"""What a sweep's lanes say together, as files and in words: table, histories, leaderboard, figures, the best lane."""

import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nnjax.config import lanes
from nnjax.config.schema import Tracking
from nnjax.data.dataset import Dataset
from nnjax.reporting import run_figures
from nnjax.runs import run_folder
from nnjax.runs.plan import make_plan
from nnjax.runs.sweep import statistics
from nnjax.runs.sweep import storage as kept
from nnjax.runs.sweep.sweep import Sweep, result_of
from nnjax.system import atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_summary(sweep: Sweep, histories: Mapping[str, np.ndarray], tracking: Tracking) -> Dataset | None:
    """Table, histories, leaderboard, figures, and the best lane's network and figures; returns its data."""
    sweep.folder.mkdir(exist_ok=True)
    kept.write_table(sweep.folder / "lanes.parquet", sweep.lanes, {})
    with atomic.file(sweep.folder / "histories.npz") as file:
        np.savez_compressed(file, **histories)  # type: ignore[arg-type]
    rows = statistics.table(sweep.lanes, sweep.keys, sweep.objective)
    with atomic.file(sweep.folder / "leaderboard.csv") as file, file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    if tracking.figures:
        from nnjax.reporting.figures import style

        (sweep.folder / "figures").mkdir(exist_ok=True)
        for name, figure in figures(sweep, histories):
            with atomic.file(sweep.folder / "figures" / f"{name}.png") as file:
                style.save(figure, file)
    config = sweep.best()
    if config is None or not (tracking.figures or tracking.model):
        return None
    plan = make_plan(config)
    best = sweep.folder / "best"
    best.mkdir(exist_ok=True)
    result = result_of(sweep, sweep.order[0], histories, plan.dataset)
    run_folder.write_network(best, config, plan.dataset, result.params)
    run_figures.write(best, config, plan.dataset, result)
    return plan.dataset


def figures(sweep: Sweep, histories: Mapping[str, np.ndarray]) -> Iterator[tuple[str, "Figure"]]:
    """Bands over the epochs, a map over two swept settings, the leaderboard."""
    from nnjax.reporting.figures import bands, heat_map, leaderboard

    curves = {name: values for name, values in histories.items() if name != "epoch"}
    yield "bands", bands.bands(histories["epoch"], curves, sweep.config.loss.name, groups(sweep))
    table, regression = sweep.config.data.name == "boolean", sweep.group.dataset["task"] == "regression"
    metric = sweep.objective.replace("loss", "rmse" if regression else "accuracy")
    values = statistics.learnt(sweep.lanes) if table else statistics.column(sweep.lanes, metric)
    chosen = statistics.axes(sweep.lanes, sweep.keys, values)
    if chosen:
        row, column = chosen
        words = {key: word.replace("_", " ") for key, word in statistics.short(sweep.keys).items()}
        cells = heat_map.pivot(sweep.column(row), sweep.column(column), values)
        what = f"share of starts right in all {held_out(sweep)}rows" if table else metric
        yield "heat_map", heat_map.heat_map(*cells, sweep.title, words[row], words[column], what)
    board = [sweep.objective, *(each for each in statistics.metrics(sweep.lanes) if each != sweep.objective)]
    named = [statistics.name(lane, sweep.keys) for lane in sweep.lanes]
    columns = {metric: statistics.column(sweep.lanes, metric) for metric in board if not metric.endswith("/norm")}
    yield "leaderboard", leaderboard.leaderboard(named, columns, statistics.more_is_better(sweep.objective))


def groups(sweep: Sweep) -> list[str] | None:
    """For each lane the value of the setting that explains most of the objective, if one was swept beside seeds."""
    values = statistics.column(sweep.lanes, sweep.objective)
    keys = [key for key in sweep.keys if key not in statistics.REPEATS]
    if not keys:
        return None
    key = max(keys, key=lambda key: statistics.explained(sweep.column(key), values))
    word = statistics.short(sweep.keys)[key]
    return [f"{word}={lanes.format_override(value)}" for value in sweep.column(key)]


def held_out(sweep: Sweep) -> str:
    """Which rows of a truth table are the test, in a word: those not trained on, or none said where it is all."""
    return "held-out " if sweep.config.data.test_size else ""


def describe_sweep(sweep: Sweep, start_folder: Path, run_id: str, look: str) -> list[tuple[str, str]]:
    """The summary, a name and a text each."""
    diverged = len(sweep.lanes) - len(sweep.finished)
    names = [name for name in statistics.metrics(sweep.lanes) if not name.endswith("/norm")]
    spreads = {name: statistics.spread(statistics.column(sweep.lanes, name)) for name in names}
    compiles = sum(part.group.compiles for part in sweep.parts)
    best = sweep.lanes[sweep.order[0]] if sweep.order else None
    learnt = ""
    if sweep.config.data.name == "boolean":
        learnt = f"{statistics.learnt(sweep.lanes).mean():.1%} of the lanes answer every {held_out(sweep)}row right"
    return [
        ("sweep", sweep.title),
        ("data", sweep.group.dataset["described"]),
        ("lanes", f"{len(sweep.finished):,} finished, {diverged:,} diverged"),
        *((name, "{mean:.4g} +- {std:.2g} ({min:.4g} to {max:.4g})".format(**each)) for name, each in spreads.items()),
        ("learnt", learnt),
        (
            "best",
            ""
            if best is None
            else f"{statistics.name(best, sweep.keys)}: {sweep.objective} {best.metrics[sweep.objective]:.4g}",
        ),
        ("compiled", f"{compiles} training program{'s' * (compiles != 1)}"),
        ("run id", run_id),
        ("folder", os.path.relpath(sweep.folder, start_folder)),
        ("look", look),
    ]
