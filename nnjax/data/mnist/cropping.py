"""Digits of 20 x 20 pixels, as the exercise that the lecture draws on has them (L14): MNIST's without their margin."""

import dataclasses

import numpy as np

from nnjax.data.dataset import Dataset, Split, digest_of_splits


def cropped(dataset: Dataset, side: int) -> Dataset:
    """The same data with images of side x side pixels, unrolled row by row to d = side^2 inputs (L14)."""
    if dataset.train.x.shape[1:] == (side, side):
        return dataset
    splits = [Split(centred(x, side), y) for x, y in (dataset.train, dataset.validation, dataset.test)]
    preprocessing = dataset.preprocessing._replace(shape=(side * side,))
    train, validation, test = splits
    digest = digest_of_splits(train, validation, test)
    return dataclasses.replace(
        dataset, train=train, validation=validation, test=test, preprocessing=preprocessing, digest=digest
    )


def centred(images: np.ndarray, side: int) -> np.ndarray:
    """The middle of each image's ink in the middle of a square: uint8 (n, height, width) -> (n, side, side).

    The ink is the smallest box with all pixels above 0; of a box larger than the square the middle is kept.
    """
    ink = images > 0
    padded = np.pad(images, ((0, 0), (side, side), (side, side)))
    rows, columns = (_starts(ink.max(axis=axis), side) + side for axis in (2, 1))
    steps = np.arange(side)
    instances = np.arange(len(images))[:, None, None]
    return padded[instances, (rows[:, None] + steps)[:, :, None], (columns[:, None] + steps)[:, None, :]]


def _starts(inked: np.ndarray, side: int) -> np.ndarray:
    """Where a stretch of `side` begins whose middle is that of the ink: bool (n, length) -> int (n,)."""
    length = inked.shape[1]
    first, last = inked.argmax(axis=1), length - 1 - inked[:, ::-1].argmax(axis=1)
    first, last = np.where(inked.any(axis=1), [first, last], [[0], [length - 1]])
    return (first + last + 1 - side) // 2
