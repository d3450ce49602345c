"""What stopped being finite in a training, and what to try against it."""

from collections.abc import Mapping

import numpy as np

from nnjax.config.schema import Config


def not_finite(history: Mapping[str, np.ndarray], epoch: int) -> str:
    """What is not finite in the epoch of a divergence, the first of these."""
    words = {
        "train/loss": "the loss",
        "train/cost": "the cost",
        "validation/loss": "the validation loss",
        "gradient/norm": "the gradient's norm",
        "parameters/norm": "the parameters' norm",
    }
    if np.isnan(history.get("validation/loss", [np.nan])[0]):  # there is none
        del words["validation/loss"]
    bad = [words[name] for name in words if name in history and not np.isfinite(history[name][epoch])]
    return bad[0] if bad else "the optimiser's state"


def divergence_hint(config: Config, history: Mapping[str, np.ndarray], epoch: int) -> str:
    """What to try when something stopped being finite, or never was."""
    if not np.isfinite(history["train/loss"][0]):
        return f"nor was the untrained network's: try a model.init_scale below {config.model.init_scale:g}"
    norm = history["gradient/norm"][epoch - 1]
    before = f"the gradient's norm was {norm:.3g} before; " if np.isfinite(norm) else ""
    rate = config.optimizer.learning_rate
    return f"{before}try an optimizer.learning_rate below {rate:g}, or training.clip_norm=1"
