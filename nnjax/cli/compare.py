"""`nnjax compare`: runs and lanes side by side, with the settings in which they differ and their final metrics.

With --html they are written as a page too, with their learning curves in one picture.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from nnjax.cli.arguments import add_csv, add_store
from nnjax.cli.table import MAX_ROWS, print_table
from nnjax.config.lanes import affects_result, format_override
from nnjax.errors import InputError, allowed_values
from nnjax.reporting.comparison_page import Entry
from nnjax.reporting.text import higher_is_better
from nnjax.runs import load

if TYPE_CHECKING:
    from nnjax.tracking.mlflow_client import Found

HELP = "print a table of runs or lanes, or write a page: settings that differ, final metrics, the best first"
SORTED_BY = ("validation/loss", "train/loss")  # without --sort, the first that was measured; never the test
DIAGNOSTICS = ("gradient_check/", "time/", "training/", "gradient/", "parameters/")  # metrics that are no results
SPELLINGS = {"None": "null", "True": "true", "False": "false"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to compare, in which order, and how it is shown."""
    ids = "id of a run (6 characters or more); a sweep's id means all its lanes, ID:7 means lane 7"
    parser.add_argument("ids", nargs="*", metavar="ID", help=ids)
    parser.add_argument("--experiment", metavar="NAME", help="all runs of an experiment in MLflow")
    parser.add_argument("--sweep", metavar="NAME", help="all lanes of a sweep: its sweep.name, or its folder's name")
    sort = f"metric such as test/accuracy; default: {' or '.join(SORTED_BY)}"
    parser.add_argument("--sort", metavar="METRIC", help=sort)
    add_csv(parser)
    page = "write a page too, such as comparison.html: tables, the best values marked, learning curves"
    parser.add_argument("--html", metavar="FILE", help=page)
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print the table and write the page. Raises InputError if there is nothing to compare."""
    if arguments.html is not None:
        check_page(arguments.html)
    entries = list(select(arguments))
    if not entries:
        raise InputError("there is nothing to compare: the store has no finished run that was asked for")
    metrics = list(dict.fromkeys(metric for entry in entries for metric in entry.metrics))
    sort = arguments.sort or next((metric for metric in SORTED_BY if metric in metrics), None)
    if sort is not None:
        if sort not in metrics:
            raise InputError(f"--sort={sort} is not a metric of these runs. {allowed_values(sort, metrics)}")
        metrics = [sort, *(metric for metric in metrics if metric != sort)]
        sign, last = -1 if higher_is_better(sort) else 1, float("inf")
        entries.sort(key=lambda entry: sign * entry.metrics[sort] if sort in entry.metrics else last)
    keys = differing(entries)
    if arguments.html is not None:
        from nnjax.cli import compare_page

        shown = entries[:MAX_ROWS]
        compare_page.write(Path(arguments.html), shown, keys, metrics, len(entries) - len(shown), arguments.uri)
    print_table(table(entries, keys, metrics), arguments.csv)
    if arguments.html is not None and not arguments.csv:
        print(f"written: {arguments.html}")


def check_page(name: str) -> None:
    """Raise InputError for a page that can't be written, or that is the id of a run: --html RUN RUN."""
    if not name.endswith(".html"):
        raise InputError(f"--html={name} does not end with .html. Allowed: --html comparison.html RUN RUN ...")
    if not (folder := Path(name).absolute().parent).is_dir():
        raise InputError(f"--html={name} is in {folder}, which is not a folder. Allowed: a file in a folder.")


