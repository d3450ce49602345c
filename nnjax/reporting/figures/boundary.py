"""Boolean functions: the truth table that a network computes, and for two inputs the line h = 0.5 (L10-L13)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import AbstractPathEffect, withStroke
from numpy.typing import NDArray

from nnjax.reporting.figures.lines import draw_lines
from nnjax.reporting.figures.style import GREEN, ORANGE, VERMILLION, figure, hide_axes, shorten

MAX_ROWS = 16  # drawn of a truth table
GRID = 161  # points along each side of the decision boundary's square
TICKS = 5  # on each side of the square of a boolean function
NAME_LENGTH = 24  # characters of a class
# Under the dashes of h = 0.5, which a shade and its colour alone would hide from colour-blind readers.
UNDER: list[AbstractPathEffect] = [
    withStroke(linewidth=4, foreground="black", dashes={"dash_offset": 0, "dash_list": None})
]

Output = Callable[[NDArray[Any]], NDArray[Any]]  # from points (m, 2) to (m,)


def worst_first(targets: NDArray[Any], outputs: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Return where h > 0.5 is y, bool (n,), and the rows to draw: all up to 16, else the 16 with h farthest from y.

    targets (n,) in {0, 1}, outputs h (n,). An output that is not finite is the worst.
    """
    right = np.isfinite(outputs) & ((outputs > 0.5) == (targets > 0.5))
    if len(right) <= MAX_ROWS:
        return right, np.arange(len(right))
    errors = np.where(np.isfinite(outputs), np.abs(outputs - targets), np.inf)
    return right, np.lexsort((-errors, right))[:MAX_ROWS]


def truth_table(
    inputs: NDArray[Any], targets: NDArray[Any], outputs: NDArray[Any], trained: NDArray[np.bool_] | None = None
) -> Figure:
    """Draw a truth table: inputs x, target y, output h(x) of the network, and whether h > 0.5 is y.

    inputs (n, k), targets (n,) in {0, 1}, outputs (n,). trained (n,): which rows were trained on; they have a column if
    some were not. Of more than 16 rows the worst are drawn, the worst first.
    """
    right, shown = worst_first(targets, outputs)
    k, unseen = inputs.shape[1], np.zeros(len(right), bool) if trained is None else ~trained
    names = [*(f"x{j + 1}" for j in range(k)), "y", "h(x)", "", *["trained on"] * bool(unseen.any())]
    lines = [f"truth table: {right.sum()} of {len(right)} rows right, {(~right).sum()} wrong"]
    lines += [f"not trained on: {right[unseen].sum()} of {unseen.sum()} right"] if unseen.any() else []
    lines += [f"(the {len(shown)} worst are shown)"] if len(shown) < len(right) else []
    chart = figure(max(5, 1.2 + 0.55 * len(names)), 0.9 + 0.3 * (len(shown) + 1) + 0.2 * len(lines))
    axes = chart.subplots()
    places = np.append(np.arange(k + 1.0), [k + 1.5, k + 2.7, k + 4.3][: len(names) - k - 1])
    axes.set(xlim=(-0.8, places[-1] + 0.9), ylim=(len(shown) + 0.5, -0.6))
    for place, name in zip(places, names, strict=True):
        axes.text(place, 0, name, ha="center", va="center", in_layout=False, weight="bold")
    axes.axhline(0.5, color="black", linewidth=0.8)
    for line, i in enumerate(shown, start=1):
        cells = [*(f"{x:g}" for x in inputs[i]), f"{targets[i]:g}", f"{outputs[i]:.4f}"]
        for place, cell in zip(places, cells, strict=False):
            axes.text(place, line, cell, ha="center", va="center", in_layout=False)
        word, colour = ("right", GREEN) if right[i] else ("wrong", VERMILLION)
        axes.text(k + 2.7, line, word, ha="center", va="center", in_layout=False, color=colour, weight="bold")
        if unseen.any():
            axes.text(places[-1], line, "no" if unseen[i] else "yes", ha="center", va="center", in_layout=False)
    axes.set_title("\n".join(lines))
    hide_axes(axes)
    return chart


