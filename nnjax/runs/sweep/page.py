"""A sweep's page, report.html beside its summary: what was swept, all lanes together, the best one."""

import dataclasses
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnjax.config.lanes import format_override
from nnjax.config.schema import Tracking
from nnjax.reporting.run_page import FILE
from nnjax.runs.sweep import statistics
from nnjax.runs.sweep.sweep import Sweep
from nnjax.system import secrets

TOP = 20  # lanes of the leaderboard that a page shows
VALUES = 8  # of a swept setting that a page shows
TOLD = ("lanes", "learnt", "best", "compiled", "run id", "folder")  # of the summary's rows, beside the table of metrics


def write(sweep: Sweep, rows: Sequence[tuple[str, str]], run_id: str, start_folder: Path, tracking: Tracking) -> None:
    """The page of a sweep whose summary is written; rows: of `describe_sweep`; run_id: "" if no store knows it."""
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
        swept=[(key, values(sweep.column(key))) for key in sweep.keys],
        settings=[
            each
            for each in defaults.compare_with_defaults(sweep.group.config)
            if each.key not in sweep.keys and not each.key.startswith("lanes.values")
        ],
        notice=sweep.group.dataset.get("notice", ""),
        data=[("data", secrets.remove_password(summary["data"])), ("digest", sweep.lanes[0].facts["data"])],
        summary=[(name, summary[name]) for name in TOLD],
        spreads=spreads(sweep),
        board=board(sweep),
        board_title=f"The best {min(TOP, len(sweep.lanes))} of {len(sweep.lanes):,} lanes by {sweep.objective}:",
        errors=gradient_check(sweep),
        pictures=page.pictures(sweep.folder / "figures") if tracking.figures else [],
        best=summary["best"],
        best_pictures=page.pictures(sweep.folder / "best" / "figures") if tracking.figures else [],
        command=defaults.format_command(dataclasses.asdict(best)) if best is not None else "",
        run=shlex.quote(f"{root}:{place}"),
        sweep=shlex.quote(sweep.root.name) if run_id else "",
        provenance=sweep.group.provenance,
    )


def values(column: Sequence[Any]) -> str:
    """The different values of a swept setting: `0, 1, 2, 3, 4, 5, 6, 7 and 56 more`."""
    found = list(dict.fromkeys(map(format_override, column)))
    more = f" and {len(found) - VALUES} more" if len(found) > VALUES else ""
    return ", ".join(found[:VALUES]) + more


def spreads(sweep: Sweep) -> list[list[str]]:
    """A line of names, then a line a metric."""
    names = [name for name in statistics.metrics(sweep.lanes) if not name.endswith("/norm")]
    found = {name: statistics.spread(statistics.column(sweep.lanes, name)) for name in names}
    return [
        ["metric", "mean", "standard deviation", "smallest", "largest"],
        *([name, *(f"{value:.4g}" for value in parts.values())] for name, parts in found.items()),
    ]


def board(sweep: Sweep) -> list[list[str]]:
    """A line of names, then a line a lane, the best first: what was swept, the metric that ranks, those of the test."""
    rows: list[Mapping[str, Any]] = list(statistics.table(sweep.lanes, sweep.keys, sweep.objective)[:TOP])
    words = statistics.short(sweep.keys)
    tested = [name for name in statistics.metrics(sweep.lanes) if name.startswith("test/")]
    names = {"rank": "rank", **words, **{name: name for name in (sweep.objective, *tested, "epochs", "stopped")}}
    return [[*names.values()], *([cell(row.get(name)) for name in names] for row in rows)]


def cell(value: Any) -> str:
    """A value of the leaderboard: four digits, a dash for what a lane that diverged hasn't got."""
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)


def gradient_check(sweep: Sweep) -> str | None:
    """The errors by parameter, "" if nobody checked, None if they are not here: a sweep may be delivered elsewhere."""
    if not sweep.config.training.gradient_check:
        return ""
    file = Path(sweep.lanes[-1].facts["folder"]) / "gradient_check.txt"
    return file.read_text() if file.is_file() else None
