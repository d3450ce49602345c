"""Shared by all figures: sizes, colours that colour-blind readers can distinguish, and sheets of images."""

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
COLOURS = (BLUE, ORANGE, GREEN, VERMILLION, "#CC79A7", "#56B4E9")  # of several lines, in this order
STYLES: tuple[Any, ...] = (  # of several lines, where print has no colour
    "-",
    "--",
    "-.",
    ":",
    (0, (8, 2)),
    (0, (4, 1, 1, 1, 1, 1)),
)
EMPTY = "#D5D5D5"  # where there is nothing to show
DOTS_PER_INCH = 100  # 8 inches are the 800 pixels of MLflow's artifact view


def figure(width: float = 8, height: float = 4) -> Figure:
    """Return an empty figure, in inches, whose layout keeps names and titles inside."""
    return Figure(figsize=(width, height), dpi=DOTS_PER_INCH, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))


def save(chart: Figure, file: Path | IO[bytes], name: str = "") -> None:
    """Write a figure as PNG, with the run's name in small grey letters at the lower right.

    It is drawn once, where `Figure.savefig` would draw it twice.
    """
    if name:
        words = shorten(name, int(chart.get_figwidth() * 18)).replace("$", r"\$")
        chart.text(0.996, 0.001, words, ha="right", va="bottom", fontsize=5, color=GREY, in_layout=False)
    FigureCanvasAgg(chart).print_png(file, pil_kwargs={"compress_level": 1})


def message(text: str) -> Figure:
    """Return a figure that says why there is nothing to draw."""
    chart = figure(8, 2)
    chart.text(0.5, 0.5, text, ha="center", va="center", fontsize=14)
    return chart


def hide_axes(axes: Axes) -> None:
    """Remove ticks and frame, for images whose pixels are no scale."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_frame_on(False)


def shorten(text: str, length: int) -> str:
    """Return at most `length` letters; the middle is left out, since settings often differ at both ends."""
    return text if len(text) <= length else f"{text[: length // 2]}…{text[len(text) - (length - 1) // 2 :]}"


def text_colours(colours: ScalarMappable, values: NDArray[Any]) -> NDArray[np.str_]:
    """Return the colour of text on the shade of each value, black or white."""
    light = colours.to_rgba(values)[..., :3] @ [0.299, 0.587, 0.114]
    return np.where(light > 0.46, "black", "white")  # where both contrast equally


def sheet(images: NDArray[Any], columns: int, above: int = 0) -> tuple[NDArray[Any], Sequence[tuple[int, int]]]:
    """Return images (n, h, w) as one array, NaN between them, and the pixel (x, y) of each upper left corner.

    One imshow of a sheet takes a fiftieth of the time of an axes for each image. above: pixels left free above each.
    """
    n, h, w = images.shape
    gap = max(1, w // 14)
    rows = math.ceil(n / columns)
    paper = np.full((rows * (h + gap + above), columns * (w + gap)), np.nan)
    corners = [(i % columns * (w + gap), i // columns * (h + gap + above) + above) for i in range(n)]
    for image, (x, y) in zip(images, corners, strict=True):
        paper[y : y + h, x : x + w] = image
    return paper, corners
