"""Can one unit compute XOR (L12)? The best of 1,000 starts; AND and OR beside it.

python -m experiments.single_unit
"""

import numpy as np

from experiments.finding import Finding, report
from experiments.training import Trained, trained
from nnjax.reporting.figures.boundary import decision_boundary
from nnjax.training.batches import Split

STARTS = 1000
EARLY = 20  # epochs, after which units still stand where they were sent


def single_units(function: str, epochs: int) -> Trained:
    """Single units from far-spread starts."""
    spread = (f"lanes.seeds={STARTS}", "model.init_scale=5", f"training.epochs={epochs}")
    return trained("+experiment=and", f"data.function={function}", *spread)


def run() -> Finding:
    """XOR needs two lines, a unit has one: at best 3 of 4 rows, and no loss below log 2."""
    numbers = {}
    for function in ("and", "or", "xor"):
        history = single_units(function, 1000).training.history()
        accuracy = history["train/accuracy"]
        numbers |= {
            f"{function}: most rows right in any epoch": 4 * np.nanmax(accuracy),
            f"{function}: share of starts with all right": np.mean(accuracy[:, -1] == 1),
            f"{function}: lowest loss in any epoch": np.nanmin(history["train/loss"]),
        }
    numbers["log 2"] = np.log(2)
    made = single_units("xor", EARLY)
    test = made.dataset.test
    best = np.argmax(made.training.evaluate("last", Split(*test)).accuracy)
    layer = made.training.params("last")[0]
    Theta, b = layer.Theta[best], layer.b[best]
    figure = decision_boundary(lambda x: 1 / (1 + np.exp(-(x @ Theta.T + b)))[:, 0], test.x, test.y)
    return Finding(f"Can one unit compute XOR? The best of {STARTS:,} (L12)", numbers, figure)


if __name__ == "__main__":
    report(run(), "single_unit")
