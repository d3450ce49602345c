"""What all figures share: size, colours that colour-blind readers tell apart, and images laid out as one sheet."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

# Okabe & Ito, Color Universal Design (2008)
BLUE, ORANGE, GREEN, VERMILLION, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#666666"
STYLES: tuple[Any, ...] = (
    "-",
    "--",
    "-.",
    ":",
    (0, (8, 2)),
    (0, (4, 1, 1, 1, 1, 1)),
)  # lines, where print has no colour
DOTS_PER_INCH = 100  # 8 inches are the 800 pixels of MLflow's artifact view


def figure(width: float = 8, height: float = 4) -> Figure:
    """An empty figure, inches; the layout keeps names and titles inside of it."""
    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))


def save(made: Figure, file: Path | IO[bytes]) -> None:
    """The figure as PNG; drawn once, where `Figure.savefig` would draw it twice."""
    FigureCanvasAgg(made).print_png(file, pil_kwargs={"compress_level": 1})


def message(text: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    made = figure(8, 2)
    made.text(0.5, 0.5, text, ha="center", va="center", fontsize=14)
    return made


def bare(axes: Axes) -> None:
    """No ticks and no frame, for pictures whose pixels are no scale."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_frame_on(False)


def counted(lanes: int) -> str:
    """How many lanes, in words: `1 lane`, `2,000 lanes`."""
    return f"{lanes:,} {'lane' if lanes == 1 else 'lanes'}"


def shorten(text: str, length: int) -> str:
    """At most length letters, the middle left out: settings differ at their ends as at their beginnings."""
    return text if len(text) <= length else f"{text[: length // 2]}…{text[len(text) - (length - 1) // 2 :]}"


def ink(colours: ScalarMappable, values: NDArray[Any]) -> NDArray[np.str_]:
    """The colour of words on each value's shade, black or white."""
    light = colours.to_rgba(values)[..., :3] @ [0.299, 0.587, 0.114]
    return np.where(light > 0.46, "black", "white")  # where both stand out alike


def sheet(images: NDArray[Any], columns: int, above: int = 0) -> tuple[NDArray[Any], Sequence[tuple[int, int]]]:
    """Images (n, h, w) on one sheet, NaN between them, and the pixel (x, y) of each image's upper left corner.

    One imshow of a sheet takes a fiftieth of the time of an axes an image. above: pixels left free over each image.
    """
    n, h, w = images.shape
    gap = max(1, w // 14)
    rows = math.ceil(n / columns)
    paper = np.full((rows * (h + gap + above), columns * (w + gap)), np.nan)
    corners = [(i % columns * (w + gap), i // columns * (h + gap + above) + above) for i in range(n)]
    for image, (x, y) in zip(images, corners, strict=True):
        paper[y : y + h, x : x + w] = image
    return paper, corners
