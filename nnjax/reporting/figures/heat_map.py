"""Many networks by two of their settings: a cell each, its colour and number the lanes' mean."""

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
from nnjax.reporting.figures.style import VERMILLION, counted, figure, ink, message, shorten

NUMBERED = 150  # cells of a map up to which each carries its number
LETTERS = 80  # of a row's name and all columns' names, side by side
EMPTY = "#D5D5D5"
SHADES = colormaps["viridis"].with_extremes(bad=EMPTY)


def pivot(
    row_values: Sequence[Any], column_values: Sequence[Any], values: NDArray[Any]
) -> tuple[list[Any], list[Any], NDArray[Any], NDArray[Any]]:
    """Lanes by two settings: the rows, the columns, the means of values (lanes,) in each cell, and counts of lanes.

    Settings: numbers are sorted, lists too, the shorter first; all others stand in order of appearance. A mean is
    over the finite values, NaN where there is none; counts are its lanes, in a NaN cell those that diverged.
    """
    (rows, i), (columns, j) = _places(row_values), _places(column_values)
    finite = np.isfinite(values)
    totals, counts = np.zeros((len(rows), len(columns))), np.zeros((2, len(rows), len(columns)), int)
    np.add.at(totals, (i[finite], j[finite]), values[finite])
    np.add.at(counts, (finite.astype(int), i, j), 1)
    diverged, there = counts
    return rows, columns, totals / np.where(there, there, np.nan), np.where(there, there, diverged)


def _places(settings: Sequence[Any]) -> tuple[list[Any], NDArray[Any]]:
    """The different settings in order, and each lane's place among them."""
    keys = [tuple(setting) if isinstance(setting, list) else setting for setting in settings]
    distinct = dict(zip(keys, settings, strict=True))
    lists = all(isinstance(key, tuple) for key in distinct)
    kinds = {Real if isinstance(x, Real) else type(x) for key in distinct for x in (key if lists else [key])}
    ordered = kinds == {Real} or (lists and len(kinds) == 1)
    order = sorted(distinct, key=lambda key: (len(key), key) if lists else key) if ordered else list(distinct)
    place = {key: i for i, key in enumerate(order)}
    return [distinct[key] for key in order], np.array([place[key] for key in keys])


def _words(settings: Sequence[Any]) -> list[str]:
    """Settings as ticks' labels: three digits where that tells them apart; null, true and false as they are typed."""
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
    """The mean over lanes in each cell of two settings, evenly spaced; rows that are no words grow upwards.

    values, counts (rows, columns) as of pivot. Shares, all in 0..1, have that scale (0.9..1 if none is lower); values
    that differ much a logarithmic one. A grey cell has no lane; one with a cross only lanes that diverged.
    """
    there = np.isfinite(values)
    if not there.any():
        return message(f"no map to draw: none of {counted(counts.sum())} has a value of {value_name}")
    words, names = _words(columns), _words(rows)
    turned = max(map(len, words)) * len(words) > LETTERS - max(map(len, names))
    made = figure(8, min(max(1.7 + 0.5 * len(rows), 3.3) + turned * 0.07 * max(map(len, words)), 8))
    axes = made.subplots()
    shades = axes.imshow(values, SHADES, _scale(values[there]), aspect="auto")
    fewest, most = counts[there].min(), counts[there].max()
    lanes = f"{'mean of ' if most > 1 else ''}{'' if fewest == most else f'{fewest:,} to '}{counted(most)} a cell"
    made.colorbar(shades, pad=0.02, label=f"{value_name}\n{lanes}")
    axes.set(title=title, xlabel=column_name, ylabel=row_name)
    for set_ticks, labels, angle in ((axes.set_yticks, names, 0), (axes.set_xticks, words, 90 * turned)):
        every = 1 if len(labels) <= 30 else -(-len(labels) // 15)
        set_ticks(range(0, len(labels), every), labels[::every], rotation=angle)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if not isinstance(rows[0], str):
        axes.invert_yaxis()
    _numbers(axes, values, np.where(counts < most, counts, 0))
    handles: list[Any] = [Patch(facecolor=EMPTY, label="no lane")] if (~there & (counts == 0)).any() else []
    if (diverged := ~there & (counts > 0)).any():
        y, x = np.nonzero(diverged)
        handles.append(axes.scatter(x, y, s=36, marker="x", color=VERMILLION, label="all lanes diverged"))
    if handles:
        made.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return made


def _scale(values: NDArray[Any]) -> Normalize:
    low, high = values.min(), values.max()
    if low >= 0 and high <= 1:
        return Normalize(0.9 if low >= 0.9 else 0, 1)
    return LogNorm(low, high) if 0 < STEEP * low < high else Normalize(low, high)


def _numbers(axes: Axes, values: NDArray[Any], fewer: NDArray[Any]) -> None:
    """Each cell's value where there is room, and its lanes where they are fewer than in the fullest cell."""
    there = np.isfinite(values)
    share = ((values[there] >= 0) & (values[there] <= 1)).all()
    exact = {0: "0", 1: "1"} if share else {}  # 0.996 is not all of them
    words = {}
    for i, j in np.argwhere(there):
        word = exact.get(values[i, j], f"{values[i, j]:{'.2f' if share else '.3g'}}")
        words[i, j] = f"{word}\n{counted(fewer[i, j])}" if fewer[i, j] else word
    height, width = values.shape
    widest = width * max(len(line) for word in words.values() for line in word.split("\n"))
    if values.size > NUMBERED or widest > 85 or height > 30:
        return
    axes.vlines(np.arange(1, width) - 0.5, -0.5, height - 0.5, color="white", linewidth=2)
    axes.hlines(np.arange(1, height) - 0.5, -0.5, width - 0.5, color="white", linewidth=2)
    colours, size = ink(axes.images[0], values), 12 if widest <= 48 else 9
    for (i, j), word in words.items():
        axes.text(j, i, word, ha="center", va="center", color=colours[i, j], fontsize=size, in_layout=False)
