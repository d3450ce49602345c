"""Many networks by rank: the best as a table, and beside it a histogram of all."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nnjax.reporting.figures.curves import STEEP
from nnjax.reporting.figures.style import BLUE, VERMILLION, figure, hide_axes, message, shorten
from nnjax.reporting.text import count

MAX_METRICS, NAME_LENGTH, LINE_LENGTH = 3, 60, 81  # columns of the table, characters of a name and of a line
LETTER = 0.07  # inches, of 8 points monospaced


def leaderboard(
    names: Sequence[str], metrics: Mapping[str, NDArray[Any]], higher_is_better: bool, length: int = 20
) -> Figure:
    """Draw the best lanes by the first metric: rank, name and metrics; beside them that metric of all lanes.

    names: of each lane, its settings. metrics: (lanes,) by name, of which three are shown. A lane whose first metric is
    not finite has diverged and has no rank; equal lanes keep their order. length: of the table, lanes.
    """
    metric, first = next(iter(metrics.items()))
    ranked = np.flatnonzero(np.isfinite(first))
    if not ranked.size:
        return message(f"no lanes to rank: {count(len(first), 'lane')}, all diverged")
    ranked = ranked[np.argsort(-first[ranked] if higher_is_better else first[ranked], kind="stable")]
    best = ranked[:length]
    lines = _table([names[i] for i in best], {name: array[best] for name, array in [*metrics.items()][:MAX_METRICS]})
    width, height = LETTER * len(lines[0]), max(3.3, 0.7 + 0.2 * len(lines))
    chart = figure(8, height)
    chart.set_layout_engine("none")  # the table's width is known
    table = chart.add_axes((0.1 / 8, 0.15 / height, width / 8, 1 - 0.6 / height))
    table.set(xlim=(0, 1), ylim=((height - 0.6) / 0.2 - 0.5, -0.5))
    for i, line in enumerate(lines):
        table.text(0, i, line, va="center", family="monospace", fontsize=8, weight="bold" if i < 2 else "normal")
    table.axhline(1.5, color="black", linewidth=0.8)
    hide_axes(table)
    left = 0.1 + width + 0.75
    axes = chart.add_axes((left / 8, 0.6 / height, 1 - (left + 0.2) / 8, 1 - 1.3 / height))
    _draw_histogram(axes, first[ranked], metric, len(best))
    diverged = f", {len(first) - len(ranked):,} diverged" if len(ranked) < len(first) else ""
    chart.suptitle(f"best {len(best)} of {count(len(first), 'lane')}{diverged}", fontsize=11, y=1 - 0.1 / height)
    return chart


def _table(names: Sequence[str], metrics: Mapping[str, NDArray[Any]]) -> list[str]:
    """Return two lines of head and a line for each name, all of the same length."""
    columns = [[*f"/{name}".split("/")[-2:], *_decimals(array)] for name, array in metrics.items()]
    widths = [max(map(len, column)) + 2 for column in columns]
    room = max(4, min(NAME_LENGTH, LINE_LENGTH - 5 - sum(widths), max(map(len, names))))
    lines = [" " * (5 + room), f"  #  {'lane':<{room}}"]
    lines += [f"{rank:>3}  {shorten(name, room):<{room}}" for rank, name in enumerate(names, start=1)]
    for column, width in zip(columns, widths, strict=True):
        lines = [f"{line}{cell:>{width}}" for line, cell in zip(lines, column, strict=True)]
    return lines


def _decimals(values: NDArray[Any]) -> list[str]:
    """Return a column of numbers, all in one format; a dash where a lane has none."""
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    form = ".4f" if ((size >= 1e-3) & (size < 1e4)).all() else ".2e"
    return [f"{value:{form}}" if np.isfinite(value) else "-" for value in values]


def _draw_histogram(axes: Axes, values: NDArray[Any], metric: str, best: int) -> None:
    """Draw a histogram of all lanes, and where the table ends. values: of the lanes, the best first."""
    low, high = values.min(), values.max()
    margin = 0.0 if high > low else 0.1 * abs(low) + 1e-3
    steep = 0 < STEEP * low < high
    bins = np.geomspace(low, high, 31) if steep else np.linspace(low - margin, high + margin, 31)
    axes.hist(values, bins=bins.tolist(), color=BLUE)
    axes.axvline(values[best - 1], color=VERMILLION, linestyle="--", label=f"rank {best}")
    if steep:
        axes.set_xscale("log")
        axes.minorticks_off()
    else:
        axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set(xlabel=metric, ylabel="lanes")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
