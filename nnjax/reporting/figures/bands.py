"""Many networks over the epochs: the lanes' median, and around it a band that holds most of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.curves import LINES, SECOND, STEEP, UNITS, over_epochs
from nnjax.reporting.figures.style import (
    BLUE,
    DOTS_PER_INCH,
    GREEN,
    ORANGE,
    STYLES,
    VERMILLION,
    counted,
    figure,
    message,
    shorten,
)

METRIC = ("loss", *SECOND)  # of which a figure shows the first two that are there
COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, "#CC79A7", "#56B4E9")  # of groups
SHADED = 3  # groups up to which each has its band: more of them, one over the other, are one grey area
SHARES = np.array([0.1, 0.25, 0.5, 0.75, 0.9])  # of the lanes: the band's edges around the median
FEW = 8  # lanes below which each is a line of its own, too few for a band


def bands(
    epochs: NDArray[Any], values: Mapping[str, NDArray[Any]], ylabel: str, groups: Sequence[str] | None = None
) -> Figure:
    """Loss, and beside it accuracy (or rmse), over the epochs: the lanes' median, and a band of 10-90 % of them.

    epochs (k,); values: arrays (lanes, k) by metric, `train/loss`, `validation/accuracy`, ...; NaN: the lane had
    stopped, and keeps its last value; a lane that never had one is left out. ylabel: the loss, by name. groups: a word
    a lane; two to six different ones get a colour each, for validation alone, or for train where there is none; more
    than three have no bands.
    """
    lanes = len(next(iter(values.values())))
    kept = [f"{name}/{metric}" for name in LINES for metric in METRIC]
    finite = {key: mask for key in kept if key in values and (mask := np.isfinite(values[key])).any()}
    if not finite:
        return message(f"no curves to draw: none of {counted(lanes)} has a value")
    names = list(dict.fromkeys(key.split("/")[0] for key in finite))
    series = _series(names, lanes, groups or ())
    grouped = not series[0][1].all()
    if max(mask.sum() for _, mask, _ in series) < FEW:
        edges, around = None, "each lane thin"
    elif grouped:
        edges, around = ([(0, 4)], "10-90 % shaded") if len(series) <= SHADED else ([], "no shading")
    else:
        edges, around = [(0, 4), (1, 3)], "10-90 % shaded, 25-75 % darker"
    metrics = [metric for metric in METRIC if any(f"{name}/{metric}" in finite for name, *_ in series)][:2]
    made = figure(8 if len(metrics) == 2 else 5.5, 4.3)
    for axes, metric in zip(np.atleast_1d(made.subplots(1, len(metrics))), metrics, strict=True):
        drawn = []
        for name, mask, look in series:
            if (key := f"{name}/{metric}") in finite:
                at = np.flatnonzero(finite[key].any(axis=0))
                drawn.append((epochs[at], _band(axes, epochs[at], _carried(values[key][mask][:, at]), edges, look)))
        axes.set_ylabel(SECOND.get(metric, f"{ylabel} ({UNITS[ylabel]})" if ylabel in UNITS else ylabel))
        ticks, shares = zip(*drawn, strict=True)
        _limits(axes, metric, np.concatenate(ticks), np.concatenate(shares, axis=1))
    alive = int(np.any([mask.any(axis=1) for mask in finite.values()], axis=0).sum())
    title = f"{names[-1] + ' of ' if grouped else ''}{counted(alive)}{f': median, {around}' if alive > 1 else ''}"
    made.suptitle(
        title + (f"\n{counted(lanes - alive)} without a value left out" if alive < lanes else ""), fontsize=11
    )
    widest = 60 + 8 * max(len(look["label"]) for *_, look in series)
    columns = int(DOTS_PER_INCH * made.get_figwidth() // widest)
    made.legend(*made.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=columns, frameon=False)
    return made


def _series(names: Sequence[str], lanes: int, groups: Sequence[str]) -> list[tuple[str, NDArray[Any], dict[str, str]]]:
    """What is drawn: train or validation, which lanes, how the line looks."""
    words = list(dict.fromkeys(groups))
    if not 2 <= len(words) <= len(COLOURS):
        looks = {name: {"label": name, "color": LINES[name][0], "linestyle": LINES[name][1]} for name in names}
        return [(name, np.full(lanes, True), look) for name, look in looks.items()]
    masks = [np.array([group == word for group in groups]) for word in words]
    labels = [f"{shorten(word, 40)} ({counted(mask.sum())})" for word, mask in zip(words, masks, strict=True)]
    chosen = zip(masks, labels, COLOURS, STYLES, strict=False)
    return [(names[-1], mask, {"label": label, "color": c, "linestyle": style}) for mask, label, c, style in chosen]


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
    axes: Axes, ticks: NDArray[Any], values: NDArray[Any], edges: list[tuple[int, int]] | None, look: Mapping[str, Any]
) -> NDArray[Any]:
    """Draw the lanes' median and what is around it, without edges each lane; the shares drawn, (5, k) or (1, k)."""
    shares = _quantiles(values)
    if edges is None and len(values) > 1:
        axes.plot(ticks, values.T, **{**look, "label": None}, linewidth=0.8, alpha=0.5)
    for low, high in edges or ():
        face, edge = (look["color"], 0.18), (look["color"], 0.5)
        axes.fill_between(ticks, shares[low], shares[high], facecolor=face, edgecolor=edge, linewidth=0.6)
    axes.plot(ticks, shares[2], **look, linewidth=2, marker="o" if len(ticks) <= 12 else "", markersize=4)
    return shares[[2]] if edges == [] else shares


def _limits(axes: Axes, metric: str, epochs: NDArray[Any], shares: NDArray[Any]) -> None:
    """As one network's curves have them; and lanes that diverge don't press the others flat."""
    top = STEEP * np.nanmax(shares[len(shares) // 2])
    cut = metric != "accuracy" and 0 < top < np.nanmax(shares)
    over_epochs(axes, metric, epochs, np.minimum(shares, top) if cut else shares)
    if cut:
        axes.set_ylim(top=top)
