"""The predictions of a regression over the true values (L8)."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.style import BLUE, GREY, figure, message, shorten
from nnjax.reporting.text import number

MAX_POINTS = 5000  # drawn
NAME_LENGTH = 50  # characters of the target


def predicted_over_true(targets: NDArray[Any], predictions: NDArray[Any], name: str = "y") -> Figure:
    """Draw predictions (n,) over targets (n,), on the diagonal where they are right, with rmse and r2 over all.

    Both axes have the units of the target. name: of the target. r2 = 1 - sum (h - y)^2 / sum (y - mean y)^2, a dash if
    all targets are equal.
    """
    finite = np.isfinite(predictions)
    if not finite.any():
        return message("no predictions to draw: none is finite")
    y, h = targets.astype(float), predictions.astype(float)
    squares, spread = np.sum((h - y) ** 2), np.sum((y - y.mean()) ** 2)
    r2 = f"{1 - squares / spread:.4f}" if spread else "-"
    step = -(-len(y) // MAX_POINTS)
    low, high = (edge([y.min(), y.max(), h[finite].min(), h[finite].max()]) for edge in (min, max))
    margin = 0.04 * (high - low) or 1.0
    chart = figure(6, 6)
    axes = chart.subplots()
    axes.axline((low, low), slope=1, color=GREY, linestyle="--", label="predicted = true")
    size, alpha = (28, 0.8) if len(y) <= 200 else (10, 0.4)
    axes.scatter(y[::step], h[::step], s=size, alpha=alpha, color=BLUE, linewidths=0)
    limits = (low - margin, high + margin)
    axes.set(xlim=limits, ylim=limits, aspect="equal", xlabel=f"true {shorten(name, NAME_LENGTH)}")
    axes.set_ylabel(f"predicted {shorten(name, NAME_LENGTH)}, h(x)")
    drawn = f"{len(y[::step]):,} of {len(y):,}" if step > 1 else f"{len(y):,}"
    axes.set_title(f"{drawn} examples: rmse {number(np.sqrt(squares / len(y)))}, r2 {r2}")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    return chart
