"""J is not convex (L24): a 2-2-1 network ends in different minima of XOR's loss, depending on its start.

python -m experiments.local_minima
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from experiments.descent import descend
from experiments.finding import Finding, report
from experiments.loss_surface import loss_surface
from nnjax.data import sources
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.backprop import mean_loss
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.losses import LOSSES
from nnjax.network.models import mlp

STARTS, EPOCHS, RATE, GRID = 200, 5000, 0.5, 121


def run() -> Finding:
    """The plane through the ends of three trainings, and the trainings seen from above it."""
    data = sources.load("boolean", function="xor").train
    x, targets = jnp.asarray(data.x), jnp.asarray(data.y[:, None], jnp.float32)
    model, loss = mlp((2, 2, 1), ACTIVATIONS["tanh"], INITIALIZERS["xavier"]), LOSSES["log_loss"]
    starts = jax.vmap(lambda seed: model.init(jax.random.key(seed), 1.0))(jnp.arange(STARTS))
    params, losses = descend(model, loss, starts, x, targets, RATE, EPOCHS)
    ends = np.asarray(losses[:, -1])
    paths = np.asarray(jax.vmap(jax.vmap(lambda p: ravel_pytree(p)[0]))(params))[:, ::25]
    chosen = three_ends(ends, paths[:, -1])
    origin, along, across = plane(*paths[chosen, -1])
    placed = [(path - origin) @ np.stack([along, across]).T for path in paths[chosen]]
    _, unravel = ravel_pytree(jax.tree.map(lambda leaf: leaf[0, 0], params))
    corners = np.concatenate([path[[0, -1]] for path in placed])
    low, high = corners.min(0), corners.max(0)
    alpha, beta = (np.linspace(a - 0.3 * (b - a), b + 0.3 * (b - a), GRID) for a, b in zip(low, high, strict=True))
    value = mean_loss(model, loss)
    at = jax.jit(jax.vmap(jax.vmap(lambda a, b: value(unravel(origin + a * along + b * across), x, targets)[0])))
    surface = np.asarray(at(*np.meshgrid(alpha.astype(np.float32), beta.astype(np.float32))))
    learnt = ends < 0.1
    numbers = {
        f"starts of {STARTS} that learn XOR": float(learnt.sum()),
        "lowest loss": ends.min(),
        "median loss of the others": float(np.median(ends[~learnt])),
        "different losses at the end to two digits": float(len({f"{end:.2f}" for end in ends})),
    }
    figure = loss_surface(alpha, beta, surface, placed, ends[chosen])
    return Finding("Where does gradient descent end? (L24)", numbers, figure)


def three_ends(losses: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """The lowest end, and two others at which most trainings of other losses end."""
    best = int(np.argmin(losses))
    others = np.flatnonzero(losses > 0.1)
    nearest = others[np.argsort(np.linalg.norm(ends[others] - ends[best], axis=1))]
    second = nearest[0]
    third = next(i for i in nearest if abs(losses[i] - losses[second]) > 0.01)
    return np.array([best, second, third])


def plane(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A point and two orthonormal directions of the plane through three points."""
    along = (b - a) / np.linalg.norm(b - a)
    rest = (c - a) - (c - a) @ along * along
    return a, along, rest / np.linalg.norm(rest)


if __name__ == "__main__":
    report(run(), "local_minima")
