"""Sweeps of many networks: bands over epochs, a map of two settings, and the best of all."""

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nnjax.figures.curves import LINES, SECOND, STEEP, UNITS
from nnjax.figures.style import BLUE, GREEN, ORANGE, VERMILLION, bare, figure, message

METRIC = ("loss", *SECOND)  # of which a figure shows the first two that are there
COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, "#CC79A7", "#56B4E9")  # of groups
SHARES = np.array([0.1, 0.25, 0.5, 0.75, 0.9])  # of the lanes: the band's edges around the median
FEW = 8  # lanes below which each is a line of its own, too few for a band
NUMBERED = 150  # cells of a map up to which each carries its number
EMPTY = "#D5D5D5"
METRICS, NAME, LINE = 3, 60, 81  # columns of a leaderboard, and letters of a name and of a line in it
LETTER = 0.07  # inches, of 8 points monospaced


def bands(
    epochs: NDArray[Any], values: Mapping[str, NDArray[Any]], ylabel: str, groups: Sequence[str] | None = None
) -> Figure:
    """Loss, and beside it accuracy (or rmse), over the epochs: the lanes' median, and a band of 10-90 % of them.

    epochs (k,); values: arrays (lanes, k) by metric, `train/loss`, `validation/accuracy`, ...; NaN: the lane had
    stopped, and keeps its last value; a lane that never had one is left out. ylabel: the loss, by name. groups: a word
    a lane; two to six different ones get a colour each, for validation alone, or for train where there is none.
    """
    lanes = len(next(iter(values.values())))
    kept = [f"{name}/{metric}" for name in LINES for metric in METRIC]
    finite = {key: mask for key in kept if key in values and (mask := np.isfinite(values[key])).any()}
    if not finite:
        return message(f"no curves to draw: none of {_count(lanes)} has a value")
    series, grouped = _series(list(dict.fromkeys(key.split("/")[0] for key in finite)), lanes, groups)
    few = max(mask.sum() for _, mask, _ in series) < FEW
    metrics = [metric for metric in METRIC if any(f"{name}/{metric}" in finite for name, *_ in series)][:2]
    made = figure(8 if len(metrics) == 2 else 5.5, 4.3)
    for axes, metric in zip(np.atleast_1d(made.subplots(1, len(metrics))), metrics, strict=True):
        drawn = []
        for key, mask, look in ((f"{name}/{metric}", mask, look) for name, mask, look in series):
            if key in finite:
                at = np.flatnonzero(finite[key].any(axis=0))
                array = _carried(values[key][mask][:, at])
                drawn.append((epochs[at], _band(axes, epochs[at], array, few, len(series) * grouped, look)))
        loss = f"{ylabel} ({UNITS[ylabel]})" if ylabel in UNITS else ylabel
        axes.set(xlabel="epoch (0 = untrained)", ylabel=SECOND.get(metric, loss))
        _limits(axes, metric, drawn)
    alive = int(np.any([mask.any(axis=1) for mask in finite.values()], axis=0).sum())
    band = "each lane thin" if few else "10-90 % shaded" if grouped else "10-90 % shaded, 25-75 % darker"
    title = f"{series[0][0] + ' of ' if grouped else ''}{_count(alive)}{f': median, {band}' if alive > 1 else ''}"
    made.suptitle(title + (f"\n{_count(lanes - alive)} without a value left out" if alive < lanes else ""), fontsize=11)
    columns = int(100 * made.get_figwidth() // (60 + 8 * max(len(look["label"]) for *_, look in series)))
    made.legend(*made.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=columns, frameon=False)
    return made


def _count(lanes: int) -> str:
    return f"{lanes:,} {'lane' if lanes == 1 else 'lanes'}"


def _series(names: Sequence[str], lanes: int, groups: Sequence[str] | None) -> tuple[list[tuple[Any, ...]], bool]:
    """What is drawn, as (train or validation, which lanes, how the line looks); and whether it is grouped."""
    words = list(dict.fromkeys(groups or ()))
    if not 2 <= len(words) <= len(COLOURS):
        looks = {name: {"label": name, "color": LINES[name][0], "linestyle": LINES[name][1]} for name in names}
        return [(name, np.full(lanes, True), look) for name, look in looks.items()], False
    member = np.array([words.index(group) for group in groups or ()])
    masks = [member == i for i in range(len(words))]
    labels = [f"{shorten(word, 40)} ({_count(int(mask.sum()))})" for word, mask in zip(words, masks, strict=True)]
    chosen = zip(masks, labels, COLOURS, strict=False)
    return [(names[-1], mask, {"label": label, "color": colour}) for mask, label, colour in chosen], True


def _carried(values: NDArray[Any]) -> NDArray[Any]:
    """Every lane's last finite value so far, so that a band doesn't jump where lanes stop; NaN before the first."""
    last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(values.shape[1]), 0), axis=1)
    carried = np.take_along_axis(values, last, axis=1)
    return np.where(np.isfinite(carried), carried, np.nan)


