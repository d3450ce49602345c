"""`nnjax compare`: runs and lanes side by side, with the settings in which they differ and their final metrics.

With --html the same as a page, with their curves over each other.
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from nnjax.config.lanes import affects_result, format_override
from nnjax.errors import InputError, nearest
from nnjax.runs import load

if TYPE_CHECKING:
    from nnjax.tracking.mlflow_client import Found

HELP = "print a table of runs or lanes, or write a page: settings that differ, final metrics, the best first"
ORDER = ("validation/loss", "train/loss")  # what sorts, unless asked: the first that is there, never the test
SHOWN = 50
OF_A_RUN = ("gradient_check/", "time/", "training/", "gradient/", "parameters/")  # metrics that are no results


class Row(NamedTuple):
    """A run or a lane: settings as typed, final metrics, and the run whose files it is in, of a lane its sweep's."""

    name: str
    settings: dict[str, str]
    metrics: dict[str, float]
    id: str
    run: "Found"
    lane: int | None


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to compare, in which order, and how it is printed."""
    about = "runs, by 6 letters or more; a sweep's id stands for its lanes, ID:7 for lane 7"
    parser.add_argument("ids", nargs="*", metavar="ID", help=about)
    parser.add_argument("--experiment", metavar="NAME", help="all runs of one of MLflow's experiments")
    parser.add_argument("--sweep", metavar="NAME", help="all lanes of a sweep, by its sweep.name or its folder's name")
    parser.add_argument("--sort", metavar="METRIC", help=f"such as test/accuracy; else {' or '.join(ORDER)}")
    parser.add_argument("--csv", action="store_true", help="all rows as comma-separated values")
    parser.add_argument(
        "--html",
        metavar="FILE",
        help="write a page too, such as comparison.html: table, the best marked, curves",
    )
    parser.add_argument(
        "--uri", metavar="URI", help="the store; else MLFLOW_TRACKING_URI, else mlflow.db in this folder"
    )


def run(given: argparse.Namespace) -> None:
    """Prints the table, and writes the page; raises InputError where there is nothing of that name."""
    if given.html is not None:
        check_page(given.html)
    rows = list(chosen(given))
    if not rows:
        raise InputError("nothing to compare: no finished run of that name in the store")
    metrics = list(dict.fromkeys(metric for row in rows for metric in row.metrics))
    sort = given.sort or next((metric for metric in ORDER if metric in metrics), None)
    if sort is not None and sort not in metrics:
        raise InputError(f"--sort={sort} is not a metric", metrics, nearest(sort, metrics))
    worst = float("inf")
    sign = -1 if sort and sort.endswith(("accuracy", "r2")) else 1
    rows.sort(key=lambda row: sign * row.metrics[sort] if sort in row.metrics else worst)
    columns = [*([sort] if sort else []), *(each for each in metrics if each != sort)]
    if given.html is not None:
        from nnjax.cli import compare_page

        shown = rows[:SHOWN]
        compare_page.write(Path(given.html), shown, differing(rows), columns, len(rows) - len(shown), given.uri)
    lines = table(rows, differing(rows), columns)
    if given.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(lines)
        return
    print(aligned(lines[: SHOWN + 1]))
    if len(rows) > SHOWN:
        print(f"... and {len(rows) - SHOWN:,} more: --csv prints all")
    if given.html is not None:
        print(f"written: {given.html}")


def check_page(name: str) -> None:
    """Raises InputError for a page that can't be written, or that is meant to be a run: --html RUN RUN."""
    if not name.endswith(".html"):
        raise InputError(f"--html={name}: must be the file to write; allowed: --html comparison.html RUN RUN ...")
    if not Path(name).absolute().parent.is_dir():
        raise InputError(f"--html={name}: there is no folder {Path(name).parent}")


