"""Hidden units in the plane of two inputs: the line where z of the unit is 0, numbered from 1 (L12)."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

MAX_LINES = 10  # drawn: those with the largest weights
PLACES = (0.07, 0.93, 0.2, 0.8, 0.32, 0.68, 0.43, 0.57)  # along a line, where its number may stand
CLEARANCE = 0.07  # around a number, in sides of the square
BOX = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": "black"}


def draw_lines(axes: Axes, Theta: NDArray[Any], b: NDArray[Any], avoid: NDArray[Any]) -> str:
    """Draw the line Theta x + b = 0 of each unit, Theta (units, 2), b (units,); return the title's words about them.

    Numbers keep away from the points avoid (n, 2). A unit whose line is outside the axes has none.
    """
    corners = np.array([axes.get_xlim(), axes.get_ylim()], float)
    crossings = [crossing(weights, bias, corners) for weights, bias in zip(Theta, b, strict=True)]
    largest = np.argsort(-np.linalg.norm(Theta, axis=1), kind="stable")
    ends = {unit: line for unit in largest if (line := crossings[unit]) is not None}
    taken = [*avoid[:100]]
    for unit in sorted([*ends][:MAX_LINES]):
        first, last = ends[unit]
        edge = [withStroke(linewidth=5, foreground="black")]
        # Wider than the line h = 0.5 and under it: in networks by hand the two often coincide.
        axes.plot(*np.stack([first, last]).T, color="white", linewidth=3.6, path_effects=edge, zorder=1.5)
        spots = [first + place * (last - first) for place in PLACES]
        free = max(spots, key=lambda spot: _distance(spot, taken, corners))
        taken.append(free)
        axes.text(
            free[0], free[1], f"{unit + 1}", ha="center", va="center", fontsize=9, bbox=BOX, zorder=4, in_layout=False
        )
    shown = min(len(ends), MAX_LINES)
    return f"\nwhite: z = 0 of {'each hidden unit' if shown == len(b) else f'{shown} of {len(b)} hidden units'}"


def crossing(weights: NDArray[Any], bias: float, corners: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]] | None:
    """Return where the line weights.x + bias = 0 enters and leaves a box, None if it doesn't meet the box.

    weights (2,); corners: of the box, ((x1 low, high), (x2 low, high)).
    """
    square = float(weights @ weights)
    if not 0 < square < np.inf or not np.isfinite(bias):
        return None
    start, along = -bias * weights / square, np.array([-weights[1], weights[0]]) / np.sqrt(square)
    flat = along == 0
    if ((start < corners[:, 0]) | (start > corners[:, 1]))[flat].any():
        return None
    steps = np.sort((corners - start[:, None])[~flat] / along[~flat, None], axis=1)
    enter, leave = steps[:, 0].max(), steps[:, 1].min()
    return (start + enter * along, start + leave * along) if enter < leave else None


def _distance(spot: NDArray[Any], taken: list[NDArray[Any]], corners: NDArray[Any]) -> float:
    """Return the distance to the nearest number or point in sides of the box, at most CLEARANCE."""
    sides = np.ptp(corners, axis=1)
    return min([CLEARANCE, *(float(np.linalg.norm((spot - other) / sides)) for other in taken)])
