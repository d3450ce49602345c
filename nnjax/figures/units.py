"""What the first layer looks for: each unit's incoming weights as an image (L15)."""

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.figures.style import bare, figure, message, sheet

FEW = 25  # units up to which each carries its number


def hidden_units(Theta: NDArray[Any], shape: tuple[int, int], count: int = 100) -> Figure:
    """Rows of Theta (units, pixels) as images of shape (h, w), the largest weights first, on one scale around 0.

    The scale ends at the 99.9th percentile of |Theta|, so that one weight can't turn all others grey.
    """
    finite = np.isfinite(Theta).all(axis=1)
    norms = np.where(finite, np.linalg.norm(Theta, axis=1), -1.0)
    chosen = np.argsort(-norms, kind="stable")[: min(count, int(finite.sum()))]
    if chosen.size == 0:
        return message("no units to draw: the first layer has no finite weights")
    columns = math.ceil(math.sqrt(chosen.size))
    paper, corners = sheet(Theta[chosen].reshape(-1, *shape), columns)
    limit = float(np.percentile(np.abs(Theta[chosen]), 99.9)) or 1.0
    made = figure(8, 8 * paper.shape[0] / paper.shape[1] * 0.88 + 0.4)
    axes = made.subplots()
    drawn = axes.imshow(paper, cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    made.colorbar(drawn, label="weight (per unit of input)", extend="both", fraction=0.05, pad=0.02)
    if chosen.size <= FEW:
        for unit, (x, y) in zip(chosen, corners, strict=True):
            axes.text(x, y, f"{unit}", va="top", fontsize=9, in_layout=False)
    axes.set_title(f"first layer, {chosen.size} of {len(Theta):,} units: incoming weights, largest first")
    bare(axes)
    return made
