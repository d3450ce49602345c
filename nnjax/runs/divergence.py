"""After a divergence: which value is not finite, and what to try."""

from collections.abc import Mapping

import numpy as np

from nnjax.config.schema import Config


def find_nonfinite(history: Mapping[str, np.ndarray], epoch: int) -> str:
    """Return what is not finite in the epoch of a divergence, such as `the loss`; history: metrics (epochs + 1,)."""
    names = {
        "train/loss": "the loss",
        "train/cost": "the cost",
        "validation/loss": "the validation loss",
        "gradient/norm": "the gradient's norm",
        "parameters/norm": "the parameters' norm",
    }
    if np.isnan(history.get("validation/loss", [np.nan])[0]):  # there are no validation data
        del names["validation/loss"]
    for metric, name in names.items():
        if metric in history and not np.isfinite(history[metric][epoch]):
            return name
    return "the optimiser's state"


def divergence_hint(config: Config, history: Mapping[str, np.ndarray], epoch: int) -> str:
    """Return what to try after a divergence in this epoch."""
    if not np.isfinite(history["train/loss"][0]):
        return f"nor was the untrained network's: try a model.init_scale below {config.model.init_scale:g}"
    norm = history["gradient/norm"][epoch - 1]
    before = f"the gradient's norm was {norm:.3g} before; " if np.isfinite(norm) else ""
    rate = config.optimizer.learning_rate
    return f"{before}try an optimizer.learning_rate below {rate:g}, or training.clip_norm=1"
