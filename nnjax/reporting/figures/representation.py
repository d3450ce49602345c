"""What a hidden layer makes of each input: layers compute functions that a single unit can't (L12)."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.boundary import MAX_ROWS, Output, plane, worst_first
from nnjax.reporting.figures.style import figure, message, text_colours

MAX_UNITS = 16  # columns of the map
NEAR = 0.06  # sides of the square within which points share a label
MAX_NAMED = 4  # inputs in a label


def hidden_representation(
    h: Output,
    activations: NDArray[Any],
    inputs: NDArray[Any],
    targets: NDArray[Any],
    trained: NDArray[np.bool_] | None = None,
) -> Figure:
    """Draw each input's activations in the last hidden layer: two units as a plane with the line h = 0.5, else a map.

    h: the output unit, from activations (m, units) to (m,); activations (n, units); inputs (n, k); targets (n,) in
    {0, 1}. trained (n,): inputs that were not trained on have a star.
    """
    if not np.isfinite(activations).all():
        return message("no hidden representation to draw: activations are not finite")
    stars = [""] * len(inputs) if trained is None else np.where(trained, "", "*")
    words = ["".join(f"{x:g}" for x in row) + star for row, star in zip(inputs, stars, strict=True)]
    star = "; *: not trained on" if any(stars) else ""
    name = "".join(f"x{j + 1}" for j in range(inputs.shape[1])) if inputs.shape[1] <= 4 else f"x1...x{inputs.shape[1]}"
    if activations.shape[1] == 2:
        return _draw_plane(h, activations, targets, words, name, star)
    return _draw_map(h(activations), activations, targets, words, name + star)


def _draw_plane(h: Output, points: NDArray[Any], y: NDArray[Any], words: list[str], name: str, star: str) -> Figure:
    chart, axes = plane(h, points, y, margin=0.25)
    sides = np.ptp([axes.get_xlim(), axes.get_ylim()], axis=1)
    groups: list[tuple[NDArray[Any], list[str]]] = []
    for point, word in zip(points, words, strict=True):
        near = (group for place, group in groups if np.linalg.norm((place - point) / sides) < NEAR)
        if (group := next(near, None)) is None:
            groups.append((point, [word]))
        else:
            group.append(word)
    for place, group in groups if len(groups) <= MAX_ROWS else ():
        rest = f"\nand {len(group) - MAX_NAMED} more" if len(group) > MAX_NAMED else ""
        left = place[0] > np.mean(axes.get_xlim())
        axes.annotate(
            ", ".join(group[:MAX_NAMED]) + rest,
            (place[0], place[1]),
            xytext=(-9 if left else 9, 9),
            textcoords="offset points",
            ha="right" if left else "left",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            in_layout=False,
        )
    axes.set(xlabel="hidden unit 1, a1", ylabel="hidden unit 2, a2")
    axes.set_title(f"where the hidden layer puts each input {name}\ndashed: h = 0.5{star}")
    return chart


def _draw_map(h: NDArray[Any], activations: NDArray[Any], y: NDArray[Any], words: list[str], name: str) -> Figure:
    _, rows = worst_first(y, h)
    columns = np.sort(np.argsort(-np.ptp(activations, axis=0), kind="stable")[:MAX_UNITS])
    values = activations[np.ix_(rows, columns)]
    chart = figure(max(5.5, 2.8 + 0.5 * len(columns)), 1.8 + 0.34 * len(rows))
    axes = chart.subplots()
    top, signed = max(1.0, float(np.abs(values).max())), bool(values.min() < 0)
    low, colours = (-top, "RdBu_r") if signed else (0.0, "cividis")
    shades = axes.imshow(values, colours, vmin=low, vmax=top, aspect="auto")
    chart.colorbar(shades, label="activation a", pad=0.02)
    colours_of_text = text_colours(shades, values)
    for (i, j), value in np.ndenumerate(values):
        axes.text(
            j, i, f"{value:.2f}", ha="center", va="center", color=colours_of_text[i, j], fontsize=8, in_layout=False
        )
    axes.set_xticks(range(len(columns)), [f"{unit + 1}" for unit in columns])
    axes.set_yticks(range(len(rows)), [f"{words[i]}   y = {y[i]:g}, h = {h[i]:.2f}" for i in rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    title = "what the hidden layer makes of each input"
    if len(rows) < len(words):
        title += f"\n{len(rows)} of {len(words)} inputs, worst first"
    if len(columns) < activations.shape[1]:
        title += f"\n{len(columns)} of {activations.shape[1]} units, those that vary most"
    chart.suptitle(title, fontsize=11)  # over the whole figure: with few units it is wider than the axes
    axes.set(xlabel="hidden unit", ylabel=f"input {name}")
    return chart
