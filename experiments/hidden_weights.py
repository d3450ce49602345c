"""Hidden units that stay equal, beside ones that part: why Theta starts at random and not at 0 (L33)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from nnjax.reporting.figures.curves import over_epochs
from nnjax.reporting.figures.style import COLOURS, GREY, figure

UNITS = len(COLOURS)  # the first ones of a layer
STYLES: tuple[Any, ...] = ("-", "--", ":")  # an input each


def hidden_weights(starts: Mapping[str, NDArray[Any]]) -> Figure:
    """Each hidden unit's weights over the epochs, a panel a start, such as "zeros" and "random".

    starts: weights (epochs + 1, units, inputs) by name, row e after epoch e. A colour a unit, a line style an input;
    units that are equal are seen as lines one inside the other. Of more than six units the first are drawn, of more
    than three inputs those whose weights move most; the spread in the title is over all of them.
    """
    first = next(iter(starts.values()))
    moved = sum(np.ptp(weights, axis=0).max(axis=0) for weights in starts.values())
    inputs = np.sort(np.argsort(-moved, kind="stable")[: len(STYLES)])
    made = figure(8, 4.3)
    row = np.atleast_1d(made.subplots(1, len(starts), sharey=True))
    for axes, (name, weights) in zip(row, starts.items(), strict=True):
        _panel(axes, weights[:, :UNITS][:, :, inputs])
        spread = float(np.ptp(weights[-1], axis=0).max())
        axes.set_title(f"{name}: at the end\n{f'units differ by {spread:.2g}' if spread else 'all units are equal'}")
    row[0].set_ylabel("weight Theta of the first layer")
    units = zip(COLOURS, range(first.shape[1]), strict=False)
    handles = [Line2D([], [], color=colour, label=f"unit {unit + 1}") for colour, unit in units]
    lines = zip(STYLES, inputs, strict=False)
    handles += [Line2D([], [], color=GREY, linestyle=style, label=f"from x{j + 1}") for style, j in lines]
    made.legend(handles=handles, loc="outside lower center", ncols=6 if len(handles) <= 6 else 5, frameon=False)
    return made


def _panel(axes: Axes, weights: NDArray[Any]) -> None:
    epochs, units, inputs = weights.shape
    for unit in range(units):
        for j in range(inputs):
            width = 1.2 + 1.1 * (units - 1 - unit)
            axes.plot(weights[:, unit, j], color=COLOURS[unit], linestyle=STYLES[j], linewidth=width)
    over_epochs(axes, "weight", np.arange(epochs), np.zeros(epochs))
