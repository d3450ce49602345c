"""Does a network learn its truth table from every start (L13)? A hundred seeds of each committed experiment.

python -m experiments.boolean_functions
"""

import numpy as np

from experiments.finding import Finding, report
from experiments.training import trained
from nnjax.training.batches import Split

FUNCTIONS = ("and", "or", "not", "nor", "xor", "xnor", "parity", "multiplexer")
SEEDS = 100


def learnt(function: str) -> tuple[str, int]:
    """The network's sizes, and how many of the seeds answer every row right."""
    made = trained(f"+experiment={function}", f"lanes.seeds={SEEDS}")
    measured = made.training.evaluate("last", Split(*made.dataset.test))
    params = made.training.params("last")
    sizes = [params[0].Theta.shape[2], *(layer.b.shape[1] for layer in params)]
    return "-".join(map(str, sizes)), int(np.sum(measured.accuracy == 1))


def run() -> Finding:
    """A number a function."""
    found = {function: learnt(function) for function in FUNCTIONS}
    numbers = {f"{function} {sizes}": right for function, (sizes, right) in found.items()}
    return Finding(f"How many of {SEEDS} seeds answer every row right? (L13)", numbers)


if __name__ == "__main__":
    report(run(), "boolean_functions")