def chosen(given: argparse.Namespace) -> Iterator[Row]:
    """The rows that were asked for: of ids, of a sweep, of an experiment, else of everything recorded here."""
    from nnjax.tracking import mlflow_client

    folder = Path.cwd()
    if given.sweep is not None:
        found = mlflow_client.search(given.uri, folder, given.experiment, mlflow_client.tagged("sweep", given.sweep))
        if not found:
            names = {run.tags["sweep"]: None for run in mlflow_client.search(given.uri, folder) if "sweep" in run.tags}
            raise InputError(f"--sweep={given.sweep} is not a sweep", names, nearest(given.sweep, names))
        for run in found:
            yield from lanes(given.uri, run)
        return
    everything = mlflow_client.search(given.uri, folder, given.experiment)
    runs = {run.id: run for run in everything}
    for wanted in given.ids:
        run_id, _, lane = wanted.partition(":")
        run_id = one_of(run_id, list(runs))
        if "lanes" not in runs[run_id].tags:
            yield row(runs[run_id], runs)
            continue
        rows = list(lanes(given.uri, runs[run_id]))
        if lane and not load.numbers(lane, len(rows)):
            raise InputError(f"{wanted}: no such lane; allowed: 0 to {len(rows) - 1}")
        yield from [rows[int(lane)]] if lane else rows
    if not given.ids:
        for run in everything:
            if "lanes" in run.tags:  # a sweep: its table has all lanes, its child runs perhaps not
                yield from lanes(given.uri, run)
            elif run.metrics and run.parent not in runs:
                yield row(run, runs)


def one_of(wanted: str, ids: Sequence[str]) -> str:
    """The id that is this, or alone begins so; InputError where there is none or several."""
    found = [each for each in ids if each.startswith(wanted)] if len(wanted) >= load.SHORTEST else []
    if len(found) > 1:
        raise InputError(f"{wanted}: begins the ids of {len(found)} runs; allowed: {', '.join(found[:5])}")
    if not found:
        raise InputError(f"{wanted} is not a run", [*list(ids)[:5], "..."], nearest(wanted, ids))
    return found[0]


def row(run: "Found", runs: Mapping[str, "Found"]) -> Row:
    """A run; that of a lane with the settings that all lanes of its sweep have in common."""
    common = runs[run.parent].params if run.parent in runs else {}
    params = {**common, **run.params}
    settings = {key: plain(value) for key, value in params.items() if affects_result(key)}
    lane = run.tags.get("lane") if run.parent in runs else None
    files = (run, None) if lane is None else (runs[run.parent], int(lane))
    return Row(run.name, settings, results(run.metrics), run.id, *files)


def lanes(uri: str | None, parent: "Found") -> Iterator[Row]:
    """The lanes of a sweep, from its table."""
    from nnjax.runs.sweep import statistics, storage
    from nnjax.tracking import mlflow_client

    with TemporaryDirectory() as here:
        file = mlflow_client.download(uri, Path.cwd(), parent.id, "lanes.parquet", here)
        found = storage.read_table(file)[0] if file else []
    keys = statistics.swept(found)
    for place, lane in enumerate(found):
        settings = {key: plain(format_override(value)) for key, value in lane.settings.items()}
        name = statistics.name(lane, keys)
        yield Row(name, settings, results(lane.metrics), f"{parent.id}:{place}", parent, place)


def results(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics that say how good a network is."""
    return {name: value for name, value in metrics.items() if not name.startswith(OF_A_RUN)}


def differing(rows: Sequence[Row]) -> list[str]:
    """The settings that aren't the same in all rows; one that a row hasn't got is null there."""
    keys = dict.fromkeys(key for row in rows for key in row.settings)
    return [key for key in keys if len({row.settings.get(key, "null") for row in rows}) > 1]


def table(rows: Sequence[Row], settings: Sequence[str], metrics: Sequence[str]) -> list[list[str]]:
    """A line of names, then a line a row."""
    head = ["name", *settings, *metrics]
    return [head] + [
        [
            row.name,
            *(row.settings.get(key, "") for key in settings),
            *(f"{row.metrics[metric]:.6g}" if metric in row.metrics else "" for metric in metrics),
        ]
        for row in rows
    ]


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, two blanks between."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(f"{cell:<{n}}" for cell, n in zip(line, widths, strict=True)).rstrip() for line in lines)


def plain(value: str) -> str:
    """A setting in one spelling, whichever way it was recorded."""
    words = {"None": "null", "True": "true", "False": "false"}
    return words.get(value, value).replace(", ", ",")
