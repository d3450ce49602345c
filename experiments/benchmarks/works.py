"""What is timed: networks, their data and batches. All train by plain SGD in float32, and nothing is recorded."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from experiments.benchmarks import mnist

Weights = list[tuple[np.ndarray, np.ndarray]]  # (Theta (n_out, n_in), b (n_out,)) a layer


class Work(NamedTuple):
    """Equal work for every side.

    Attributes:
        model: `mlp`, or `lenet5`: two convolutions with tanh and average pooling, then 120-84-10.
        units: inputs first, outputs last; of lenet5 those two alone.
        activation: of the hidden layers: relu, sigmoid or tanh.
        batch: instances an update.
        rate: the learning rate.
        rows, epochs: of a turn; several epochs are timed together where one takes microseconds.
        short_rows, short_epochs: of a turn of those who pay for each update in Python; theirs takes about a second too.
        networks: nnjax trains them side by side, the others one after another: their turn is one of them.
    """

    model: str
    units: tuple[int, ...]
    activation: str
    batch: int
    rate: float
    rows: int
    epochs: int
    short_rows: int
    short_epochs: int
    networks: int = 1

    @property
    def loss(self) -> str:
        """`log_loss` of one sigmoid output (L21), `cross_entropy` of softmax (L23)."""
        return "log_loss" if self.units[-1] == 1 else "cross_entropy"

    @property
    def per_epoch(self) -> int:
        """Updates an epoch, of all rows."""
        return -(-self.rows // self.batch)

    def short(self) -> "Work":
        """The same with the short turn."""
        return self._replace(rows=self.short_rows, epochs=self.short_epochs)


WORKS = {
    "mlp": Work("mlp", (784, 300, 100, 10), "relu", 128, 0.1, 60_000, 1, 60_000, 1),
    "mlp_small": Work("mlp", (784, 30, 10), "sigmoid", 10, 0.5, 60_000, 1, 20_000, 1),
    "softmax_sgd": Work("mlp", (784, 10), "relu", 1, 0.01, 60_000, 1, 6_000, 1),
    "xor": Work("mlp", (2, 4, 1), "tanh", 4, 0.5, 4, 50_000, 4, 500),
    "sweep": Work("mlp", (784, 30, 10), "sigmoid", 10, 0.5, 60_000, 1, 20_000, 1, networks=16),
    "lenet5": Work("lenet5", (784, 10), "tanh", 128, 0.1, 60_000, 1, 60_000, 1),
}


def data(work: Work, mirror: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Rows (rows, d) of bytes, or XOR's of floats, and labels (rows,).

    From the folder `mirror` MNIST's own, from the beginning again where the work has more; else random ones.
    """
    if work.units[0] == 2:
        return np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0], np.int32)
    if mirror:
        x, y, _, _ = mnist.read(mirror)
        return np.resize(x, (work.rows, 784)), np.resize(y, work.rows)
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (work.rows, 784), np.uint8), rng.integers(0, 10, work.rows).astype(np.int32)


def floats(x: np.ndarray) -> np.ndarray:
    """Rows as inputs: bytes from 0 to 1, floats as they are."""
    return x.astype(np.float32) / 255 if x.dtype == np.uint8 else x


def initial(work: Work) -> Weights:
    """He's initial weights of an mlp, the same for all sides; of lenet5 every library has its own."""
    rng = np.random.default_rng(2)
    sizes = pairwise(work.units) if work.model == "mlp" else ()
    normal = ((rng.standard_normal((n_out, n_in)) * (2 / n_in) ** 0.5, n_out) for n_in, n_out in sizes)
    return [(Theta.astype(np.float32), np.zeros(n_out, np.float32)) for Theta, n_out in normal]


def loss(work: Work, weights: Weights, x: np.ndarray, y: np.ndarray) -> float:
    """The mean loss of an mlp's weights on rows (n, d) of floats: what equal work must bring."""
    activation = {"relu": lambda z: np.maximum(z, 0), "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh}
    a = x
    for i, (Theta, b) in enumerate(weights):
        z = a @ Theta.T + b
        a = activation[work.activation](z) if i < len(weights) - 1 else z
    if work.loss == "log_loss":
        return float(np.mean(np.logaddexp(0, (1 - 2 * y[:, None]) * z)))
    return float(np.mean(np.logaddexp.reduce(z, axis=1) - z[np.arange(len(y)), y]))
