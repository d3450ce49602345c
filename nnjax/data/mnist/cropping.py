"""Digits of 20 x 20 pixels, as in the exercise that the lecture uses (L14): MNIST's digits without their margin."""

import dataclasses

import numpy as np

from nnjax.data.dataset import Dataset, Split, digest_splits


def crop(dataset: Dataset, side: int) -> Dataset:
    """Return the data with images of side x side pixels, unrolled row by row to d = side^2 inputs (L14)."""
    if dataset.train.x.shape[1:] == (side, side):
        return dataset
    splits = [Split(centre_ink(x, side), y) for x, y in (dataset.train, dataset.validation, dataset.test)]
    preprocessing = dataset.preprocessing._replace(shape=(side * side,))
    train, validation, test = splits
    digest = digest_splits(train, validation, test)
    return dataclasses.replace(
        dataset, train=train, validation=validation, test=test, preprocessing=preprocessing, digest=digest
    )


def centre_ink(images: np.ndarray, side: int) -> np.ndarray:
    """Return squares with the middle of each image's ink in their middle: (n, height, width) -> (n, side, side), uint8.

    The ink is the smallest box that contains all pixels above 0. If the box is larger than the square, its middle is
    kept.
    """
    ink = images > 0
    padded = np.pad(images, ((0, 0), (side, side), (side, side)))
    rows, columns = (_starts(ink.max(axis=axis), side) + side for axis in (2, 1))
    steps = np.arange(side)
    instances = np.arange(len(images))[:, None, None]
    return padded[instances, (rows[:, None] + steps)[:, :, None], (columns[:, None] + steps)[:, None, :]]


def _starts(inked: np.ndarray, side: int) -> np.ndarray:
    """Return where a stretch of length `side` with the ink in its middle begins: bool (n, length) -> int (n,)."""
    length = inked.shape[1]
    first, last = inked.argmax(axis=1), length - 1 - inked[:, ::-1].argmax(axis=1)
    first, last = np.where(inked.any(axis=1), [first, last], [[0], [length - 1]])
    return (first + last + 1 - side) // 2
