"""The digits themselves as one sheet, one row for each class (L14, L15)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.style import EMPTY, figure, hide_axes, message, sheet, shorten

SIDE = 10  # images in a row, and rows


def digits(images: NDArray[Any], labels: NDArray[Any] | None = None, classes: Sequence[str] = ()) -> Figure:
    """Draw a sheet of 10 x 10 images (n, h, w): in each row the first ten of a class.

    labels (n,): indices into classes, of which the first ten have a row. Without labels: the first hundred images.
    """
    if not len(images):
        return message("no images to draw")
    if labels is None:
        rows = [np.arange(i, min(i + SIDE, len(images))) for i in range(0, min(SIDE * SIDE, len(images)), SIDE)]
    else:
        rows = [np.flatnonzero(labels == label)[:SIDE] for label in range(min(len(classes), SIDE))]
    cells = np.full((len(rows), SIDE, *images.shape[1:]), np.nan)
    for cell, row in zip(cells, rows, strict=True):
        cell[: len(row)] = images[row]
    paper, corners = sheet(cells.reshape(-1, *images.shape[1:]), SIDE)
    chart = figure(8, 7.2 * paper.shape[0] / paper.shape[1] + 0.6)
    axes = chart.subplots()
    gaps_visible = colormaps["gray_r"].with_extremes(bad=EMPTY)
    axes.imshow(paper, cmap=gaps_visible, vmin=0, vmax=float(np.nanmax(cells)) or 1.0, interpolation="nearest")
    hide_axes(axes)
    if labels is not None:
        middles = [y + images.shape[1] / 2 - 0.5 for _, y in corners[::SIDE]]
        axes.set_yticks(middles, [shorten(name, 16) for name in classes[: len(rows)]])
        axes.tick_params(length=0, labelsize=12)
    partial = f", {len(rows)} of {len(classes)} classes" if labels is not None and len(rows) < len(classes) else ""
    height, width = images.shape[1:]
    axes.set_title(f"{sum(map(len, rows))} of {len(images):,} images, {height} x {width} pixels{partial}")
    return chart
