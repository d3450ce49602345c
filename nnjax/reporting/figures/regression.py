"""What a regression predicts, over what is true (L8)."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.style import BLUE, GREY, figure, message, shorten

MANY = 5000  # points drawn
NAME = 50  # letters of the target


def predicted_over_true(targets: NDArray[Any], predictions: NDArray[Any], name: str = "y") -> Figure:
    """A point an example, targets (n,) and predictions (n,), on the diagonal where right; rmse and r2 over all.

    r2 = 1 - sum (h - y)^2 / sum (y - mean y)^2; a dash where all targets are equal. name: of the target, in whose own
    units both axes are.
    """
    finite = np.isfinite(predictions)
    if not finite.any():
        return message("no predictions to draw: none is finite")
    y, h = targets.astype(float), predictions.astype(float)
    squares, spread = np.sum((h - y) ** 2), np.sum((y - y.mean()) ** 2)
    r2 = f"{1 - squares / spread:.4f}" if spread else "-"
    every = -(-len(y) // MANY)
    low, high = (edge([y.min(), y.max(), h[finite].min(), h[finite].max()]) for edge in (min, max))
    margin = 0.04 * (high - low) or 1.0
    made = figure(6, 6)
    axes = made.subplots()
    axes.axline((low, low), slope=1, color=GREY, linestyle="--", label="predicted = true")
    size, alpha = (28, 0.8) if len(y) <= 200 else (10, 0.4)
    axes.scatter(y[::every], h[::every], s=size, alpha=alpha, color=BLUE, linewidths=0)
    limits = (low - margin, high + margin)
    axes.set(xlim=limits, ylim=limits, aspect="equal", xlabel=f"true {shorten(name, NAME)}")
    axes.set_ylabel(f"predicted {shorten(name, NAME)}, h(x)")
    drawn = f"{len(y[::every]):,} of {len(y):,}" if every > 1 else f"{len(y):,}"
    axes.set_title(f"{drawn} examples: rmse {np.sqrt(squares / len(y)):.4g}, r2 {r2}")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    return made
