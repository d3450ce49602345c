"""Time and memory by the number of rows: an epoch of nnjax's mlp on 5,000 to 600,000 rows.

python -m experiments.benchmarks.rows [ROUNDS]

Each number of rows has a process of its own; they take turns, each of 60,000 rows or more. Memory is what the process
holds after its second turn and after its last; the data are rows of 784 bytes and a label of 4.
"""

import sys
import time
from contextlib import ExitStack

import numpy as np

from experiments.benchmarks.machine import describe
from experiments.benchmarks.peers import OURS, PEERS
from experiments.benchmarks.process import Process
from experiments.benchmarks.report import spread, table
from experiments.benchmarks.side_by_side import SETTLING, quartiles
from experiments.benchmarks.works import WORKS

ROWS = (5_000, 20_000, 60_000, 200_000, 600_000)
BASE = 60_000  # what the others are compared with


def main() -> None:
    """Prints a table."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(describe())
    with ExitStack() as stack:
        works = {n: WORKS["mlp"]._replace(rows=n, epochs=max(1, BASE // n)) for n in ROWS}
        sides = {n: stack.enter_context(Process(PEERS[OURS], work, None)) for n, work in works.items()}
        found: dict[int, list[tuple[float, float]]] = {n: [] for n in ROWS}
        for _ in range(rounds):
            for n, side in sides.items():
                time.sleep(SETTLING)
                answer = side.ask("turn")
                found[n].append((answer["seconds"] / (n * works[n].epochs), answer["mebibytes"]))
    taken = {n: np.array(values) for n, values in found.items()}
    rows = [
        [
            f"{n:,}",
            f"{np.median(values[:, 0]) * 1e6:.2f} us",
            spread(quartiles(values[:, 0] / taken[BASE][:, 0])),
            f"{n * 788 / 2**20:.0f} MiB",
            f"{values[0, 1]:.0f} MiB",
            f"{values[-1, 1]:.0f} MiB",
        ]
        for n, values in taken.items()
    ]
    columns = ["rows", "time a row", f"times that of {BASE:,}", "data", "memory, turn 2", f"turn {rounds + 1}"]
    print(table(columns, rows))


if __name__ == "__main__":
    main()
