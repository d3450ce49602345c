"""Many networks over the epochs: the median of the lanes, and a band around it that holds most of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.curves import LINES, SECOND, STEEP, UNITS, over_epochs
from nnjax.reporting.figures.style import COLOURS, DOTS_PER_INCH, STYLES, figure, message, shorten
from nnjax.reporting.text import count

METRICS = ("loss", *SECOND)  # a figure shows the first two that were measured
SHADED_GROUPS = 3  # up to which each group has a band; more bands, one over another, would be one grey area
QUANTILES = np.array([0.1, 0.25, 0.5, 0.75, 0.9])  # of the lanes: the edges of the bands, and the median
FEW_LANES = 8  # below which each lane is a line of its own: too few for a band


def bands(
    epochs: NDArray[Any], values: Mapping[str, NDArray[Any]], ylabel: str, groups: Sequence[str] | None = None
) -> Figure:
    """Draw loss and accuracy (or rmse) over the epochs: the median of the lanes, and a band of 10-90 % of them.

    Args:
        epochs: (k,).
        values: arrays (lanes, k) by metric, `train/loss`, `validation/accuracy`, ... A lane keeps its last value where
            it is NaN afterwards, since it had stopped. A lane without any value is left out.
        ylabel: the name of the loss.
        groups: a word for each lane. Two to six different words get a colour each, and only validation is drawn, or
            training if there is no validation. More than three groups have no bands.
    """
    lanes = len(next(iter(values.values())))
    keys = [f"{name}/{metric}" for name in LINES for metric in METRICS]
    finite = {key: mask for key in keys if key in values and (mask := np.isfinite(values[key])).any()}
    if not finite:
        return message(f"no curves to draw: none of {count(lanes, 'lane')} has a value")
    names = list(dict.fromkeys(key.split("/")[0] for key in finite))
    series = _series(names, lanes, groups or ())
    grouped = not series[0][1].all()
    if max(mask.sum() for _, mask, _ in series) < FEW_LANES:
        edges, around = None, "thin lines: single lanes"
    elif grouped:
        edges, around = ([(0, 4)], "shaded: 10-90 %") if len(series) <= SHADED_GROUPS else ([], "")
    else:
        edges, around = [(0, 4), (1, 3)], "shaded: 10-90 %, darker: 25-75 %"
    metrics = [metric for metric in METRICS if any(f"{name}/{metric}" in finite for name, *_ in series)][:2]
    chart = figure(8 if len(metrics) == 2 else 5.5, 4.3)
    for axes, metric in zip(np.atleast_1d(chart.subplots(1, len(metrics))), metrics, strict=True):
        drawn = []
        for name, mask, look in series:
            if (key := f"{name}/{metric}") in finite:
                measured = np.flatnonzero(finite[key].any(axis=0))
                filled, ticks = _fill_forward(values[key][mask][:, measured]), epochs[measured]
                drawn.append((ticks, _draw_band(axes, ticks, filled, edges, look)))
        axes.set_ylabel(SECOND.get(metric, f"{ylabel} ({UNITS[ylabel]})" if ylabel in UNITS else ylabel))
        all_ticks, quantiles = zip(*drawn, strict=True)
        _set_limits(axes, metric, np.concatenate(all_ticks), np.concatenate(quantiles, axis=1))
    shown = int(np.any([mask.any(axis=1) for mask in finite.values()], axis=0).sum())
    title = f"{names[-1] + ' of ' if grouped else ''}{count(shown, 'lane')}"
    title += f": median{around and f' ({around})'}" if shown > 1 else ""
    title += f"\nnot drawn: {count(lanes - shown, 'lane')} without a value" if shown < lanes else ""
    chart.suptitle(title, fontsize=11)
    widest = 60 + 8 * max(len(look["label"]) for *_, look in series)
    columns = int(DOTS_PER_INCH * chart.get_figwidth() // widest)
    chart.legend(*chart.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=columns, frameon=False)
    return chart


def _series(names: Sequence[str], lanes: int, groups: Sequence[str]) -> list[tuple[str, NDArray[Any], dict[str, str]]]:
    """Return what is drawn: train or validation, which lanes (lanes,), how the line looks."""
    words = list(dict.fromkeys(groups))
    if not 2 <= len(words) <= len(COLOURS):
        looks = {name: {"label": name, "color": LINES[name][0], "linestyle": LINES[name][1]} for name in names}
        return [(name, np.full(lanes, True), look) for name, look in looks.items()]
    masks = [np.array([group == word for group in groups]) for word in words]
    labels = [f"{shorten(word, 40)} ({count(mask.sum(), 'lane')})" for word, mask in zip(words, masks, strict=True)]
    drawn = zip(masks, labels, COLOURS, STYLES, strict=False)
    return [(names[-1], mask, {"label": label, "color": c, "linestyle": style}) for mask, label, c, style in drawn]


def _fill_forward(values: NDArray[Any]) -> NDArray[Any]:
    """Return each lane's last finite value so far, so that a band doesn't jump where lanes stop; NaN before it."""
    last = np.maximum.accumulate(np.where(np.isfinite(values), np.arange(values.shape[1]), 0), axis=1)
    filled = np.take_along_axis(values, last, axis=1)
    return np.where(np.isfinite(filled), filled, np.nan)


def _quantiles(values: NDArray[Any]) -> NDArray[Any]:
    """Return the QUANTILES of the lanes at each epoch, (5, k); NaN where no lane has a value yet."""
    ranked = np.sort(values.T, axis=1)  # NaN comes last
    places = np.maximum(np.isfinite(ranked).sum(axis=1, keepdims=True) - 1, 0) * QUANTILES
    low, high = (np.take_along_axis(ranked, rounded(places).astype(int), axis=1) for rounded in (np.floor, np.ceil))
    return (low + places % 1 * (high - low)).T


def _draw_band(
    axes: Axes, ticks: NDArray[Any], values: NDArray[Any], edges: list[tuple[int, int]] | None, look: Mapping[str, Any]
) -> NDArray[Any]:
    """Draw the median of the lanes and the bands between edges, or single lanes if edges is None.

    Return the quantiles that are drawn, (5, k) or (1, k).
    """
    quantiles = _quantiles(values)
    if edges is None and len(values) > 1:
        axes.plot(ticks, values.T, **{**look, "label": None}, linewidth=0.8, alpha=0.5)
    for low, high in edges or ():
        face, edge = (look["color"], 0.18), (look["color"], 0.5)
        axes.fill_between(ticks, quantiles[low], quantiles[high], facecolor=face, edgecolor=edge, linewidth=0.6)
    axes.plot(ticks, quantiles[2], **look, linewidth=2, marker="o" if len(ticks) <= 12 else "", markersize=4)
    return quantiles[[2]] if edges == [] else quantiles


def _set_limits(axes: Axes, metric: str, epochs: NDArray[Any], quantiles: NDArray[Any]) -> None:
    """Scale the axes like those of one network; lanes that diverge don't press the others flat."""
    top = STEEP * np.nanmax(quantiles[len(quantiles) // 2])
    cut = metric != "accuracy" and 0 < top < np.nanmax(quantiles)
    over_epochs(axes, metric, epochs, np.minimum(quantiles, top) if cut else quantiles)
    if cut:
        axes.set_ylim(top=top)
