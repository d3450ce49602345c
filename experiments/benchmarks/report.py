"""What was measured, as two tables, a figure and a run of MLflow's experiment `benchmarks`."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from experiments.benchmarks.machine import describe
from experiments.benchmarks.peers import BLAS, COPIES, LIMITS, OURS, PEERS, PRODUCTS
from experiments.benchmarks.peers.limits import moved, operations
from experiments.benchmarks.side_by_side import Result, quartiles, share, times_ours
from experiments.benchmarks.works import WORKS
from nnjax.reporting.figures.style import BLUE, GREEN, GREY, figure
from nnjax.runs import provenance
from nnjax.tracking import mlflow_client

EXPERIMENT = "benchmarks"  # MLflow's
LIBRARIES = ("numpy", "scikit-learn", "torch", "keras", "flax", "equinox")
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 0}  # under words, so that no line crosses them
Results = Mapping[str, Result]  # by the work's name


def head(rounds: int, mirror: str | None) -> str:
    """Machine, versions, what stood in for the digits, and how busy the machine was."""
    return f"{describe()}; {', '.join(f'{name} {found}' for name, found in versions().items())}; " + (
        f"{'MNIST' if mirror else 'random digits'}, medians of {rounds}, load {os.getloadavg()[0]:.1f}"
    )


def versions() -> dict[str, str]:
    """The peers' libraries that are installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that reads as text and as Markdown."""
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in (head, *rows)]
    lines.insert(1, ["-" * width for width in widths])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(values: np.ndarray) -> str:
    """`1.42 (1.38 to 1.45)`: the median of three quartiles, and the others."""
    low, median, high = map(ratio, values)
    return f"{median} ({low} to {high})"


def ratio(value: float) -> str:
    """`1.42`, `35.7`, `357`, `1,280`."""
    return f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """`0.402 s`, `5.19 ms`, `857 us`, with three digits."""
    factor, unit = (1, "s") if seconds >= 0.1 else (1e3, "ms") if seconds >= 1e-3 else (1e6, "us")
    return f"{seconds * factor:.3g} {unit}"


def comparison(results: Results) -> str:
    """A row a side: how many times nnjax's time it takes, with quartiles."""

    def cell(result: Result, name: str) -> str:
        if name not in result.seconds:
            return f"absent: {result.absent[name]}" if name in result.absent else "-"
        threads = f", {result.threads[name]} thread" if name in result.threads else ""
        return spread(times_ours(result, name)) + threads

    rows = [
        ["nnjax: an epoch", *(duration(median(result, OURS) * WORKS[w].per_epoch) for w, result in results.items())],
        ["nnjax: an update", *(duration(median(result, OURS)) for result in results.values())],
    ]
    rows += [[name, *(cell(result, name) for result in results.values())] for name in PEERS if name != OURS]
    return table(["times nnjax's time", *results], rows)


def roofline(results: Results) -> str:
    """What an update needs, how fast this machine does that alone, and which share of it nnjax reaches."""

    def row_bytes(name: str) -> int:
        return 8 if WORKS[name].units[0] == 2 else WORKS[name].units[0]

    lines: dict[str, Callable[[str, Result], str]] = {
        "operations of an update": lambda name, _: f"{operations(WORKS[name]):,.0f}",
        "bytes of an update": lambda name, _: f"{moved(WORKS[name], row_bytes(name)):,.0f}",
        **{
            f"{part} alone": lambda name, result, part=part: (
                f"{duration(median(result, part))}, {operations(WORKS[name]) / median(result, part) / 1e9:.3g} GFLOP/s"
            )
            for part in (PRODUCTS, BLAS)
        },
        f"{COPIES} alone": lambda name, result: (
            f"{duration(median(result, COPIES))}, "
            f"{moved(WORKS[name], row_bytes(name)) / median(result, COPIES) / 1e9:.3g} GB/s"
        ),
        "nnjax: an update": lambda name, result: duration(median(result, OURS)),
        "share reached": lambda name, result: spread(share(result)),
    }
    rows = [[line, *(cell(name, result) for name, result in results.items())] for line, cell in lines.items()]
    return table(["", *results], rows)


def median(result: Result, name: str) -> float:
    """Seconds an update."""
    return float(quartiles(result.seconds[name])[1])


def picture(results: Results) -> Figure:
    """A panel a work: each side's time over nnjax's, with quartiles, and what its products and copies alone take."""
    names = [name for name in [*PEERS, *LIMITS] if any(name in result.seconds for result in results.values())]
    made = figure(max(8, 1.5 + 2.4 * len(results)), 1.2 + 0.28 * len(names))
    panels = np.atleast_1d(made.subplots(1, len(results), sharey=True))
    for axes, (work, result) in zip(panels, results.items(), strict=True):
        for i, name in enumerate(names):
            if name in result.seconds:
                low, middle, high = times_ours(result, name)
                colour = BLUE if name == OURS else GREEN if name in LIMITS else GREY
                axes.plot([low, high], [i, i], color=colour, linewidth=3, alpha=0.4)
                axes.plot(middle, i, "o", color=colour)
                words_at = {"textcoords": "offset points", "ha": "center", "fontsize": 8, "bbox": PAPER}
                axes.annotate(ratio(middle) if middle >= 0.1 else f"{middle:.2g}", (middle, i), (0, 6), **words_at)
        axes.axvline(1, color=BLUE, linewidth=1)
        seconds = median(result, OURS) * WORKS[work].per_epoch
        axes.set(xscale="log", title=f"{work}\n1 = {duration(seconds)} an epoch", yticks=range(len(names)))
        axes.set_yticklabels(names)
        axes.margins(x=0.2, y=0.08)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].invert_yaxis()
    made.supxlabel("time of an update, nnjax = 1 (median and quartiles)", fontsize=10)
    return made


def record(results: Results, text: str) -> str:
    """A run of its own: microseconds an update and times nnjax's by round, the tables, the figure; the run's id."""
    run = mlflow_client.open_run(None, EXPERIMENT, "side by side", provenance.versions(), Path.cwd())
    for work, result in results.items():
        for name, values in result.seconds.items():
            points = {"microseconds": values * 1e6, "times_nnjax": values / result.seconds[OURS]}
            run.log_metrics({f"{work}/{name}/{key}": list(enumerate(series)) for key, series in points.items()}, 0)
        run.log_metrics({f"{work}/{name}/loss": [(0, value)] for name, value in result.losses.items()}, 0)
    run.set_tags({"mlflow.note.content": text, **{f"version.{name}": found for name, found in versions().items()}})
    run.log_text(text, "side_by_side.md")
    with tempfile.TemporaryDirectory() as folder:
        picture(results).savefig(Path(folder) / "side_by_side.png")
        run.log_files(folder, "figures")
    run.finish("FINISHED")
    return run.id
