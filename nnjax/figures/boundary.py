"""Boolean functions: the truth table a network computes, and for two inputs where h crosses 0.5 (L10-L13)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.figures.style import GREEN, VERMILLION, bare, figure

ROWS = 16  # of a truth table drawn
GRID = 161  # points along each side of the decision boundary's square
HALF = 40  # points to a tick


def truth_table(inputs: NDArray[Any], targets: NDArray[Any], outputs: NDArray[Any]) -> Figure:
    """A row an instance: inputs x, target y, output h(x) of the network, and whether h > 0.5 is y.

    inputs (n, k), targets (n,) in {0, 1}, outputs (n,). Of more than 16 rows the wrong ones come first.
    """
    right = np.isfinite(outputs) & ((outputs > 0.5) == (targets > 0.5))
    shown = np.argsort(right, kind="stable")[:ROWS] if len(right) > ROWS else np.arange(len(right))
    names = [*(f"x{j + 1}" for j in range(inputs.shape[1])), "y", "h(x)", ""]
    made = figure(max(5, 1.2 + 0.55 * len(names)), 1.1 + 0.3 * (len(shown) + 1))
    axes = made.subplots()
    places = np.append(np.arange(inputs.shape[1] + 1.0), [inputs.shape[1] + 1.5, inputs.shape[1] + 2.7])
    axes.set(xlim=(-0.8, places[-1] + 0.9), ylim=(len(shown) + 0.5, -0.6))
    for place, name in zip(places, names, strict=True):
        axes.text(place, 0, name, ha="center", va="center", in_layout=False, weight="bold")
    axes.axhline(0.5, color="black", linewidth=0.8)
    for line, i in enumerate(shown, start=1):
        cells = [*(f"{x:g}" for x in inputs[i]), f"{targets[i]:g}", f"{outputs[i]:.4f}"]
        for place, cell in zip(places, cells, strict=False):
            axes.text(place, line, cell, ha="center", va="center", in_layout=False)
        word, colour = ("right", GREEN) if right[i] else ("wrong", VERMILLION)
        axes.text(places[-1], line, word, ha="center", va="center", in_layout=False, color=colour, weight="bold")
    rest = f" ({len(shown)} drawn, wrong first)" if len(shown) < len(right) else ""
    axes.set_title(f"truth table: {right.sum()} of {len(right)} rows right, {(~right).sum()} wrong{rest}")
    bare(axes)
    return made


def decision_boundary(
    h: Callable[[NDArray[np.float32]], NDArray[Any]], inputs: NDArray[Any], targets: NDArray[Any]
) -> Figure:
    """h over [-0.5, 1.5]^2 with the line h = 0.5 and the instances, inputs (n, 2) with targets (n,) in {0, 1}.

    h takes points (m, 2) float32 and gives (m,).
    """
    ticks = np.linspace(-0.5, 1.5, GRID, dtype=np.float32)
    points = np.stack(np.meshgrid(ticks, ticks), axis=-1)
    values = np.asarray(h(points.reshape(-1, 2))).reshape(GRID, GRID)
    made = figure(6.6, 5.6)
    axes = made.subplots()
    shades = axes.imshow(values, extent=(-0.5, 1.5, -0.5, 1.5), origin="lower", cmap="cividis", vmin=0, vmax=1)
    made.colorbar(shades, label="h(x), the network's output")
    if values.min() < 0.5 < values.max():
        axes.contour(ticks, ticks, values, levels=[0.5], colors=VERMILLION, linewidths=2.5)
    for target, marker, colour, edge in ((0, "o", "black", "white"), (1, "s", "white", "black")):
        x1, x2 = inputs[np.asarray(targets).astype(int) == target].T
        axes.scatter(x1, x2, s=110, marker=marker, c=colour, edgecolors=edge, label=f"y = {target}", zorder=3)
    axes.set(xticks=ticks[::HALF], yticks=ticks[::HALF])
    axes.set(xlabel="input x1", ylabel="input x2", title="output h(x) over the inputs; line: h = 0.5")
    made.legend(loc="outside lower center", ncols=2, frameon=False)
    return made
