"""The first layer: each unit's incoming weights as an image (L15)."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.style import figure, hide_axes, message, sheet, shorten

FEW_UNITS = 25  # up to which each has its number


def hidden_units(
    Theta: NDArray[Any], shape: tuple[int, int], classes: Sequence[str] | None = None, count: int = 100
) -> Figure:
    """Draw the rows of Theta (units, pixels) as images of shape (h, w), the largest weights first, on one scale.

    Hidden units are numbered from 1. The scale ends at the 99.9th percentile of |Theta|, so that one weight can't turn
    all others grey. classes: names of outputs without a hidden layer (L6, L7); their images stand in this order. count:
    images at most.
    """
    finite = np.isfinite(Theta).all(axis=1)
    norms = np.where(finite, np.linalg.norm(Theta, axis=1), -1.0)
    chosen = np.argsort(-norms, kind="stable")[: min(count, int(finite.sum()))]
    if chosen.size == 0:
        return message("no units to draw: the first layer has no finite weights")
    if classes is not None:
        chosen = np.sort(chosen)
    # Ten classes are two rows of five.
    columns = 5 if classes is not None and chosen.size <= 10 else math.ceil(math.sqrt(chosen.size))
    words = [f"{unit + 1}" if classes is None else shorten(classes[unit], 60 // columns) for unit in chosen]
    named = chosen.size <= FEW_UNITS or classes is not None
    above = math.ceil(shape[0] / 6) if named else 0
    paper, corners = sheet(Theta[chosen].reshape(-1, *shape), min(columns, chosen.size), above)
    limit = float(np.percentile(np.abs(Theta[chosen]), 99.9)) or 1.0
    chart = figure(8, min(8 * paper.shape[0] / paper.shape[1] * 0.88 + 0.4, 9))
    axes = chart.subplots()
    drawn = axes.imshow(paper, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    chart.colorbar(drawn, label="weight (per unit of input)", extend="both", fraction=0.05, pad=0.02)
    for word, (x, y) in zip(words, corners, strict=True) if named else ():
        axes.text(x, y - 0.8, word, va="bottom", fontsize=9, in_layout=False)
    kind, order = ("first layer", "units") if classes is None else ("output layer", "classes")
    largest = ", largest first" if classes is None else ""
    axes.set_title(f"{kind}, {chosen.size} of {len(Theta):,} {order}: incoming weights{largest}")
    hide_axes(axes)
    return chart
