"""What a training of one network came to, as NumPy arrays."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class TrainingResult(NamedTuple):
    """A finished training of one network.

    Attributes:
        params: (Theta (n_out, n_in), b (n_out,)) of each layer, of a convolution (maps_out, maps_in, size, size).
        history: metric -> (epochs + 1,), row e after epoch e, nan where not measured.
        test: metric -> value, of `params` on the test part.
        stopped: why it ended (L37).
        epochs, updates: how many were trained.
        best_epoch: that of the lowest validation loss, None without validation data.
        kept_epoch: that of `params`.
        examples_per_second: while training.
    """

    params: tuple[tuple[np.ndarray, np.ndarray], ...]
    history: Mapping[str, np.ndarray]
    test: Mapping[str, float]
    stopped: str
    epochs: int
    best_epoch: int | None
    kept_epoch: int
    updates: int
    examples_per_second: float
