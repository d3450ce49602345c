"""Whole sweeps from Enter to prompt, everything recorded: lanes against Hydra's own ways.

    python -m experiments.benchmarks.sweep [ROUNDS] [NAME ...]

Each command runs in a folder of its own, once to warm up (compile cache, files) and then ROUNDS times; the median is
printed, with the largest memory of a process. Ways that would take minutes are measured on fewer jobs and scaled.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.benchmarks.machine import describe

XOR = ["+experiment=xor", "training.epochs=2000"]
GRID = ["model.hidden=[1],[2],[3],[4],[8]", "optimizer.learning_rate=0.1,0.3,1,3,10,30", "seed=range(0,128)"]
OPTUNA = ["+sweep=optuna", "hydra.sweeper.n_trials=256", "hydra.sweeper.n_jobs=256", "seed=range(0,1000000)"]
NOTHING = "import hydra\n@hydra.main(version_base='1.3', config_path=None)\ndef task(config): pass\ntask()\n"


class Case(NamedTuple):
    """A command line of `python`, run `repeats` times in a row and scaled by `scale`."""

    words: Sequence[str]
    repeats: int = 1
    scale: float = 1


def train(*words: str) -> list[str]:
    """`python -m nnjax.train WORDS`."""
    return ["-m", "nnjax.train", *words]


CASES = {
    "256 XOR networks, sweeper": Case(train("-m", "+sweep=lanes", *XOR, "seed=range(0,256)")),
    "256 XOR networks, lanes.seeds": Case(train(*XOR, "lanes.seeds=256")),
    "256 XOR networks, launcher (Optuna)": Case(train("-m", *OPTUNA, *XOR)),
    "256 Hydra jobs that do nothing (32 scaled)": Case(["nothing.py", "-m", "+seed=range(0,32)"], scale=8),
    "256 XOR networks, basic sweeper (16 scaled)": Case(train("-m", *XOR, "seed=range(0,16)"), scale=16),
    "256 XOR networks, separate commands (8 scaled)": Case(train(*XOR), repeats=8, scale=32),
    "3,840 XOR networks, 5 shapes": Case(train("-m", "+sweep=lanes", "+experiment=xor", *GRID)),
    "4,096 XOR networks of one shape": Case(train(*XOR, "lanes.seeds=4096")),
}


def run(case: Case, folder: Path) -> tuple[float, float]:
    """Seconds, scaled, and MiB of the largest process."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])}
    (folder / "nothing.py").write_text(NOTHING)
    started, most = time.perf_counter(), 0.0
    for _ in range(case.repeats):
        process = subprocess.Popen(
            [sys.executable, *case.words], cwd=folder, env=environment, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise RuntimeError(f"{' '.join(case.words)} ended with {status}")
        most = max(most, usage.ru_maxrss / 1024)
    return (time.perf_counter() - started) * case.scale, most


def main(arguments: Sequence[str]) -> None:
    """Prints a line a case."""
    rounds = int(arguments[0]) if arguments else 3
    chosen = [name for name in CASES if not arguments[1:] or any(word in name for word in arguments[1:])]
    print(describe())
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            if CASES[name].scale == 1:
                run(CASES[name], Path(folder))
            seconds, memory = np.median([run(CASES[name], Path(folder)) for _ in range(rounds)], axis=0)
        print(f"{name:48} {seconds:8.1f} s  {memory:6.0f} MiB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
