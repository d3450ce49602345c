"""Norms of parameters and gradients over the epochs, layer by layer: they show which layers learn."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.curves import FEW_EPOCHS, over_epochs
from nnjax.reporting.figures.style import DOTS_PER_INCH, GREY, STYLES, figure, message

PANELS = {  # metric -> title, label of the axis
    "parameters": ("parameters", "2-norm of Theta and b"),
    "gradient": ("gradient at each epoch's last update", "2-norm of dJ/dTheta and dJ/db"),
}
SHADES = colormaps["viridis"]


def norms(history: Mapping[str, NDArray[Any]], layers: Sequence[str]) -> Figure:
    """Draw the norms of parameters and of gradients over the epochs, of all layers together and of each.

    history: arrays (epochs + 1,) by metric, `parameters/norm`, `parameters/norm/1`, `gradient/norm`, ... Row 0 is the
    untrained network; NaN was not measured. layers: their names in order, the first has the darkest line. A single
    layer has one line. A layer that the history doesn't have has none.
    """
    looks: dict[str, dict[str, Any]] = {"norm": {"label": "all layers", "color": GREY, "linewidth": 4, "alpha": 0.4}}
    if len(layers) == 1:
        looks, layers = {"norm": {"label": layers[0], "color": SHADES(0.0)}}, ()
    for i, name in enumerate(layers):
        shade = SHADES(0.85 * i / max(len(layers) - 1, 1))
        looks[f"norm/{i + 1}"] = {"label": name, "color": shade, "linestyle": STYLES[i % len(STYLES)]}
    measured = {key: epochs for key, values in history.items() if len(epochs := np.flatnonzero(np.isfinite(values)))}
    panels = {kind: [name for name in looks if f"{kind}/{name}" in measured] for kind in PANELS}
    if not any(panels.values()):
        return message("no norms to draw: none is finite")
    columns = int(8 * DOTS_PER_INCH // (60 + 8 * max(len(look["label"]) for look in looks.values())))
    chart = figure(8, 3.8 + 0.2 * -(-len(looks) // columns))
    for axes, (kind, names) in zip(chart.subplots(1, 2, sharex=True), panels.items(), strict=True):
        for name in names:
            epochs = measured[f"{kind}/{name}"]
            mark = "o" if len(epochs) <= FEW_EPOCHS else ""
            axes.plot(epochs, history[f"{kind}/{name}"][epochs], **looks[name], marker=mark, markersize=3)
        values = np.array([history[f"{kind}/{name}"] for name in names])
        over_epochs(axes, "norm", np.arange(values.shape[-1]), values)
        title, words = PANELS[kind]
        axes.set(title=title, ylabel=words)
    lines = max((axes.get_legend_handles_labels() for axes in chart.axes), key=lambda legend: len(legend[0]))
    chart.legend(*lines, loc="outside lower center", ncols=columns, frameon=False)
    return chart
