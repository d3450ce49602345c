"""Where a classifier is right and wrong: the confusion matrix and the mistakes it was surest of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from nnjax.figures.style import bare, figure, message, sheet

MANY = 12  # classes up to which a cell carries its number
COLUMNS = 5  # of images


def confusion_matrix(labels: NDArray[Any], predictions: NDArray[Any], classes: Sequence[str]) -> Figure:
    """Counts, true class by row and predicted class by column, over the share of the row as shade.

    labels, predictions: class indices (n,). Cells with no example carry no number.
    """
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (labels, predictions), 1)
    rates = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    made = figure(8, 6.6)
    axes = made.subplots()
    # A square root's scale: mistakes of a hundredth of a class would otherwise look like none.
    shades = axes.imshow(rates, cmap="cividis", norm=PowerNorm(0.5, 0, 1))
    made.colorbar(shades, label="share of the true class (row)", ticks=[0, 0.01, 0.05, 0.1, 0.25, 0.5, 1])
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    axes.set_title(f"accuracy {accuracy:.4f}: {counts.sum() - np.trace(counts):,} of {counts.sum():,} examples wrong")
    axes.set_xlabel("predicted class (examples)")
    axes.set_ylabel("true class (examples)")
    if len(classes) <= MANY:
        _numbers(axes, counts, rates, classes)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    return made


def _numbers(axes: Axes, counts: NDArray[Any], rates: NDArray[Any], classes: Sequence[str]) -> None:
    long = sum(map(len, classes)) > 50
    axes.set_xticks(range(len(classes)), classes, rotation=45 if long else 0, ha="right" if long else "center")
    axes.set_yticks(range(len(classes)), classes)
    for row, column in zip(*np.nonzero(counts), strict=True):
        colour = "black" if rates[row, column] > 0.3 else "white"
        number = f"{counts[row, column]:,}"
        axes.text(column, row, number, ha="center", va="center", color=colour, fontsize=9, in_layout=False)


def most_confident_mistakes(
    images: NDArray[Any],
    labels: NDArray[Any],
    predictions: NDArray[Any],
    probabilities: NDArray[Any],
    classes: Sequence[str],
    count: int = 25,
) -> Figure:
    """The wrong predictions with the highest probability, as images, the surest first.

    images (n, h, w); labels, predictions (n,) class indices; probabilities (n, K).
    """
    wrong = np.flatnonzero(labels != predictions)
    if wrong.size == 0:
        return message(f"no mistakes: all {len(labels):,} examples are right")
    confidence = probabilities[wrong, predictions[wrong]]
    order = np.argsort(-confidence, kind="stable")[:count]
    chosen = wrong[order]
    paper, corners = sheet(images[chosen], COLUMNS, above=images.shape[1] * 2 // 5)
    made = figure(8, 7.8 * paper.shape[0] / paper.shape[1] + 0.5)
    axes = made.subplots()
    axes.imshow(paper, cmap="gray_r")
    for i, (x, y) in zip(chosen, corners, strict=True):
        words = f"is {classes[labels[i]]}\nsaid {classes[predictions[i]]}, {probabilities[i, predictions[i]]:.1%}"
        axes.text(x, y - 1, words, fontsize=9, va="bottom", in_layout=False)
    axes.set_title(f"{len(chosen)} most confident of {wrong.size:,} mistakes: true class, predicted class, probability")
    bare(axes)
    return made
