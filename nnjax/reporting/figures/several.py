"""Several networks' curves over each other, a line each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.bands import COLOURS
from nnjax.reporting.figures.curves import SECOND, UNITS, over_epochs
from nnjax.reporting.figures.style import figure, message, shorten

DASHES = ("-", "--")  # colours come again dashed
MOST = len(COLOURS) * len(DASHES)  # lines that can be told apart
PARTS = ("validation", "train")  # the first that all networks have
NAME = 60  # letters of a name


def several(names: Sequence[str], histories: Sequence[Mapping[str, NDArray[Any]]], loss: str) -> Figure:
    """Loss, and beside it accuracy (or rmse), over the epochs: of the validation, or where one has none, of training.

    names: one a network, at most MOST; histories: of each `epoch` (k,) and arrays (k,) by metric, NaN not measured.
    loss: its name, "" where the networks have different ones.
    """
    finite = [
        {name for name, values in history.items() if np.isfinite(np.asarray(values, float)).any()}
        for history in histories
    ]
    part = next((part for part in PARTS if all(f"{part}/loss" in there for there in finite)), None)
    if part is None:
        return message("no curves to draw: these networks have no loss in common")
    metrics = ["loss", *[name for name in SECOND if all(f"{part}/{name}" in there for there in finite)][:1]]
    rows = -(-len(names) // 2)
    made = figure(8, 4 + 0.22 * rows)
    for axes, metric in zip(np.atleast_1d(made.subplots(1, len(metrics))), metrics, strict=True):
        drawn = []
        for i, (name, history) in enumerate(zip(names, histories, strict=True)):
            values = history[f"{part}/{metric}"]
            there = np.isfinite(values)
            epochs, colour, dash = history["epoch"][there], COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS)]
            axes.plot(epochs, values[there], dash, color=colour, label=shorten(name, NAME).replace("$", r"\$"))
            drawn.append((epochs, values[there]))
        unit = UNITS.get(loss, "mean per example")
        axes.set_ylabel(f"{part} {SECOND.get(metric, f'{loss or metric} ({unit})')}")
        ticks, heights = (np.concatenate(each) for each in zip(*drawn, strict=True))
        over_epochs(axes, metric, ticks, heights)
    made.legend(
        *made.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=9
    )
    return made
