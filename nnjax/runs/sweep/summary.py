"""The summary of a sweep, in its folder and as text: table, histories, leaderboard, figures, the best lane."""

import csv
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nnjax.config.lanes import format_override
from nnjax.config.schema import Tracking
from nnjax.data.dataset import Dataset
from nnjax.reporting import run_figures
from nnjax.reporting.text import higher_is_better
from nnjax.runs import run_folder
from nnjax.runs.plan import make_plan
from nnjax.runs.sweep import statistics, storage
from nnjax.runs.sweep.sweep import Sweep, lane_result
from nnjax.system import atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_summary(sweep: Sweep, histories: Mapping[str, np.ndarray], tracking: Tracking) -> Dataset | None:
    """Write table, histories, leaderboard, figures, and the best lane's network and figures; return its dataset."""
    sweep.folder.mkdir(exist_ok=True)
    storage.write_table(sweep.folder / "lanes.parquet", sweep.lanes, {})
    with atomic.write_file(sweep.folder / "histories.npz") as file:
        np.savez_compressed(file, **histories)  # type: ignore[arg-type]
    rows = statistics.leaderboard(sweep.lanes, sweep.keys, sweep.objective)
    with atomic.write_file(sweep.folder / "leaderboard.csv") as file, file.open("w", newline="") as text:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    if tracking.figures:
        from nnjax.reporting.figures import style

        (sweep.folder / "figures").mkdir(exist_ok=True)
        for name, figure in figures(sweep, histories):
            with atomic.write_file(sweep.folder / "figures" / f"{name}.png") as file:
                style.save(figure, file)
    config = sweep.best()
    if config is None or not (tracking.figures or tracking.model):
        return None
    plan = make_plan(config)
    best = sweep.folder / "best"
    best.mkdir(exist_ok=True)
    result = lane_result(sweep, sweep.order[0], histories, plan.dataset)
    run_folder.write_network(best, plan.network_metadata, result.params)
    run_figures.write(best, config, plan.dataset, result)
    return plan.dataset


def figures(sweep: Sweep, histories: Mapping[str, np.ndarray]) -> Iterator[tuple[str, "Figure"]]:
    """Yield the figures by name: bands over the epochs, a map over two swept settings, the leaderboard."""
    from nnjax.reporting.figures import bands, heat_map, leaderboard

    curves = {name: values for name, values in histories.items() if name != "epoch"}
    yield "bands", bands.bands(histories["epoch"], curves, sweep.config.loss.name, band_names(sweep))
    boolean, regression = sweep.config.data.name == "boolean", sweep.group.dataset["task"] == "regression"
    metric = sweep.objective.replace("loss", "rmse" if regression else "accuracy")
    values = statistics.solved(sweep.lanes) if boolean else statistics.column(sweep.lanes, metric)
    axes = statistics.main_axes(sweep.lanes, sweep.keys, values)
    if axes:
        row, column = axes
        names = {key: word.replace("_", " ") for key, word in statistics.short_names(sweep.keys).items()}
        cells = heat_map.pivot(sweep.column(row), sweep.column(column), values)
        label = f"share of starts right in all {row_name(sweep)}s" if boolean else metric
        yield "heat_map", heat_map.heat_map(*cells, sweep.title, names[row], names[column], label)
    metrics = dict.fromkeys([sweep.objective, *statistics.metrics(sweep.lanes)])
    columns = {metric: statistics.column(sweep.lanes, metric) for metric in metrics if not metric.endswith("/norm")}
    lane_names = [statistics.name(lane, sweep.keys) for lane in sweep.lanes]
    yield "leaderboard", leaderboard.leaderboard(lane_names, columns, higher_is_better(sweep.objective))


def band_names(sweep: Sweep) -> list[str] | None:
    """Return each lane's value of the setting that explains most of the objective; None if only seeds were swept."""
    values = statistics.column(sweep.lanes, sweep.objective)
    keys = [key for key in sweep.keys if key not in statistics.REPEATS]
    if not keys:
        return None
    key = max(keys, key=lambda key: statistics.correlation_ratio(sweep.column(key), values))
    name = statistics.short_names(sweep.keys)[key]
    return [f"{name}={format_override(value)}" for value in sweep.column(key)]


def row_name(sweep: Sweep) -> str:
    """Return what a test row of a truth table is called: `held-out row`, or `row` if all rows are the test."""
    return "held-out row" if sweep.config.data.test_size else "row"


def metric_spreads(sweep: Sweep) -> dict[str, dict[str, float]]:
    """Return the spread over all lanes of each metric but the norms."""
    names = [name for name in statistics.metrics(sweep.lanes) if not name.endswith("/norm")]
    return {name: statistics.spread(statistics.column(sweep.lanes, name)) for name in names}


def describe_sweep(sweep: Sweep, start_folder: Path, run_id: str, look: str) -> list[tuple[str, str]]:
    """Return the lines of the summary, a name and a text each; run_id, look: of the sweep's run in the store, or ""."""
    diverged = len(sweep.lanes) - len(sweep.finished)
    compiles = sum(part.group.compiles for part in sweep.parts)
    best, learnt = "", ""
    if sweep.order:
        lane = sweep.lanes[sweep.order[0]]
        best = f"{statistics.name(lane, sweep.keys)}: {sweep.objective} {lane.metrics[sweep.objective]:.4g}"
    if sweep.config.data.name == "boolean":
        learnt = f"{statistics.solved(sweep.lanes).mean():.1%} of the lanes answer every {row_name(sweep)} right"
    return [
        ("sweep", sweep.title),
        ("data", sweep.group.dataset["described"]),
        ("lanes", f"{len(sweep.finished):,} finished, {diverged:,} diverged"),
        *(
            (name, "{mean:.4g} +- {std:.2g} ({min:.4g} to {max:.4g})".format(**spread))
            for name, spread in metric_spreads(sweep).items()
        ),
        ("learnt", learnt),
        ("best", best),
        ("compiled", f"{compiles} training program{'s' * (compiles != 1)}"),
        ("run id", run_id),
        ("folder", os.path.relpath(sweep.folder, start_folder)),
        ("look", look),
    ]
