"""Where a classifier is right and wrong: the confusion matrix, and the mistakes with the highest probability."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from nnjax.reporting.figures.style import figure, hide_axes, message, sheet, shorten, text_colours

COUNTED, NUMBERED, NAMED = 12, 30, 50  # classes up to which cells have counts and shares, shares; all have names
COLUMNS = 5  # of images
NAME_LENGTH, LABEL_LENGTH = 24, 8  # characters of a class beside the matrix, and above an image


def confusion_matrix(labels: NDArray[Any], predictions: NDArray[Any], classes: Sequence[str]) -> Figure:
    """Draw counts and shares of the row, true class by row and predicted class by column; the shade is the share.

    labels, predictions: class indices (n,). A cell without examples has no number. With more than 12 classes a cell has
    its share only, in percent; with more than 30 classes its shade only.
    """
    counts = np.zeros((len(classes), len(classes)), int)
    np.add.at(counts, (labels, predictions), 1)
    rates = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    chart = figure(8, 6.8)
    axes = chart.subplots()
    # The scale is that of a square root: a mistake in a hundredth of a class would otherwise be invisible.
    shades = axes.imshow(rates, cmap="cividis", norm=PowerNorm(0.5, 0, 1), aspect="auto")
    bar = chart.colorbar(shades, label="share of the true class (row)", ticks=[0, 0.01, 0.05, 0.1, 0.25, 0.5, 1])
    bar.ax.set_yticklabels(["0", "1 %", "5 %", "10 %", "25 %", "50 %", "100 %"])
    accuracy = np.trace(counts) / max(counts.sum(), 1)
    wrong = f"accuracy {accuracy:.4f}: {counts.sum() - np.trace(counts):,} of {counts.sum():,} examples wrong"
    axes.set(title=wrong + _draw_numbers(axes, counts, rates), xlabel="predicted class", ylabel="true class")
    _draw_names(axes, classes)
    return chart


def _draw_names(axes: Axes, classes: Sequence[str]) -> None:
    step = -(-len(classes) // NAMED)
    names = [shorten(name, NAME_LENGTH) for name in classes[::step]]
    turned = max(map(len, names)) * len(names) > 60
    size = 10 if len(names) <= COUNTED else 8 if len(names) <= NUMBERED else 6
    places = range(0, len(classes), step)
    axes.set_xticks(places, names, rotation=90 * turned, fontsize=size)
    axes.set_yticks(places, names, fontsize=size)
    axes.tick_params(length=0)


def _draw_numbers(axes: Axes, counts: NDArray[Any], rates: NDArray[Any]) -> str:
    """Write `971` over `98.9%` into each cell, or with many classes `99`; return the title's words about them."""
    if len(counts) > NUMBERED:
        return ""
    few, size = len(counts) <= COUNTED, 12 if len(counts) <= 5 else 8 if len(counts) <= COUNTED else 6.5
    colours = text_colours(axes.images[0], rates)
    for i, j in np.argwhere(counts > 0 if few else rates >= 0.005):
        percent = f"{rates[i, j]:.1%}" if rates[i, j] >= 0.0005 else "<0.1%"
        word = f"{counts[i, j]:,}\n{percent}" if few else f"{100 * rates[i, j]:.0f}"
        axes.text(j, i, word, ha="center", va="center", color=colours[i, j], fontsize=size, in_layout=False)
    return f"\nin each cell: {'number of examples, ' if few else ''}share of the row{'' if few else ' in percent'}"


def most_confident_mistakes(
    images: NDArray[Any],
    labels: NDArray[Any],
    predictions: NDArray[Any],
    probabilities: NDArray[Any],
    classes: Sequence[str],
    count: int = 25,
) -> Figure:
    """Draw the wrong predictions with the highest probability as images, the highest first.

    images (n, h, w); labels, predictions: class indices (n,); probabilities (n, K); count: images at most.
    """
    wrong = np.flatnonzero(labels != predictions)
    if wrong.size == 0:
        return message(f"no mistakes: all {len(labels):,} examples are right")
    confidence = probabilities[wrong, predictions[wrong]]
    order = np.argsort(-confidence, kind="stable")[:count]
    chosen = wrong[order]
    paper, corners = sheet(images[chosen], COLUMNS, above=images.shape[1] * 2 // 5)
    chart = figure(8, 7.8 * paper.shape[0] / paper.shape[1] + 0.5)
    axes = chart.subplots()
    axes.imshow(paper, cmap="gray_r")
    for i, (x, y) in zip(chosen, corners, strict=True):
        true, predicted = (shorten(classes[array[i]], LABEL_LENGTH) for array in (labels, predictions))
        words = f"is {true}\nread as {predicted}, {probabilities[i, predictions[i]]:.1%}"
        axes.text(x, y - 1, words, fontsize=8, va="bottom", in_layout=False)
    axes.set_title(f"{len(chosen)} most confident of {wrong.size:,} mistakes: true class, predicted class, probability")
    hide_axes(axes)
    return chart
