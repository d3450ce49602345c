"""Why Theta starts at random (L33): from zeros hidden units stay equal for ever.

python -m experiments.zero_initialisation
"""

import jax
import jax.numpy as jnp
import numpy as np

from experiments.descent import descend
from experiments.finding import Finding, report
from experiments.hidden_weights import hidden_weights
from nnjax.data import sources
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.losses import LOSSES
from nnjax.network.models import mlp

EPOCHS, RATE = 300, 2.0


def run() -> Finding:
    """A 2-3-1 network of sigmoid units learns `x1 and not x2`, once from zeros and once from random weights."""
    data = sources.load("boolean", function="not_implies").train
    x, targets = jnp.asarray(data.x), jnp.asarray(data.y[:, None], jnp.float32)
    weights, numbers = {}, {}
    for name, initializer in (("zeros", "zeros"), ("random", "xavier")):
        model = mlp((2, 3, 1), ACTIVATIONS["sigmoid"], INITIALIZERS[initializer])
        start = jax.tree.map(lambda leaf: leaf[None], model.init(jax.random.key(0), 1.0))
        params, losses = descend(model, LOSSES["log_loss"], start, x, targets, RATE, EPOCHS)
        weights[name] = np.asarray(params[0].Theta[0])
        spread = np.ptp(weights[name], axis=1).max(axis=1)
        numbers |= {
            f"{name}: largest difference of units in any epoch": spread.max(),
            f"{name}: loss at the end": float(losses[0, -1]),
        }
    figure = hidden_weights(weights)
    return Finding("Do hidden units part if Theta starts at 0? (L33)", numbers, figure)


if __name__ == "__main__":
    report(run(), "zero_initialisation")
