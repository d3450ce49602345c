"""What a hidden layer makes of each input: layers make functions that one unit can't (L12)."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.boundary import ROWS, plane, worst_first
from nnjax.reporting.figures.style import figure, ink, message

UNITS = 16  # columns of the map
NEAR = 0.06  # sides of the square within which points share their words
WORDS = 4  # inputs that a point names

Output = Callable[[NDArray[Any]], NDArray[Any]]


def hidden_representation(
    h: Output,
    activations: NDArray[Any],
    inputs: NDArray[Any],
    targets: NDArray[Any],
    trained: NDArray[np.bool_] | None = None,
) -> Figure:
    """Each input's activations a in the last hidden layer: two units as a plane, with the output's line; else a map.

    h: the output unit, of activations (m, units) to (m,); activations (n, units); inputs (n, k), targets (n,) in
    {0, 1}; trained (n,): inputs that were not trained on have a star.
    """
    if not np.isfinite(activations).all():
        return message("no hidden representation to draw: activations are not finite")
    stars = [""] * len(inputs) if trained is None else np.where(trained, "", "*")
    words = ["".join(f"{x:g}" for x in row) + star for row, star in zip(inputs, stars, strict=True)]
    star = "; *: not trained on" if any(stars) else ""
    name = "".join(f"x{j + 1}" for j in range(inputs.shape[1])) if inputs.shape[1] <= 4 else f"x1...x{inputs.shape[1]}"
    if activations.shape[1] == 2:
        return _plane(h, activations, targets, words, name, star)
    return _map(h(activations), activations, targets, words, name + star)


def _plane(h: Output, points: NDArray[Any], y: NDArray[Any], words: list[str], name: str, star: str) -> Figure:
    made, axes = plane(h, points, y, margin=0.25)
    sides = np.ptp([axes.get_xlim(), axes.get_ylim()], axis=1)
    groups: list[tuple[NDArray[Any], list[str]]] = []
    for point, word in zip(points, words, strict=True):
        near = (there for place, there in groups if np.linalg.norm((place - point) / sides) < NEAR)
        if (together := next(near, None)) is None:
            groups.append((point, [word]))
        else:
            together.append(word)
    for place, there in groups if len(groups) <= ROWS else ():
        rest = f"\nand {len(there) - WORDS} more" if len(there) > WORDS else ""
        left = place[0] > np.mean(axes.get_xlim())
        axes.annotate(
            ", ".join(there[:WORDS]) + rest,
            (place[0], place[1]),
            xytext=(-9 if left else 9, 9),
            textcoords="offset points",
            ha="right" if left else "left",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
            in_layout=False,
        )
    axes.set(xlabel="hidden unit 1, a1", ylabel="hidden unit 2, a2")
    axes.set_title(f"where the hidden layer puts each input {name}\ndashed: h = 0.5{star}")
    return made


def _map(h: NDArray[Any], activations: NDArray[Any], y: NDArray[Any], words: list[str], name: str) -> Figure:
    _, rows = worst_first(y, h)
    columns = np.sort(np.argsort(-np.ptp(activations, axis=0), kind="stable")[:UNITS])
    values = activations[np.ix_(rows, columns)]
    made = figure(max(5.5, 2.8 + 0.5 * len(columns)), 1.8 + 0.34 * len(rows))
    axes = made.subplots()
    top, signed = max(1.0, float(np.abs(values).max())), bool(values.min() < 0)
    low, colours = (-top, "RdBu_r") if signed else (0.0, "cividis")
    shades = axes.imshow(values, colours, vmin=low, vmax=top, aspect="auto")
    made.colorbar(shades, label="activation a", pad=0.02)
    inks = ink(shades, values)
    for (i, j), value in np.ndenumerate(values):
        axes.text(j, i, f"{value:.2f}", ha="center", va="center", color=inks[i, j], fontsize=8, in_layout=False)
    axes.set_xticks(range(len(columns)), [f"{unit + 1}" for unit in columns])
    axes.set_yticks(range(len(rows)), [f"{words[i]}   y = {y[i]:g}, h = {h[i]:.2f}" for i in rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    title = "what the hidden layer makes of each input"
    if len(rows) < len(words):
        title += f"\n{len(rows)} of {len(words)} inputs, worst first"
    if len(columns) < activations.shape[1]:
        title += f"\n{len(columns)} of {activations.shape[1]} units, those that vary most"
    axes.set(xlabel="hidden unit", ylabel=f"input {name}", title=title)
    return made
