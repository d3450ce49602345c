"""nnjax: neural networks as one lecture teaches them, gradients written by hand, on JAX.

`nnjax.run` trains, `nnjax.load` gives a trained network back; nothing heavy is imported before one of them is called.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnjax.runs.api import Run
    from nnjax.runs.load import Trained

__version__ = "0.1.0"


def run(*settings: str) -> "Run":
    """Train as `nnjax-train SETTINGS` does in this folder: the same run, in its folder and in MLflow.

    nnjax.run("+experiment=xor", "seed=3") is one run; with "lanes.seeds=8", or a sweep.name, all lanes are (see Run).
    What the command prints is logged by the logger `nnjax`: logging.getLogger("nnjax").setLevel("WARNING") silences it.

    Raises:
        InputError: the line that the command would end with.
        TrainingError: the gradients differ, or the loss stopped being finite.
        KeyboardInterrupt: what was trained is saved; resume=FOLDER goes on.
    """
    from nnjax.runs import api

    return api.run(*settings)


def load(run: str | Path, uri: str | None = None) -> "Trained":
    """The network of a run: its id (or the first 6 letters), its folder or file; of a sweep the best, SWEEP:7 lane 7.

    uri: the store; else MLFLOW_TRACKING_URI, else mlflow.db in this folder. Needs no JAX. Raises InputError.
    """
    from nnjax.runs import load

    return load.find_trained(str(run), uri, Path.cwd())