def _quantiles(values: NDArray[Any]) -> NDArray[Any]:
    """SHARES of the lanes at each epoch, (5, k); NaN where no lane has a value yet."""
    ranked = np.sort(values.T, axis=1)  # NaN comes last
    places = np.maximum(np.isfinite(ranked).sum(axis=1, keepdims=True) - 1, 0) * SHARES
    low, high = (np.take_along_axis(ranked, at(places).astype(int), axis=1) for at in (np.floor, np.ceil))
    return (low + places % 1 * (high - low)).T


def _band(
    axes: Axes, ticks: NDArray[Any], values: NDArray[Any], few: bool, groups: int, look: Mapping[str, Any]
) -> NDArray[Any]:
    """Draw the lanes' median and what is around it; the SHARES, (5, k)."""
    shares = _quantiles(values)
    if few and len(values) > 1:
        axes.plot(ticks, values.T, **{**look, "label": None}, linewidth=0.8, alpha=0.5)
    for low, high in () if few else ((0, 4),) if groups else ((0, 4), (1, 3)):
        alpha = 0.4 / groups if groups else 0.2  # six bands over each other hide none
        axes.fill_between(ticks, shares[low], shares[high], color=look["color"], alpha=alpha, linewidth=0)
    axes.plot(ticks, shares[2], **look, linewidth=2, marker="o" if len(ticks) <= 12 else "", markersize=4)
    return shares


def _limits(axes: Axes, metric: str, drawn: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> None:
    """As one network's curves have them; and lanes that diverge don't press the others flat."""
    axes.xaxis.set_major_locator(MaxNLocator(4 if max(ticks[-1] for ticks, _ in drawn) > 10_000 else 6, integer=True))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    edges = np.concatenate([shares for _, shares in drawn], axis=1)
    low, high, top = np.nanmin(edges), np.nanmax(edges), STEEP * np.nanmax(edges[2])
    if metric != "accuracy":
        if 0 < STEEP * low < min(high, top):
            axes.set_yscale("log")
            axes.minorticks_off()
        if 0 < top < high:
            axes.set_ylim(top=top)
        return
    trained = np.concatenate([shares[:, ticks > 0].ravel() for ticks, shares in drawn])
    trained = trained[np.isfinite(trained)]
    if trained.size and low < trained.min() - (1 - trained.min()):
        margin = 0.08 * np.ptp(trained) + 1e-3
        axes.set_ylim(trained.min() - margin, trained.max() + margin)
        axes.set_xlabel(f"epoch (untrained, below: {low:.3f})")


def pivot(
    row_values: Sequence[Any], column_values: Sequence[Any], values: NDArray[Any]
) -> tuple[list[Any], list[Any], NDArray[Any], NDArray[Any]]:
    """Lanes by two settings: the rows, the columns, the means of values (lanes,) in each cell, and counts of lanes.

    Settings: numbers are sorted, lists too, the shorter first; all others stand in order of appearance. A mean is
    over the finite values, NaN where there is none; counts are its lanes, in a NaN cell those that diverged.
    """
    (rows, i), (columns, j) = _places(row_values), _places(column_values)
    finite = np.isfinite(values)
    totals, counts, diverged = np.zeros((3, len(rows), len(columns)))
    np.add.at(totals, (i[finite], j[finite]), values[finite])
    np.add.at(counts, (i[finite], j[finite]), 1)
    np.add.at(diverged, (i[~finite], j[~finite]), 1)
    means = np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)
    return rows, columns, means, np.where(counts > 0, counts, diverged).astype(int)


