"""What a network was shown and what it answered."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.style import bare, figure, sheet, shorten

MOST = 100  # pictures on one sheet
LETTERS, NAMES = 110, 88  # of all answers in a row, of all names
FEW = 5  # images in a row that still have their names


def seen(images: NDArray[Any], answers: Sequence[str], names: Sequence[str] = ()) -> Figure:
    """Images (n, h, w) as the network got them, low values dark, each below its answer; the first hundred.

    names: of the images, above the answers as long as they are few.
    """
    shown = images[:MOST]
    columns = min(len(shown), max(3, math.ceil(math.sqrt(len(shown)))))
    named = len(names) > 0 and columns <= FEW
    paper, corners = sheet(shown, columns, above=(1 + named) * images.shape[1] * (4 + columns) // 72)
    width = min(8.0, 2.5 * columns + 0.3)
    made = figure(width, width * paper.shape[0] / paper.shape[1] + 0.5)
    axes = made.subplots()
    axes.imshow(paper, cmap="gray", vmin=shown.min(), vmax=max(shown.max(), shown.min() + 1e-6))
    for i, (x, y) in enumerate(corners):
        name = f"{shorten(names[i], NAMES // columns)}\n" if named else ""
        words = name + shorten(answers[i], LETTERS // columns)
        axes.text(x, y - 1, words, fontsize=9 if columns < 8 else 7, va="bottom", in_layout=False)
    rest = f" of {len(images):,}" if len(images) > MOST else ""
    made.suptitle(
        f"what the network saw, {len(shown)}{rest}: class, output"
        if columns > 2
        else "what the network saw:\nclass, output",
        fontsize=10,
    )
    bare(axes)
    return made
