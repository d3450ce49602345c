"""Batch gradient descent (L34, L37) that keeps every step, for pictures of where it goes."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from nnjax.network.backprop import backprop
from nnjax.network.losses import Loss
from nnjax.network.models import Model, Params


def descend(
    model: Model,
    loss: Loss,
    starts: Params,
    x: Float[Array, "n inputs"],
    targets: Float[Array, "n outputs"],
    rate: float,
    epochs: int,
) -> tuple[Params, Float[Array, "lanes epochs+1"]]:
    """Parameters with axes (lanes, epochs + 1) in front, and the loss at each, from starts with an axis (lanes,)."""
    gradient = backprop(model, loss)

    def one(params: Params) -> tuple[Params, Array]:
        def epoch(params: Params, _: None) -> tuple[Params, tuple[Params, Array]]:
            (value, _), grads = gradient(params, x, targets)
            return jax.tree.map(lambda p, g: p - rate * g, params, grads), (params, value)

        return jax.lax.scan(epoch, params, None, epochs + 1)[1]

    return jax.jit(jax.vmap(one))(jax.tree.map(jnp.asarray, starts))