def _places(settings: Sequence[Any]) -> tuple[list[Any], NDArray[Any]]:
    """The different settings in order, and each lane's place among them."""
    keys = [tuple(setting) if isinstance(setting, list) else setting for setting in settings]
    distinct = dict(zip(keys, settings, strict=True))
    order = list(distinct)
    lists = all(isinstance(key, tuple) for key in order)
    kinds = {Real if isinstance(x, Real) else type(x) for key in order for x in (key if lists else [key])}
    if kinds == {Real} or (lists and len(kinds) == 1):
        order.sort(key=lambda key: (len(key), key) if lists else key)
    place = {key: i for i, key in enumerate(order)}
    return [distinct[key] for key in order], np.array([place[key] for key in keys], int)


def _words(settings: Sequence[Any]) -> list[str]:
    """Settings as ticks' labels: three digits where that tells them apart; null, true and false as they are typed."""
    plain = ["null" if x is None else str(x).lower() if isinstance(x, bool) else str(x) for x in settings]
    plain = [word.strip("[]") or word for word in plain]
    short = [f"{x:.3g}" if isinstance(x, float) else word for x, word in zip(settings, plain, strict=True)]
    full = short if len({*short}) == len(short) else plain
    return [shorten(word, 24) for word in full]


def shorten(text: str, length: int) -> str:
    """At most length letters, the middle left out: settings differ at their ends as at their beginnings."""
    return text if len(text) <= length else f"{text[: length // 2]}…{text[len(text) - (length - 1) // 2 :]}"


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
    shown = np.ma.masked_invalid(values)
    there = ~np.ma.getmaskarray(shown)
    if not there.any():
        return message(f"no map to draw: none of {_count(int(counts.sum()))} has a value of {value_name}")
    words = _words(columns)
    turned = max(map(len, words)) * len(words) > 80
    made = figure(8, min(max(1.7 + 0.5 * len(rows), 3.3) + turned * 0.07 * max(map(len, words)), 8))
    axes = made.subplots()
    low, high = float(shown.min()), float(shown.max())
    share = low >= 0 and high <= 1
    scale = Normalize(0.9 if low >= 0.9 else 0, 1) if share else Normalize(low, high)
    if not share and 0 < STEEP * low < high:
        scale = LogNorm(low, high)
    shades = axes.imshow(shown, norm=scale, cmap=colormaps["viridis"].with_extremes(bad=EMPTY), aspect="auto")
    fewest, most = int(counts[there].min()), int(counts[there].max())
    lanes = f"{'mean of ' if most > 1 else ''}{'' if fewest == most else f'{fewest:,} to '}{_count(most)} a cell"
    made.colorbar(shades, pad=0.02, label=f"{value_name}\n{lanes}")
    axes.set(title=title, xlabel=column_name, ylabel=row_name)
    for set_ticks, labels, angle in ((axes.set_yticks, _words(rows), 0), (axes.set_xticks, words, 90 * turned)):
        every = 1 if len(labels) <= 30 else -(-len(labels) // 15)
        set_ticks(range(0, len(labels), every), labels[::every], rotation=angle)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if not isinstance(rows[0], str):
        axes.invert_yaxis()
    _numbers(axes, shown, np.where(counts < most, counts, 0), share)
    handles: list[Any] = [Patch(facecolor=EMPTY, label="no lane")] if (~there & (counts == 0)).any() else []
    if (diverged := ~there & (counts > 0)).any():
        y, x = np.nonzero(diverged)
        handles.append(axes.scatter(x, y, s=36, marker="x", color=VERMILLION, label="all lanes diverged"))
    if handles:
        made.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return made


def _numbers(axes: Axes, shown: Any, fewer: NDArray[Any], share: bool) -> None:
    """Each cell's value where there is room, and its lanes where they are fewer than in the fullest cell."""
    there = list(zip(*np.nonzero(~np.ma.getmaskarray(shown)), strict=True))
    exact = {0.0: "0", 1.0: "1"} if share else {}  # 0.996 is not all of them
    words = [exact.get(float(shown[at]), f"{shown[at]:.2f}" if share else f"{shown[at]:.3g}") for at in there]
    words = [f"{word}\n{_count(int(fewer[at]))}" if fewer[at] else word for word, at in zip(words, there, strict=True)]
    widest = max(len(line) for word in words for line in word.split("\n"))
    if shown.size > NUMBERED or widest * shown.shape[1] > 85 or len(shown) > 30:
        return
    for lines, n, length in ((axes.vlines, shown.shape[1], len(shown)), (axes.hlines, len(shown), shown.shape[1])):
        lines(np.arange(1, n) - 0.5, -0.5, length - 0.5, color="white", linewidth=2)
    light = axes.images[0].to_rgba(shown)[..., :3] @ [0.299, 0.587, 0.114]
    size = 12 if widest * shown.shape[1] <= 48 else 9
    for word, (i, j) in zip(words, there, strict=True):
        colour = "black" if light[i, j] > 0.46 else "white"  # where both stand out alike
        axes.text(j, i, word, ha="center", va="center", color=colour, fontsize=size, in_layout=False)


def leaderboard(
    names: Sequence[str], metrics: Mapping[str, NDArray[Any]], higher_is_better: bool, count: int = 20
) -> Figure:
    """The best lanes by the first metric: rank, name and metrics; beside them that metric of all lanes.

    names: what was swept, a lane; metrics: (lanes,) by name, of which three are written. A lane whose first metric is
    not finite has diverged and has no rank; equal lanes keep their order.
    """
    metric, first = next(iter(metrics.items()))
    ranked = np.flatnonzero(np.isfinite(first))
    if not ranked.size:
        return message(f"no lanes to rank: {_count(len(first))}, all diverged")
    ranked = ranked[np.argsort(-first[ranked] if higher_is_better else first[ranked], kind="stable")]
    best = ranked[:count]
    lines = _table([names[i] for i in best], {name: array[best] for name, array in [*metrics.items()][:METRICS]})
    width, height = LETTER * max(map(len, lines)), max(3.3, 0.7 + 0.2 * len(lines))
    made = figure(8, height)
    made.set_layout_engine("none")  # the table's width is known
    table = made.add_axes((0.1 / 8, 0.15 / height, width / 8, 1 - 0.6 / height))
    table.set(xlim=(0, 1), ylim=((height - 0.6) / 0.2 - 0.5, -0.5))
    for i, line in enumerate(lines):
        table.text(0, i, line, va="center", family="monospace", fontsize=8, weight="bold" if i < 2 else "normal")
    table.axhline(1.5, color="black", linewidth=0.8)
    bare(table)
    left = 0.1 + width + 0.75
    axes = made.add_axes((left / 8, 0.6 / height, 1 - (left + 0.2) / 8, 1 - 1.3 / height))
    _distribution(axes, first[ranked], metric, len(best))
    diverged = f", {len(first) - len(ranked):,} diverged" if len(ranked) < len(first) else ""
    made.suptitle(f"best {len(best)} of {_count(len(first))}{diverged}", fontsize=11, y=1 - 0.1 / height)
    return made


def _table(names: Sequence[str], metrics: Mapping[str, NDArray[Any]]) -> list[str]:
    """Two lines of head and a line a name, all of the same length."""
    columns = [[*f"/{name}".split("/")[-2:], *_decimals(array)] for name, array in metrics.items()]
    widths = [max(map(len, column)) + 2 for column in columns]
    room = max(4, min(NAME, LINE - 5 - sum(widths), max(map(len, names))))
    lines = [" " * (5 + room), f"  #  {'lane':<{room}}"]
    lines += [f"{rank:>3}  {shorten(name, room):<{room}}" for rank, name in enumerate(names, start=1)]
    for column, width in zip(columns, widths, strict=True):
        lines = [f"{line}{cell:>{width}}" for line, cell in zip(lines, column, strict=True)]
    return lines


def _decimals(values: NDArray[Any]) -> list[str]:
    """A column of numbers, all written alike; a dash where a lane has none."""
    size = np.abs(values[np.isfinite(values) & (values != 0)])
    form = ".4f" if not size.size or (size.min() >= 1e-3 and size.max() < 1e4) else ".2e"
    return [f"{value:{form}}" if np.isfinite(value) else "-" for value in values]


def _distribution(axes: Axes, values: NDArray[Any], metric: str, best: int) -> None:
    """A histogram of all lanes, the best first in values, and where the list ends."""
    low, high = float(values.min()), float(values.max())
    steep = 0 < STEEP * low < high
    margin = 0.0 if high > low else 0.1 * abs(low) + 1e-3
    bins = np.geomspace(low, high, 31) if steep else np.linspace(low - margin, high + margin, 31)
    axes.hist(values, bins=bins.tolist(), color=BLUE)
    axes.axvline(values[best - 1], color=VERMILLION, linestyle="--", label=f"rank {best}")
    if steep:
        axes.set_xscale("log")
        axes.minorticks_off()
    axes.set(xlabel=metric, ylabel="lanes")
    axes.xaxis.set_major_locator(axes.xaxis.get_major_locator() if steep else MaxNLocator(3))
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
