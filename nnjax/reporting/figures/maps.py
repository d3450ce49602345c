"""A network of convolutions: what its filters look for, and what each layer sees of a few digits (L15, L16)."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.style import BLUE, bare, figure, message, sheet, shorten

EDGE = 0.06  # left free between two digits, of a row


def filters(layers: Sequence[NDArray[Any]]) -> Figure:
    """Each Theta (maps_out, maps_in, size, size) as a sheet: a column a map, a row each map below that it looks at.

    Each layer has its own scale around 0.
    """
    if not all(np.isfinite(Theta).all() for Theta in layers):
        return message("no filters to draw: weights are not finite")
    papers = [sheet(Theta.swapaxes(0, 1).reshape(-1, *Theta.shape[2:]), len(Theta))[0] for Theta in layers]
    heights = [8 * paper.shape[0] / paper.shape[1] + 0.5 for paper in papers]
    made = figure(8, min(sum(heights) + 0.2, 12))
    rows = made.subplots(len(papers), 1, squeeze=False, height_ratios=heights)[:, 0]
    for number, (axes, paper, Theta) in enumerate(zip(rows, papers, layers, strict=True), 1):
        limit = float(np.abs(Theta).max()) or 1.0
        drawn = axes.imshow(paper, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
        made.colorbar(drawn, label="weight", fraction=0.05, pad=0.02)
        maps_out, maps_in, height, width = Theta.shape
        axes.set_title(f"convolution {number}: {maps_out} maps, {height} x {width} of {maps_in} below", fontsize=11)
        bare(axes)
    return made


def layers_seen(
    images: NDArray[Any],
    layers: Sequence[NDArray[Any]],
    outputs: NDArray[Any],
    labels: Sequence[str],
    classes: Sequence[str],
) -> Figure:
    """A row an image, a column a layer: the image, what each layer makes of it, and the outputs.

    Args:
        images: (n, height, width).
        layers: of each layer the maps (n, maps, rows, columns) or units (n, units); each has one scale around 0.
        outputs: (n, classes), the network's.
        labels: the n right classes.
        classes: names of the outputs.
    """
    if not all(np.isfinite(layer).all() for layer in layers):
        return message("no layers to draw: activations are not finite")
    n = len(images)
    made = figure(8, 0.95 * n + 1.1)
    columns = made.subplots(1, len(layers) + 2, width_ratios=[1.0] * (len(layers) + 1) + [1.3])
    shown = [("image", images, "gray_r", 0.0, float(images.max()) or 1.0)]
    for before, layer in pairwise([images, *layers]):
        limit = float(np.abs(layer).max()) or 1.0
        shown.append(
            (
                _words(layer, pooled=before.ndim == layer.ndim == 4 and before.shape[1] == layer.shape[1]),
                layer,
                "RdBu_r",
                -limit,
                limit,
            )
        )
    for axes, (title, layer, colours, low, high) in zip(columns, shown, strict=False):
        for row in range(n):
            extent = (0.0, 1.0, row + 1 - EDGE, row + EDGE)
            paper = layer[row] if title == "image" else _paper(layer[row])
            axes.imshow(paper, cmap=colours, vmin=low, vmax=high, extent=extent, interpolation="nearest")
        axes.set(xlim=(0, 1), ylim=(n, 0), aspect="auto")
        axes.set_title(title, fontsize=9)
        bare(axes)
    columns[0].set_yticks(np.arange(n) + 0.5, [shorten(label, 12) for label in labels])
    columns[0].tick_params(length=0)
    _bars(columns[-1], outputs, classes)
    made.suptitle("what each layer sees: red above 0, blue below", fontsize=10)
    return made


def _bars(axes: Any, outputs: NDArray[Any], classes: Sequence[str]) -> None:
    """The outputs of each image, a bar a class, the largest with its class."""
    n, count = outputs.shape
    for row, h in enumerate(outputs):
        places = row + EDGE + (np.arange(count) + 0.5) * (1 - 2 * EDGE) / count
        axes.barh(places, h, height=0.8 * (1 - 2 * EDGE) / count, color=BLUE)
        best = int(np.argmax(h))
        words = f"{shorten(classes[best], 8)}: {h[best]:.2f}"
        axes.text(0.5, places[best] + (0.2 if best < count / 2 else -0.2), words, ha="center", va="center", fontsize=8)
    axes.set(xlim=(0, 1), ylim=(n, 0))
    axes.set_title("output", fontsize=9)
    bare(axes)


def _paper(layer: NDArray[Any]) -> NDArray[Any]:
    """Maps (maps, rows, columns) in a square, units (units,) in one of as many columns as 84 units have: 12."""
    if layer.ndim == 3:
        paper, _ = sheet(layer, math.ceil(math.sqrt(len(layer))))
        gap = max(1, layer.shape[2] // 14)
        return paper[:-gap, :-gap]
    columns = 12 if len(layer) > 12 else len(layer)
    rows = math.ceil(len(layer) / columns)
    return np.append(layer, np.full(rows * columns - len(layer), np.nan)).reshape(rows, columns)


def _words(layer: NDArray[Any], pooled: bool) -> str:
    """The head of a layer's column."""
    if layer.ndim == 2:
        return f"{layer.shape[1]} units\n"
    size = f"{layer.shape[2]} x {layer.shape[3]}"
    return f"pooled\n{size}" if pooled else f"{layer.shape[1]} maps\n{size}"