def select(arguments: argparse.Namespace) -> Iterator[Entry]:
    """Yield the entries of the ids, of a sweep or of an experiment, or else of everything recorded here."""
    from nnjax.tracking import mlflow_client

    folder, uri = Path.cwd(), arguments.uri
    if arguments.sweep is not None:
        name = arguments.sweep
        sweeps = mlflow_client.search(uri, folder, arguments.experiment, mlflow_client.tagged("sweep", name))
        if not sweeps:
            names = {run.tags["sweep"]: None for run in mlflow_client.search(uri, folder) if "sweep" in run.tags}
            raise InputError(f"--sweep={name} is not a sweep in this store. {allowed_values(name, names)}")
        for sweep in sweeps:
            yield from lane_entries(uri, sweep)
        return
    runs = {run.id: run for run in mlflow_client.search(uri, folder, arguments.experiment)}
    for name in arguments.ids:
        prefix, _, lane = name.partition(":")
        run = runs[match_id(prefix, list(runs))]
        if "lanes" not in run.tags:
            yield run_entry(run, runs)
            continue
        entries = list(lane_entries(uri, run))
        if lane and not load.numbers(lane, len(entries)):
            raise InputError(f"{name} is not a lane of this sweep. Allowed: 0 to {len(entries) - 1}.")
        yield from [entries[int(lane)]] if lane else entries
    if not arguments.ids:
        for run in runs.values():
            if "lanes" in run.tags:  # a sweep: its table has all lanes, its child runs perhaps not
                yield from lane_entries(uri, run)
            elif run.metrics and run.parent not in runs:
                yield run_entry(run, runs)


def match_id(prefix: str, ids: Sequence[str]) -> str:
    """Return the only id that begins so. Raises InputError if there is none or several."""
    matches = [run_id for run_id in ids if run_id.startswith(prefix)] if len(prefix) >= load.SHORTEST else []
    if len(matches) > 1:
        raise InputError(f"{prefix} is the beginning of {len(matches)} ids. Allowed: {', '.join(matches[:5])}")
    if not matches:
        raise InputError(f"{prefix} is not the id of a run in this store. {allowed_values(prefix, ids[:5])} ...")
    return matches[0]


def run_entry(run: "Found", runs: Mapping[str, "Found"]) -> Entry:
    """Return the entry of a run; a lane's child run gets the settings that all lanes of its sweep share."""
    sweep = runs.get(run.parent)
    params = {**(sweep.params if sweep else {}), **run.params}
    settings = {key: spell(value) for key, value in params.items() if affects_result(key)}
    if sweep and "lane" in run.tags:
        return Entry(run.name, run.id, settings, results(run.metrics), sweep, int(run.tags["lane"]))
    return Entry(run.name, run.id, settings, results(run.metrics), run)


def lane_entries(uri: str | None, sweep: "Found") -> Iterator[Entry]:
    """Yield the lanes of a sweep, from its table."""
    from nnjax.runs.sweep import statistics, storage
    from nnjax.tracking import mlflow_client

    with TemporaryDirectory() as folder:
        file = mlflow_client.download(uri, Path.cwd(), sweep.id, "lanes.parquet", folder)
        lanes = storage.read_table(file)[0] if file else []
    keys = statistics.swept(lanes)
    for number, lane in enumerate(lanes):
        settings = {key: spell(format_override(value)) for key, value in lane.settings.items()}
        name = statistics.name(lane, keys)
        yield Entry(name, f"{sweep.id}:{number}", settings, results(lane.metrics), sweep, number)


def results(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics that say how good a network is."""
    return {name: value for name, value in metrics.items() if not name.startswith(DIAGNOSTICS)}


def differing(entries: Sequence[Entry]) -> list[str]:
    """Return the settings that differ between entries; a setting that an entry does not have counts as null."""
    keys = dict.fromkeys(key for entry in entries for key in entry.settings)
    return [key for key in keys if len({entry.settings.get(key, "null") for entry in entries}) > 1]


def table(entries: Sequence[Entry], keys: Sequence[str], metrics: Sequence[str]) -> list[list[str]]:
    """Return a line of names, then a line for each entry: id, name, settings, metrics."""
    head = ["id", "name", *keys, *metrics]
    return [head] + [
        [
            entry.short_id,
            entry.name,
            *(entry.settings.get(key, "") for key in keys),
            *(f"{entry.metrics[metric]:.6g}" if metric in entry.metrics else "" for metric in metrics),
        ]
        for entry in entries
    ]


def spell(value: str) -> str:
    """Return a setting in one spelling, whether a run or a table recorded it."""
    return SPELLINGS.get(value, value).replace(", ", ",")
