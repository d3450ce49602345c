"""The images that a network received, with its answers."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.style import figure, hide_axes, sheet, shorten

MAX_IMAGES = 100  # on one sheet
ANSWER_LETTERS, NAME_LETTERS = 110, 88  # of all answers in a row, of all names
NAMED_COLUMNS = 5  # images in a row up to which they have their names


def seen(images: NDArray[Any], answers: Sequence[str], names: Sequence[str] = ()) -> Figure:
    """Draw the first hundred images (n, h, w) as the network received them, low values dark, below their answers.

    names: of the images; they stand above the answers if the images are few.
    """
    shown = images[:MAX_IMAGES]
    columns = min(len(shown), max(3, math.ceil(math.sqrt(len(shown)))))
    named = len(names) > 0 and columns <= NAMED_COLUMNS
    paper, corners = sheet(shown, columns, above=(1 + named) * images.shape[1] * (4 + columns) // 72)
    width = min(8.0, 2.5 * columns + 0.3)
    chart = figure(width, width * paper.shape[0] / paper.shape[1] + 0.5)
    axes = chart.subplots()
    axes.imshow(paper, cmap="gray", vmin=shown.min(), vmax=max(shown.max(), shown.min() + 1e-6))
    for i, (x, y) in enumerate(corners):
        name = f"{shorten(names[i], NAME_LETTERS // columns)}\n" if named else ""
        words = name + shorten(answers[i], ANSWER_LETTERS // columns)
        axes.text(x, y - 1, words, fontsize=9 if columns < 8 else 7, va="bottom", in_layout=False)
    rest = f" of {len(images):,}" if len(images) > MAX_IMAGES else ""
    title = f"what the network saw, {len(shown)}{rest}: " if columns > 2 else "what the network saw:\n"
    chart.suptitle(f"{title}class, output", fontsize=10)
    hide_axes(axes)
    return chart
