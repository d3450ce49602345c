"""An epoch of 784-300-100-10 (batch 128, plain SGD, 60,000 rows, float32): nnjax against NumPy by hand.

    python -m experiments.benchmarks.mlp [ROUNDS]

Both do the same work on the same made-up digits, in turn, in one process; the ratio is taken round by round, so that a
machine that changes its speed changes both. Prints medians, and the ratio with its quartiles.
"""

import sys

import numpy as np

from experiments.benchmarks.lanes import HYPER, recipe
from experiments.benchmarks.machine import describe, in_turn
from nnjax.training.batches import Split
from nnjax.training.loop import Training
from nnjax.training.programs import Position
from nnjax.training.strategy import ALONE

UNITS, ROWS, BATCH, RATE = (784, 300, 100, 10), 60_000, 128, 0.1


class ByNumPy:
    """The lecture's equations (L2, L25-L27, L37) in NumPy, a batch a step; rows of float32, shuffled each epoch."""

    def __init__(self, x: np.ndarray, y: np.ndarray, params: list[tuple[np.ndarray, np.ndarray]]) -> None:
        self.x, self.y, self.params = x, np.eye(10, dtype=np.float32)[y], params
        self.rng = np.random.default_rng(0)

    def epoch(self) -> None:
        order = self.rng.permutation(len(self.x))
        for start in range(0, len(self.x), BATCH):
            rows = order[start : start + BATCH]
            self.update(self.x[rows], self.y[rows])

    def update(self, x: np.ndarray, y: np.ndarray) -> None:
        kept, a = [], x
        for Theta, b in self.params:
            z = a @ Theta.T + b
            kept.append((a, z))
            a = np.maximum(z, 0)
        powers = np.exp(z - z.max(axis=1, keepdims=True))
        delta = (powers / powers.sum(axis=1, keepdims=True) - y) / len(x)
        for layer in reversed(range(len(self.params))):
            (Theta, b), (a, _) = self.params[layer], kept[layer]
            d_theta, d_b = delta.T @ a, delta.sum(axis=0)
            if layer:
                delta = (delta @ Theta) * (kept[layer - 1][1] > 0)
            Theta -= RATE * d_theta
            b -= RATE * d_b


def by_nnjax(x: np.ndarray, y: np.ndarray) -> Training:
    """The same network in nnjax, its rows kept as bytes."""
    lanes = {name: np.array([value]) for name, value in (HYPER | {"learning_rate": RATE}).items()}
    made = recipe(UNITS, "relu", "cross_entropy", "sgd", BATCH, 1 / 255)
    return Training(made, lanes, [0], [0], Split(x, y), Split(x[:0], y[:0]), 1, ALONE)


def epoch_of(training: Training, epoch: int) -> None:
    """One epoch, all its steps in one call."""
    training.state, _ = training.call(training.state, Position(epoch, 0), training.per_epoch)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 256, (ROWS, 784), dtype=np.uint8), rng.integers(10, size=ROWS).astype(np.int32)
    training = by_nnjax(x, y)
    initial = [(np.array(layer.Theta[0]), np.array(layer.b[0])) for layer in training.state.params]
    numpy = ByNumPy(x.astype(np.float32) / 255, y, initial)
    times = in_turn({"numpy": lambda i: numpy.epoch(), "nnjax": lambda i: epoch_of(training, i)}, rounds)
    ratio = np.percentile(times["numpy"] / times["nnjax"], [25, 50, 75])
    print(describe())
    for name, values in times.items():
        print(f"{name}: {np.median(values):.3f} s an epoch (median of {rounds})")
    print(f"nnjax is {ratio[1]:.2f} times as fast as NumPy (quartiles {ratio[0]:.2f} to {ratio[2]:.2f})")


if __name__ == "__main__":
    main()
