"""Architectures: layers one after another (L2, L3, L16). A model ends in logits z; their activation is the loss's.

forward      a^(1) = x      a^(l+1) = g(a^(l) Theta^(l)^T + b^(l))      z = the last layer's, without g
backward     from delta = d cost / d z, last layer first: each gives its gradient, and d_out for the one before
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import jax
from jaxtyping import Array, Float, Key

from nnjax.network.activations import Activation, identity, identity_derivative
from nnjax.network.initializers import Initializer
from nnjax.network.layers import convolution, dense
from nnjax.network.layers.convolution import Geometry
from nnjax.network.layers.im2col import flatten, flatten_backward, from_rows
from nnjax.network.layers.pooling import Pooling
from nnjax.network.matmul import Product, matmul

Params = tuple[dense.Layer, ...]
Scale = Float[Array, ""] | float


class Model(NamedTuple):
    """An architecture as three pure functions over `params`, a tuple of Layer(Theta, b).

    Attributes:
        init: (key, scale) -> params; scale multiplies the initial weights.
        forward: (params, x (batch, *input_shape)) -> (z (batch, outputs), residuals).
        backward: (params, residuals, delta (batch, outputs)) -> gradients like params; delta = d cost / d z.
        input_shape: the shape of one instance.
        outputs: the number of logits.
        smooth: whether the logits have derivatives everywhere.
        products: multiplications in the forward pass of one instance, by layer.
    """

    init: Callable[[Key[Array, ""], Scale], Params]
    forward: Callable[[Params, Array], tuple[Array, Any]]
    backward: Callable[[Params, Any, Array], Params]
    input_shape: tuple[int, ...]
    outputs: int
    smooth: bool
    products: tuple[int, ...]


@cache
def mlp(units: tuple[int, ...], activation: Activation, initializer: Initializer, product: Product = matmul) -> Model:
    """Return a fully connected network with s = units, inputs first and outputs last (L2, L3).

    Without a hidden layer, s = (d, K), it is one unit (K = 1) or one layer of units. Hidden layers share one
    activation. `product` multiplies matrices, forward and backward. Equal arguments give the same object, so that the
    programs compiled for it are found again.
    """
    functions = [*[activation] * (len(units) - 2), Activation(identity, identity_derivative)]

    def init(key: Key[Array, ""], scale: Scale) -> Params:
        keys = jax.random.split(key, len(functions))
        sizes = pairwise(units)
        return tuple(
            dense.init(k, n_in, n_out, initializer, scale) for k, (n_in, n_out) in zip(keys, sizes, strict=True)
        )

    def forward(params: Params, x: Array) -> tuple[Array, tuple[dense.Residuals, ...]]:
        return dense_forward(params, x, functions, product)

    def backward(params: Params, residuals: tuple[dense.Residuals, ...], delta: Array) -> Params:
        return dense_backward(params, residuals, delta, functions, product)[0]

    products = tuple(n_in * n_out for n_in, n_out in pairwise(units))
    return Model(init, forward, backward, (units[0],), units[-1], all(g.smooth for g in functions), products)


def dense_forward(
    params: Params, x: Array, functions: Sequence[Activation], product: Product
) -> tuple[Array, tuple[dense.Residuals, ...]]:
    """Compute fully connected layers one after another, each with its activation (L2)."""
    a, residuals = x, []
    for layer, g in zip(params, functions, strict=True):
        a, layer_residuals = dense.forward(layer, a, g, product)
        residuals.append(layer_residuals)
    return a, tuple(residuals)


def dense_backward(
    params: Params,
    residuals: tuple[dense.Residuals, ...],
    delta: Array,
    functions: Sequence[Activation],
    product: Product,
) -> tuple[Params, Array]:
    """Compute the gradients of fully connected layers and of their inputs, from delta = d cost / d out (L26, L27)."""
    d_out, grads = delta, []
    for layer, layer_residuals, g in zip(reversed(params), reversed(residuals), reversed(functions), strict=True):
        gradient, d_out = dense.backward(layer, layer_residuals, d_out, g, product)
        grads.append(gradient)
    return tuple(reversed(grads)), d_out


@cache
def lenet5(
    outputs: int, activation: Activation, initializer: Initializer, pooling: Pooling, product: Product = matmul
) -> Model:
    """Return LeNet-5 (L16; LeCun et al., Gradient-based learning applied to document recognition, 1998).

    28 x 28 pixels, unrolled row by row (L14) -> 6 maps of 5 x 5 windows, with two zeros around the image, 28 x 28 ->
    pooled 14 x 14 -> 16 maps of 5 x 5 windows, 10 x 10 -> pooled 5 x 5 -> 120 -> 84 -> outputs: 61,706 parameters for
    10. Unlike that of 1998, all 16 maps see all 6, pooling has no weights, and the outputs are logits.
    """
    geometries = (Geometry(padding="same", block=2), Geometry(block=2))
    units, functions = (400, 120, 84, outputs), [activation, activation, Activation(identity, identity_derivative)]
    rest = mlp(units, activation, initializer, product)

    def init(key: Key[Array, ""], scale: Scale) -> Params:
        first, second, others = jax.random.split(key, 3)
        return (
            convolution.init(first, (1, 6), 5, initializer, scale),
            convolution.init(second, (6, 16), 5, initializer, scale),
            *rest.init(others, scale),
        )

    def forward(params: Params, x: Array) -> tuple[Array, Any]:
        a, residuals = from_rows(x.reshape(len(x), -1), 28, 28), []
        for layer, geometry in zip(params, geometries, strict=False):
            blocks, layer_residuals = convolution.forward(layer, a, activation, geometry, product)
            a, pooling_residuals = pooling.forward(blocks)
            residuals.append((layer_residuals, pooling_residuals))
        z, dense_residuals = dense_forward(params[2:], flatten(a), functions, product)
        return z, (tuple(residuals), a, dense_residuals)

    def backward(params: Params, residuals: Any, delta: Array) -> Params:
        maps_residuals, a, dense_residuals = residuals
        grads, d_rows = dense_backward(params[2:], dense_residuals, delta, functions, product)
        d_out = flatten_backward(d_rows, a.shape)
        for i in (1, 0):
            layer_residuals, pooling_residuals = maps_residuals[i]
            d_blocks = pooling.backward(pooling_residuals, d_out)
            gradient, d_out = convolution.backward(
                params[i], layer_residuals, d_blocks, activation, geometries[i], product
            )
            grads = (gradient, *grads)
        return grads

    products = (6 * 28**2 * 25, 16 * 10**2 * 6 * 25, *rest.products)
    return Model(init, forward, backward, (28 * 28,), outputs, activation.smooth and pooling.smooth, products)
