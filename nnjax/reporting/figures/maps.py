"""A network of convolutions: its filters, and what each layer makes of a few images (L15, L16)."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.style import BLUE, GREY, figure, hide_axes, message, sheet, shorten
from nnjax.reporting.text import count

EDGE = 0.06  # free space above and below an image, in rows
NAMED_BARS = 12  # outputs up to which each bar has the name of its class, if that is a letter or a digit


def filters(layers: Sequence[NDArray[Any]]) -> Figure:
    """Draw each Theta (maps_out, maps_in, size, size) as a sheet: a column for each map, a row for each map it reads.

    Each layer has its own scale around 0.
    """
    if not all(np.isfinite(Theta).all() for Theta in layers):
        return message("no filters to draw: weights are not finite")
    papers = [sheet(Theta.swapaxes(0, 1).reshape(-1, *Theta.shape[2:]), len(Theta))[0] for Theta in layers]
    heights = [8 * paper.shape[0] / paper.shape[1] + 0.5 for paper in papers]
    chart = figure(8, min(sum(heights) + 0.2, 12))
    rows = chart.subplots(len(papers), 1, squeeze=False, height_ratios=heights)[:, 0]
    for number, (axes, paper, Theta) in enumerate(zip(rows, papers, layers, strict=True), 1):
        limit = float(np.abs(Theta).max()) or 1.0
        drawn = axes.imshow(paper, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        chart.colorbar(drawn, label="weight", fraction=0.05, pad=0.02)
        maps_out, maps_in, height, width = Theta.shape
        axes.set_title(
            f"convolution {number}: {maps_out} maps, each {height} x {width} from {count(maps_in, 'map')}", fontsize=11
        )
        hide_axes(axes)
    return chart


def layers_seen(
    images: NDArray[Any],
    layers: Sequence[NDArray[Any]],
    outputs: NDArray[Any],
    labels: Sequence[str],
    classes: Sequence[str],
) -> Figure:
    """Draw a row for each image: the image, what each layer makes of it, and the outputs.

    Args:
        images: (n, height, width).
        layers: of each layer the maps (n, maps, rows, columns) or units (n, units); each layer has a scale around 0.
        outputs: of the network, (n, classes).
        labels: the true class of each image.
        classes: names of the outputs.
    """
    if not all(np.isfinite(layer).all() for layer in layers):
        return message("no layers to draw: activations are not finite")
    n = len(images)
    chart = figure(8, 0.95 * n + 1.1)
    columns = chart.subplots(1, len(layers) + 2, width_ratios=[1.0] * (len(layers) + 1) + [1.3])
    shown = [("image", images, "gray_r", 0.0, float(images.max()) or 1.0)]
    for before, layer in pairwise([images, *layers]):
        limit = float(np.abs(layer).max()) or 1.0
        pooled = before.ndim == layer.ndim == 4 and before.shape[1] == layer.shape[1]
        shown.append((_column_title(layer, pooled), layer, "RdBu_r", -limit, limit))
    for axes, (title, layer, colours, low, high) in zip(columns, shown, strict=False):
        for row in range(n):
            extent = (0.0, 1.0, row + 1 - EDGE, row + EDGE)
            paper = layer[row] if title == "image" else _as_sheet(layer[row])
            axes.imshow(paper, cmap=colours, vmin=low, vmax=high, extent=extent, interpolation="nearest")
        axes.set(xlim=(0, 1), ylim=(n, 0), aspect="auto")
        axes.set_title(title, fontsize=9)
        hide_axes(axes)
    columns[0].set_yticks(np.arange(n) + 0.5, [shorten(label, 12) for label in labels])
    columns[0].tick_params(length=0)
    _draw_bars(columns[-1], outputs, classes)
    chart.suptitle("what each layer sees: red above 0, blue below", fontsize=10)
    return chart


def _draw_bars(axes: Axes, outputs: NDArray[Any], classes: Sequence[str]) -> None:
    """Draw a bar for each class in the row of each image, with its class below, and the largest output in words."""
    n, k = outputs.shape
    places = (np.arange(k) + 0.5) / k
    named = k <= NAMED_BARS and max(map(len, classes)) == 1
    for row, h in enumerate(outputs):
        floor, height = row + 1 - EDGE - 0.16 * named, 0.52
        axes.bar(places, -height * h, width=0.8 / k, bottom=floor, color=BLUE)
        axes.plot([0, 1], [floor, floor], color=GREY, linewidth=0.6)
        for place, name in zip(places, classes, strict=True) if named else ():
            axes.text(place, floor + 0.03, name, ha="center", va="top", fontsize=6, in_layout=False)
        best = int(np.argmax(h))
        words, left = f"{shorten(classes[best], 8)}: {h[best]:.2f}", best < k / 2
        top = floor - height * h[best] - 0.03
        axes.text(0 if left else 1, top, words, ha="left" if left else "right", va="bottom", fontsize=8)
    axes.set(xlim=(0, 1), ylim=(n, 0))
    axes.set_title("output", fontsize=9)
    hide_axes(axes)


def _as_sheet(layer: NDArray[Any]) -> NDArray[Any]:
    """Return maps (maps, rows, columns) in a square, or units (units,) in rows of 12."""
    if layer.ndim == 3:
        paper, _ = sheet(layer, math.ceil(math.sqrt(len(layer))))
        gap = max(1, layer.shape[2] // 14)
        return paper[:-gap, :-gap]
    columns = 12 if len(layer) > 12 else len(layer)
    rows = math.ceil(len(layer) / columns)
    return np.append(layer, np.full(rows * columns - len(layer), np.nan)).reshape(rows, columns)


def _column_title(layer: NDArray[Any], pooled: bool) -> str:
    """Return the title of a layer's column."""
    if layer.ndim == 2:
        return f"{layer.shape[1]} units\n"
    size = f"{layer.shape[2]} x {layer.shape[3]}"
    return f"pooled\n{size}" if pooled else f"{layer.shape[1]} maps\n{size}"
