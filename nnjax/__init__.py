"""nnjax: the neural networks of one lecture, on JAX, with gradients written by hand.

`nnjax.run` trains a network, and `nnjax.load` loads a trained one. Importing nnjax imports no other library.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnjax.runs.api import Run
    from nnjax.runs.load import Trained

__version__ = "0.1.0"


def run(*settings: str) -> "Run":
    """Train as `nnjax-train SETTINGS` does in the current folder, and return the run.

    nnjax.run("+experiment=xor", "seed=3") trains one network. With "lanes.seeds=8", or a sweep.name, it trains a sweep
    and returns all its lanes (see Run). The logger `nnjax` prints what the command prints:
    logging.getLogger("nnjax").setLevel("WARNING") silences it.

    Raises:
        InputError: with the line that the command would print.
        TrainingError: the gradients differ, or the loss is not finite.
        KeyboardInterrupt: after Ctrl-C; what was trained is saved, and resume=FOLDER continues it.
    """
    from nnjax.runs import api

    return api.run(*settings)


def load(run: str | Path, uri: str | None = None) -> "Trained":
    """Return the trained network of a run: its id (or the first 6 letters of it), its folder, or its file.

    A sweep's id or folder is its best lane, and SWEEP:7 its lane 7. uri: the store; by default MLFLOW_TRACKING_URI, or
    mlflow.db in the current folder. JAX is not needed. Raises InputError if there is no such network.
    """
    from nnjax.runs import load

    return load.find_trained(str(run), uri, Path.cwd())