def decision_boundary(
    h: Output,
    inputs: NDArray[Any],
    targets: NDArray[Any],
    hidden: tuple[NDArray[Any], NDArray[Any]] | None = None,
    names: Sequence[str] = ("input x1", "input x2"),
    trained: NDArray[np.bool_] | None = None,
    classes: Sequence[str] = ("0", "1"),
    z: Output | None = None,
) -> Figure:
    """Draw h over the plane of two inputs, with the line h = 0.5 and the instances.

    Args:
        h: from points (m, 2) float32 to (m,).
        inputs: (n, 2); if all are 0 or 1, the plane is [-0.5, 1.5]^2.
        targets: (n,) in {0, 1}.
        hidden: (Theta (units, 2), b (units,)) of the first hidden layer, in the scale of the inputs. Each unit has a
            numbered line, where its z is 0 (L12).
        names: of the inputs.
        trained: (n,); instances that were not trained on have a ring.
        classes: names of 0 and 1.
        z: as h, but 0 where h is 0.5. The contour of a steep h on a grid has kinks, that of its z has none.
    """
    corners = bool(np.isin(inputs, (0, 1)).all())
    chart, axes = plane(h, inputs, targets, 0.5 if corners else 0.08, trained, classes, z)
    if corners:
        (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
        axes.set(xticks=np.linspace(left, right, TICKS), yticks=np.linspace(low, high, TICKS))
    lines = "" if hidden is None else draw_lines(axes, *hidden, avoid=inputs)
    axes.set(xlabel=names[0], ylabel=names[1], title=f"output h(x) over the inputs; dashed: h = 0.5{lines}")
    return chart


def plane(
    h: Output,
    points: NDArray[Any],
    targets: NDArray[Any],
    margin: float,
    trained: NDArray[np.bool_] | None = None,
    classes: Sequence[str] = ("0", "1"),
    z: Output | None = None,
) -> tuple[Figure, Axes]:
    """Draw h as a shade around points (n, 2), as far as `margin` times their extent, the line h = 0.5, and the points.

    targets, trained, classes, z: as in `decision_boundary`.
    """
    low, high = points.min(axis=0), points.max(axis=0)
    around = margin * np.where(high > low, high - low, 1)
    x1, x2 = np.linspace(low - around, high + around, GRID, dtype=np.float32).T
    grid = np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)
    values = np.asarray(h(grid)).reshape(GRID, GRID)
    chart = figure(6.6, 6)
    axes = chart.subplots()
    extent = (float(x1[0]), float(x1[-1]), float(x2[0]), float(x2[-1]))
    shades = axes.imshow(values, extent=extent, origin="lower", cmap="cividis", vmin=0, vmax=1, aspect="auto")
    chart.colorbar(shades, label="h(x), the network's output", fraction=0.05)
    if values.min() < 0.5 < values.max():
        zero = values - 0.5 if z is None else np.asarray(z(grid)).reshape(GRID, GRID)
        line = axes.contour(x1, x2, zero, levels=[0], colors=ORANGE, linewidths=2, linestyles="--")
        line.set_path_effects(UNDER)
    size = np.clip(4000 / len(points), 12, 110)
    # The circle is larger, so that it is visible under a square at the same place.
    for target, marker, colour, edge, share in ((0, "o", "black", "white", 1.4), (1, "s", "white", "black", 0.8)):
        x, y = points[np.asarray(targets).astype(int) == target].T
        look = {"c": colour, "edgecolors": edge, "linewidths": 0.4 + size / 180, "zorder": 3}
        axes.scatter(x, y, s=size * share, marker=marker, label=f"y = {shorten(classes[target], NAME_LENGTH)}", **look)
    unseen = points[:0] if trained is None else points[~trained]
    if len(unseen):
        x, y = unseen.T
        ring = axes.scatter(x, y, s=size * 4, label="not trained on", facecolors="none", edgecolors=ORANGE)
        width = 0.6 + size / 80
        stroke = withStroke(linewidth=width + 1.4, foreground="black")
        ring.set(linewidths=width, zorder=3, path_effects=[stroke])
    axes.set_box_aspect(1)
    chart.legend(loc="outside lower center", ncols=3, frameon=False, markerscale=(110 / size) ** 0.5)
    return chart, axes
