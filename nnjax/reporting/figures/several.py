"""The learning curves of several networks in one figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.curves import SECOND, UNITS, over_epochs
from nnjax.reporting.figures.style import COLOURS, figure, message, shorten

DASHES = ("-", "--")  # after all colours they are used again, dashed
MAX_LINES = len(COLOURS) * len(DASHES)  # that can be distinguished
PARTS = ("validation", "train")  # the first that all networks have is drawn
NAME_LENGTH = 80  # characters of a name


def several(names: Sequence[str], histories: Sequence[Mapping[str, NDArray[Any]]], loss: str) -> Figure:
    """Draw loss and accuracy (or rmse) over the epochs, of validation, or of training if a network has no validation.

    Args:
        names: of the networks, at most MAX_LINES.
        histories: of each network `epoch` (k,), and arrays (k,) by metric, NaN where not measured.
        loss: its name, "" if the networks have different ones.
    """
    finite = [
        {name for name, values in history.items() if np.isfinite(np.asarray(values, float)).any()}
        for history in histories
    ]
    part = next((part for part in PARTS if all(f"{part}/loss" in measured for measured in finite)), None)
    if part is None:
        return message("no curves to draw: these networks have no loss in common")
    metrics = ["loss", *[name for name in SECOND if all(f"{part}/{name}" in measured for measured in finite)][:1]]
    labels = [shorten(name, NAME_LENGTH).replace("$", r"\$") for name in names]
    columns = 2 if max(map(len, labels)) <= 50 else 1
    rows = -(-len(names) // columns)
    chart = figure(8, 4 + 0.22 * rows)
    for axes, metric in zip(np.atleast_1d(chart.subplots(1, len(metrics))), metrics, strict=True):
        drawn = []
        for i, (label, history) in enumerate(zip(labels, histories, strict=True)):
            values = history[f"{part}/{metric}"]
            measured = np.isfinite(values)
            epochs, colour, dash = history["epoch"][measured], COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS)]
            axes.plot(epochs, values[measured], dash, color=colour, label=label)
            drawn.append((epochs, values[measured]))
        unit = UNITS.get(loss, "mean per example")
        axes.set_ylabel(f"{part} {SECOND.get(metric, f'{loss or metric} ({unit})')}")
        ticks, heights = (np.concatenate(arrays) for arrays in zip(*drawn, strict=True))
        over_epochs(axes, metric, ticks, heights)
    lines = chart.axes[0].get_legend_handles_labels()
    chart.legend(*lines, loc="outside lower center", ncols=columns, frameon=False, fontsize=9)
    return chart
