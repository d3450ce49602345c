"""Where a classifier is right and wrong: the confusion matrix and the mistakes it was surest of."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.style import bare, figure, ink, message, sheet, shorten

FEW, SOME, MANY = 12, 30, 50  # classes up to which a cell carries count and share, share alone; each one its name
COLUMNS = 5  # of images
NAME, SAID = 24, 11  # letters of a class beside the matrix, and above an image


def confusion_matrix(labels: NDArray[Any], predictions: NDArray[Any], classes: Sequence[str]) -> Figure:
    """Counts and shares of the row, true class by row and predicted class by column; the shade is the share.

    labels, predictions: class indices (n,). Cells with no example carry no number; of more than 12 classes a cell has
    its share alone, in percent, of more than 30 its shade.
    """
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (labels, predictions), 1)
    rates = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    made = figure(8, 6.8)
    axes = made.subplots()
    # A square root's scale: mistakes of a hundredth of a class would otherwise look like none.
    shades = axes.imshow(rates, cmap="cividis", norm=PowerNorm(0.5, 0, 1), aspect="auto")
    bar = made.colorbar(shades, label="share of the true class (row)", ticks=[0, 0.01, 0.05, 0.1, 0.25, 0.5, 1])
    bar.ax.set_yticklabels(["0", "1 %", "5 %", "10 %", "25 %", "50 %", "100 %"])
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    wrong = f"accuracy {accuracy:.4f}: {counts.sum() - np.trace(counts):,} of {counts.sum():,} examples wrong"
    axes.set(title=wrong + _numbers(axes, counts, rates), xlabel="predicted class", ylabel="true class")
    _names(axes, classes)
    return made


def _names(axes: Axes, classes: Sequence[str]) -> None:
    every = -(-len(classes) // MANY)
    names = [shorten(name, NAME) for name in classes[::every]]
    turned, size = max(map(len, names)) * len(names) > 60, 10 if len(names) <= FEW else 8 if len(names) <= SOME else 6
    places = range(0, len(classes), every)
    axes.set_xticks(places, names, rotation=90 * turned, fontsize=size)
    axes.set_yticks(places, names, fontsize=size)
    axes.tick_params(length=0)


def _numbers(axes: Axes, counts: NDArray[Any], rates: NDArray[Any]) -> str:
    """Each cell's `971` over `98.9%`, or of more classes its `99`; returns what a title says of them."""
    if len(counts) > SOME:
        return ""
    few, size = len(counts) <= FEW, 12 if len(counts) <= 5 else 8 if len(counts) <= FEW else 6.5
    colours = ink(axes.images[0], rates)
    for i, j in np.argwhere(counts > 0 if few else rates >= 0.005):
        percent = f"{rates[i, j]:.1%}" if rates[i, j] >= 0.0005 else "<0.1%"
        word = f"{counts[i, j]:,}\n{percent}" if few else f"{100 * rates[i, j]:.0f}"
        axes.text(j, i, word, ha="center", va="center", color=colours[i, j], fontsize=size, in_layout=False)
    return f"\na cell: {'examples, and their share of the row' if few else 'its share of the row in percent'}"


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
        true, said = (shorten(classes[each[i]], SAID) for each in (labels, predictions))
        words = f"is {true}\nsaid {said}, {probabilities[i, predictions[i]]:.1%}"
        axes.text(x, y - 1, words, fontsize=8, va="bottom", in_layout=False)
    axes.set_title(f"{len(chosen)} most confident of {wrong.size:,} mistakes: true class, predicted class, probability")
    bare(axes)
    return made
