"""The digits as any script would read them: four idx files of a folder, NumPy alone."""

import gzip
from pathlib import Path

import numpy as np

HELD_OUT = 6000  # rows of the training part, on which numbers of epochs are chosen


def read(folder: str | Path) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Images (n, 784) of bytes and labels (n,) of the training part, then those of the test."""

    def values(name: str, header: int) -> np.ndarray:
        with gzip.open(Path(folder) / f"{name}-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=header)

    x, test_x = (values(f"{part}-images-idx3", 16).reshape(-1, 784) for part in ("train", "t10k"))
    y, test_y = (values(f"{part}-labels-idx1", 8).astype(np.int32) for part in ("train", "t10k"))
    return x, y, test_x, test_y


def inputs(folder: str | Path, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same with images of floats from 0 to 1; part: what the others stand for, `test` or `validation`."""
    x, y, held_out_x, held_out_y = read(folder)
    if part == "validation":
        from nnjax.data.dataset import (  # the timed scripts do not import it
            Split,
            SplitSizes,
            split_validation,
        )

        train, held_out = split_validation("mnist", Split(x, y), SplitSizes(validation_size=HELD_OUT))
        x, y, held_out_x, held_out_y = train.x, train.y, held_out.x, held_out.y
    return x.astype(np.float32) / 255, y, held_out_x.astype(np.float32) / 255, held_out_y
