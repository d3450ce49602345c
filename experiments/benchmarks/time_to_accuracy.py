"""From Enter to prompt: a whole process that reads MNIST and trains 784-300-100-10 to 97 and 98 % on the test digits.

python -m experiments.benchmarks.time_to_accuracy FOLDER [--rounds 5] [--target 0.98 ...] [--choose]

nnjax records everything: metrics, figures, model, its gradient check; the peers' scripts (peers/train_*.py) print one
number. All have batches of 128 and Adam at 0.004, decaying by cosine (scikit-learn: its own 0.001). Compile caches are
warm, for the peers on JAX too. Sides take turns. EPOCHS were chosen beforehand by --choose: the fewest with which three
seeds all reach the target on 6,000 digits held out of the training part. It found the same for nnjax and for NumPy, so
all sides of that recipe have them.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from experiments.benchmarks.peers import OURS, PEERS
from experiments.benchmarks.report import duration, head, spread, table
from experiments.benchmarks.side_by_side import quartiles

TARGETS = (0.97, 0.98)
SCRIPTS = {  # side -> its script
    "plain JAX": "train_jax",
    "NumPy by hand": "train_numpy",
    "scikit-learn": "train_sklearn",
    "PyTorch": "train_torch",
    "Keras on JAX": "train_keras",
    "Flax NNX": "train_flax",
    "Equinox": "train_equinox",
}
EPOCHS = dict.fromkeys((OURS, *SCRIPTS), (2, 5))  # for each of the targets
SEEDS, MOST = 3, 12


def words(side: str, folder: str, part: str, epochs: int, seed: int) -> list[str]:
    """What `python` is told for a side; part: what accuracy is taken of, `test` or `validation`."""
    if side in SCRIPTS:
        return ["-m", f"experiments.benchmarks.peers.{SCRIPTS[side]}", folder, part, str(epochs), str(seed)]
    held_out = 0 if part == "test" else 6000
    settings = [
        f"data.mirror={folder}",
        f"data.validation_size={held_out}",
        f"training.epochs={epochs}",
        f"seed={seed}",
    ]
    return ["-m", "nnjax.train", "+experiment=mnist", "optimizer=adam", "optimizer.learning_rate=0.004", *settings]


def run(side: str, folder: str, part: str, epochs: int, seed: int, place: Path) -> tuple[float, float]:
    """Seconds from Enter to prompt, and the accuracy; the place keeps caches and runs."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")]),
        "JAX_COMPILATION_CACHE_DIR": str(place / "cache"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "MLFLOW_TRACKING_URI": f"sqlite:///{place}/mlflow.db",
        "TFDS_DATA_DIR": str(place / "data"),
        "XDG_CACHE_HOME": str(place),
    }
    asked = [sys.executable, *words(side, folder, part, epochs, seed)]
    started = time.perf_counter()
    done = subprocess.run(asked, cwd=place, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{side} ended with {done.returncode}: {done.stderr.strip().splitlines()[-1:]}")
    return seconds, accuracy(side, done.stdout, part)


def accuracy(side: str, output: str, part: str) -> float:
    """The last line of a script; of nnjax `test/accuracy 0.9812` or the same of validation, in its summary."""
    said = output.split()
    return float(said[-1] if side in SCRIPTS else said[said.index(f"{part}/accuracy") + 1].rstrip(","))


def installed() -> list[str]:
    """nnjax and the sides whose packages are there."""
    return [OURS, *(side for side in SCRIPTS if PEERS[side].installed)]


def choose(folder: str, place: Path) -> None:
    """Prints for each side the fewest epochs to each target, as EPOCHS has them."""
    for side in installed():
        found: list[int] = []
        for target in TARGETS:
            for epochs in range(max(found, default=1), MOST + 1):
                if all(run(side, folder, "validation", epochs, seed, place)[1] >= target for seed in range(SEEDS)):
                    break
            found.append(epochs)
        print(f"{side}: {tuple(found)}", flush=True)


def measure(folder: str, target: float, rounds: int, place: Path) -> str:
    """A table: seconds, times nnjax's, accuracy on the test digits (the lowest), epochs. A round before warms up."""
    sides, place_of = installed(), TARGETS.index(target)
    found: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    for seed in range(rounds + 1):
        for side in sides:
            found[side].append(run(side, folder, "test", EPOCHS[side][place_of], seed, place))
    taken = {side: np.array(values[1:]) for side, values in found.items()}
    rows = [
        [
            side,
            duration(float(np.median(values[:, 0]))),
            spread(quartiles(values[:, 0] / taken[OURS][:, 0])),
            f"{np.median(values[:, 1]):.4f} ({values[:, 1].min():.4f})",
            str(EPOCHS[side][place_of]),
        ]
        for side, values in taken.items()
    ]
    rows += [
        [side, f"absent: {PEERS[side].needs} is not installed", *[""] * 3] for side in SCRIPTS if side not in taken
    ]
    return table(
        [f"to {target:.0%}", "from Enter to prompt", "times nnjax's", "test accuracy (lowest)", "epochs"], rows
    )


def main(arguments: Sequence[str]) -> None:
    """Prints a table for each target, or the numbers of epochs to each."""
    parser = argparse.ArgumentParser(prog="python -m experiments.benchmarks.time_to_accuracy")
    parser.add_argument("folder", help="MNIST's four files")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--target", type=float, nargs="*", choices=TARGETS, default=TARGETS)
    parser.add_argument("--choose", action="store_true", help="find the numbers of epochs on validation data")
    asked = parser.parse_args(arguments)
    print(head(asked.rounds, asked.folder))
    with tempfile.TemporaryDirectory() as place:
        if asked.choose:
            choose(os.path.abspath(asked.folder), Path(place))
        for target in () if asked.choose else asked.target:
            print(f"\n{measure(os.path.abspath(asked.folder), target, asked.rounds, Path(place))}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
