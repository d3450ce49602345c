"""Architectures: how layers are joined. A model ends in logits z; their activation belongs to the loss."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from operator import matmul
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Float, Key

from nnjax.network.activations import Activation, identity, identity_derivative
from nnjax.network.initializers import Initializer
from nnjax.network.layers import dense
from nnjax.network.precision import Product

Params = tuple[dense.Layer, ...]
Scale = Float[Array, ""] | float


class Model(NamedTuple):
    """An architecture as three pure functions over `params`, a tuple of Layer(Theta, b).

    Attributes:
        init: (key, scale) -> params; scale multiplies the initial weights.
        forward: (params, x (batch, *input_shape)) -> (z (batch, outputs), kept).
        backward: (params, kept, delta (batch, outputs)) -> gradients like params; delta = d cost / d z.
        input_shape: the shape of one instance.
        outputs: the number of logits.
        smooth: whether the logits have derivatives everywhere.
    """

    init: Callable[[Key[Array, ""], Scale], Params]
    forward: Callable[[Params, Array], tuple[Array, Any]]
    backward: Callable[[Params, Any, Array], Params]
    input_shape: tuple[int, ...]
    outputs: int
    smooth: bool


@cache
def mlp(units: tuple[int, ...], activation: Activation, initializer: Initializer, product: Product = matmul) -> Model:
    """A fully connected network with s = units, inputs first and outputs last (L2, L3).

    No hidden layer, s = (d, K), is one unit (K = 1) or one layer of units. Hidden layers share one activation.
    `product` multiplies matrices, forward and backward: see PRECISIONS.
    Equal arguments give the same object, so that programs compiled for it are found again.
    """
    hidden = [activation] * (len(units) - 2)
    functions = [*hidden, Activation(identity, identity_derivative)]

    def init(key: Key[Array, ""], scale: Scale) -> Params:
        keys = jax.random.split(key, len(functions))
        sizes = pairwise(units)
        return tuple(
            dense.init(k, n_in, n_out, initializer, scale) for k, (n_in, n_out) in zip(keys, sizes, strict=True)
        )

    def forward(params: Params, x: Array) -> tuple[Array, tuple[dense.Kept, ...]]:
        a, kept = x, []
        for layer, g in zip(params, functions, strict=True):
            a, kept_here = dense.forward(layer, a, g, product)
            kept.append(kept_here)
        return a, tuple(kept)

    def backward(params: Params, kept: tuple[dense.Kept, ...], delta: Array) -> Params:
        d_out, grads = delta, []
        for layer, kept_here, g in zip(reversed(params), reversed(kept), reversed(functions), strict=True):
            gradient, d_out = dense.backward(layer, kept_here, d_out, g, product)
            grads.append(gradient)
        return tuple(reversed(grads))

    return Model(init, forward, backward, (units[0],), units[-1], all(g.smooth for g in functions))
