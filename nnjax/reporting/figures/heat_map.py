"""A map of many networks over two of their settings; the colour and number of a cell are the mean of its lanes."""

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from nnjax.reporting.figures.curves import STEEP
from nnjax.reporting.figures.style import EMPTY, VERMILLION, figure, message, shorten, text_colours
from nnjax.reporting.text import count

MAX_NUMBERED = 150  # cells of a map up to which each has its number
MAX_LETTERS = 80  # of a row's name and all columns' names, side by side
SHADES = colormaps["viridis"].with_extremes(bad=EMPTY)


def pivot(
    row_values: Sequence[Any], column_values: Sequence[Any], values: NDArray[Any]
) -> tuple[list[Any], list[Any], NDArray[Any], NDArray[Any]]:
    """Return lanes by two settings: rows, columns, the mean of values (lanes,) in each cell, and counts of lanes.

    row_values, column_values: of each lane. Numbers are sorted, and lists, the shorter first; other settings keep the
    order in which they appear. A mean is over finite values, NaN if there is none. A count is the number of lanes in
    the mean, in a NaN cell the number of lanes that diverged.
    """
    (rows, i), (columns, j) = _sort_settings(row_values), _sort_settings(column_values)
    finite = np.isfinite(values)
    totals, counts = np.zeros((len(rows), len(columns))), np.zeros((2, len(rows), len(columns)), int)
    np.add.at(totals, (i[finite], j[finite]), values[finite])
    np.add.at(counts, (finite.astype(int), i, j), 1)
    diverged, measured = counts
    return rows, columns, totals / np.where(measured, measured, np.nan), np.where(measured, measured, diverged)


def _sort_settings(settings: Sequence[Any]) -> tuple[list[Any], NDArray[Any]]:
    """Return the distinct settings in order, and each lane's place among them."""
    keys = [tuple(setting) if isinstance(setting, list) else setting for setting in settings]
    distinct = dict(zip(keys, settings, strict=True))
    lists = all(isinstance(key, tuple) for key in distinct)
    types = {Real if isinstance(x, Real) else type(x) for key in distinct for x in (key if lists else [key])}
    sortable = types == {Real} or (lists and len(types) == 1)
    order = sorted(distinct, key=lambda key: (len(key), key) if lists else key) if sortable else list(distinct)
    place = {key: i for i, key in enumerate(order)}
    return [distinct[key] for key in order], np.array([place[key] for key in keys])


def _labels(settings: Sequence[Any]) -> list[str]:
    """Return settings as labels of ticks, with three digits where these differ; null, true and false as typed."""
    plain = ["null" if x is None else str(x).lower() if isinstance(x, bool) else str(x) for x in settings]
    plain = [word.strip("[]") or word for word in plain]
    short = [f"{x:.3g}" if isinstance(x, float) else word for x, word in zip(settings, plain, strict=True)]
    return [shorten(word, 24) for word in (short if len({*short}) == len(short) else plain)]


def heat_map(
    rows: Sequence[Any],
    columns: Sequence[Any],
    values: NDArray[Any],
    counts: NDArray[Any],
    title: str,
    row_name: str,
    column_name: str,
    value_name: str,
) -> Figure:
    """Draw the mean over lanes in each cell of two settings, evenly spaced; rows that are numbers grow upwards.

    rows, columns, values and counts (rows, columns): of `pivot`. The scale of shares, from 0 to 1, ends at tenths;
    that of values that differ much is logarithmic. A grey cell has no lane; a cell with a cross has only lanes that
    diverged.
    """
    measured = np.isfinite(values)
    if not measured.any():
        return message(f"no map to draw: none of {count(counts.sum(), 'lane')} has a value of {value_name}")
    words, names = _labels(columns), _labels(rows)
    turned = max(map(len, words)) * len(words) > MAX_LETTERS - max(map(len, names))
    chart = figure(8, min(max(1.7 + 0.5 * len(rows), 3.3) + turned * 0.07 * max(map(len, words)), 8))
    axes = chart.subplots()
    shades = axes.imshow(values, SHADES, _scale(values[measured]), aspect="auto")
    low, high = counts[measured].min(), counts[measured].max()
    lanes = f"{'' if low == high else f'{low:,} to '}{count(high, 'lane')}"
    chart.colorbar(shades, pad=0.02, label=f"{value_name}\neach cell: {'mean of ' if high > 1 else ''}{lanes}")
    axes.set(title=title, xlabel=column_name, ylabel=row_name)
    for set_ticks, labels, angle in ((axes.set_yticks, names, 0), (axes.set_xticks, words, 90 * turned)):
        step = 1 if len(labels) <= 30 else -(-len(labels) // 15)
        set_ticks(range(0, len(labels), step), labels[::step], rotation=angle)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if not isinstance(rows[0], str):
        axes.invert_yaxis()
    _draw_numbers(axes, values, np.where(counts < high, counts, 0))
    handles: list[Any] = [Patch(facecolor=EMPTY, label="no lane")] if (~measured & (counts == 0)).any() else []
    if (diverged := ~measured & (counts > 0)).any():
        y, x = np.nonzero(diverged)
        handles.append(axes.scatter(x, y, s=36, marker="x", color=VERMILLION, label="all lanes diverged"))
    if handles:
        chart.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return chart


def _scale(values: NDArray[Any]) -> Normalize:
    low, high = values.min(), values.max()
    if low >= 0 and high <= 1:
        bottom = min(math.floor(10 * low) / 10, 0.9)
        return Normalize(bottom, max(math.ceil(10 * high) / 10, bottom + 0.1))
    return LogNorm(low, high) if 0 < STEEP * low < high else Normalize(low, high)


def _draw_numbers(axes: Axes, values: NDArray[Any], fewer: NDArray[Any]) -> None:
    """Write each cell's value where there is room, and its number of lanes if the fullest cell has more."""
    measured = np.isfinite(values)
    share = ((values[measured] >= 0) & (values[measured] <= 1)).all()
    exact = {0: "0", 1: "1"} if share else {}  # 0.996 is not all of them
    words = {}
    for i, j in np.argwhere(measured):
        word = exact.get(values[i, j], f"{values[i, j]:{'.2f' if share else '.3g'}}")
        words[i, j] = f"{word}\n{count(fewer[i, j], 'lane')}" if fewer[i, j] else word
    height, width = values.shape
    widest = width * max(len(line) for word in words.values() for line in word.split("\n"))
    if values.size > MAX_NUMBERED or widest > 85 or height > 30:
        return
    axes.vlines(np.arange(1, width) - 0.5, -0.5, height - 0.5, color="white", linewidth=2)
    axes.hlines(np.arange(1, height) - 0.5, -0.5, width - 0.5, color="white", linewidth=2)
    colours, size = text_colours(axes.images[0], values), 12 if widest <= 48 else 9
    for (i, j), word in words.items():
        axes.text(j, i, word, ha="center", va="center", color=colours[i, j], fontsize=size, in_layout=False)
