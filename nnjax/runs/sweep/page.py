"""The page of a sweep, report.html beside its summary: swept settings, statistics over its lanes, the best lane."""

import dataclasses
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nnjax.config.lanes import format_override
from nnjax.config.schema import Tracking
from nnjax.reporting.run_page import FILE
from nnjax.runs.sweep import statistics
from nnjax.runs.sweep.summary import metric_spreads
from nnjax.runs.sweep.sweep import Sweep
from nnjax.system import secrets

MAX_LANES = 20  # of the leaderboard
MAX_VALUES = 8  # of a swept setting
SUMMARY_LINES = ("lanes", "learnt", "best", "compiled", "run id", "folder")


def write(sweep: Sweep, rows: Sequence[tuple[str, str]], run_id: str, start_folder: Path, tracking: Tracking) -> None:
    """Write the page of a sweep whose summary is written; rows: from `describe_sweep`; run_id: "" without a store."""
    from nnjax.config import defaults
    from nnjax.reporting import page

    summary = dict(rows)
    best = sweep.best()
    place = sweep.order[0] if sweep.order else None
    root = run_id or os.path.relpath(sweep.root, start_folder)
    page.write(
        sweep.folder / FILE,
        "sweep.html",
        title=tracking.run_name or sweep.title,
        lead=summary["lanes"],
        swept=[(key, list_values(sweep.column(key))) for key in sweep.keys],
        settings=[
            setting
            for setting in defaults.compare_with_defaults(sweep.group.config)
            if setting.key not in sweep.keys and not setting.key.startswith("lanes.values")
        ],
        notice=sweep.group.dataset.get("notice", ""),
        data=[("data", secrets.remove_password(summary["data"])), ("digest", sweep.lanes[0].facts["data"])],
        summary=[(name, summary[name]) for name in SUMMARY_LINES],
        spreads=spread_table(sweep),
        board=leaderboard_table(sweep),
        board_title=f"The best {min(MAX_LANES, len(sweep.lanes))} of {len(sweep.lanes):,} lanes by {sweep.objective}:",
        errors=read_gradient_check(sweep),
        pictures=page.pictures(sweep.folder / "figures") if tracking.figures else [],
        best=summary["best"],
        best_pictures=page.pictures(sweep.folder / "best" / "figures") if tracking.figures else [],
        command=defaults.format_command(dataclasses.asdict(best)) if best is not None else "",
        run=shlex.quote(f"{root}:{place}"),
        sweep=shlex.quote(sweep.root.name) if run_id else "",
        provenance=sweep.group.provenance,
    )


def list_values(column: Sequence[Any]) -> str:
    """Return the different values of a swept setting, such as `0, 1, 2, 3, 4, 5, 6, 7 and 56 more`."""
    values = list(dict.fromkeys(map(format_override, column)))
    more = f" and {len(values) - MAX_VALUES} more" if len(values) > MAX_VALUES else ""
    return ", ".join(values[:MAX_VALUES]) + more


def spread_table(sweep: Sweep) -> list[list[str]]:
    """Return a line of column names, then a line for each metric."""
    return [
        ["metric", "mean", "standard deviation", "smallest", "largest"],
        *([name, *(f"{value:.4g}" for value in spread.values())] for name, spread in metric_spreads(sweep).items()),
    ]


def leaderboard_table(sweep: Sweep) -> list[list[str]]:
    """Return a line of column names, then a line for each of the best lanes: settings, objective, test metrics."""
    rows = statistics.leaderboard(sweep.lanes, sweep.keys, sweep.objective)[:MAX_LANES]
    tested = [name for name in statistics.metrics(sweep.lanes) if name.startswith("test/")]
    columns = [sweep.objective, *tested, "epochs", "stopped"]
    names = {"rank": "rank", **statistics.short_names(sweep.keys), **dict(zip(columns, columns, strict=True))}
    return [[*names.values()], *([format_cell(row.get(name)) for name in names] for row in rows)]


def format_cell(value: Any) -> str:
    """Return a value of the leaderboard as text: four digits, or a dash for one that a diverged lane lacks."""
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def read_gradient_check(sweep: Sweep) -> str | None:
    """Return the gradients' errors as text: "" if they were not checked, None if the file is on another machine."""
    if not sweep.config.training.gradient_check:
        return ""
    file = Path(sweep.lanes[-1].facts["folder"]) / "gradient_check.txt"
    return file.read_text() if file.is_file() else None
