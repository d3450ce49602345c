"""Updates a second of softmax regression, an instance an update (L35), 60,000 rows of 784 bytes: nnjax and NumPy.

    python -m experiments.benchmarks.softmax_sgd [ROUNDS]

Both in turn, in one process. NumPy does a tenth of the rows.
"""

import sys

import numpy as np

from experiments.benchmarks.lanes import HYPER, recipe
from experiments.benchmarks.machine import describe, in_turn
from experiments.benchmarks.mlp import epoch_of
from nnjax.training.batches import Split
from nnjax.training.loop import Training
from nnjax.training.strategy import ALONE

ROWS, RATE = 60_000, 0.01


def by_numpy(x: np.ndarray, y: np.ndarray, Theta: np.ndarray, b: np.ndarray) -> None:
    """The lecture's loop (L30, L35, L37), changing Theta and b in place."""
    for i in np.random.default_rng(0).permutation(len(x)):
        a = x[i] * np.float32(1 / 255)
        z = Theta @ a + b
        powers = np.exp(z - z.max())
        delta = powers / powers.sum()
        delta[y[i]] -= 1
        Theta -= RATE * np.outer(delta, a)
        b -= RATE * delta


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 256, (ROWS, 784), dtype=np.uint8), rng.integers(10, size=ROWS).astype(np.int32)
    lanes = {name: np.array([value]) for name, value in (HYPER | {"learning_rate": RATE}).items()}
    made = recipe((784, 10), "relu", "cross_entropy", "sgd", 1, 1 / 255)
    training = Training(made, lanes, [0], [0], Split(x, y), Split(x[:0], y[:0]), 1, ALONE)
    Theta, b = (np.array(leaf[0]) for leaf in training.state.params[0])
    works = {"numpy": lambda i: by_numpy(x[: ROWS // 10], y, Theta, b), "nnjax": lambda i: epoch_of(training, i)}
    times = in_turn(works, rounds)
    found = {"numpy": ROWS / 10 / times["numpy"], "nnjax": ROWS / times["nnjax"]}
    ratio = np.percentile(found["nnjax"] / found["numpy"], [25, 50, 75])
    print(describe())
    for name, values in found.items():
        print(f"{name}: {np.median(values):,.0f} updates a second (median of {rounds}; best {values.max():,.0f})")
    print(f"nnjax is {ratio[1]:.1f} times as fast as NumPy (quartiles {ratio[0]:.1f} to {ratio[2]:.1f})")


if __name__ == "__main__":
    main()
