"""A layer of units, each connected to all inputs: a = g(x Theta^T + b) (L1, L2)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from nnjax.network.activations import Activation
from nnjax.network.initializers import Initializer
from nnjax.network.matmul import Product, matmul

SMALL, LARGE = 2**20, 2**23  # multiplications of a product


class Layer(NamedTuple):
    """Parameters of one layer, and gradients with respect to them, in the split form of the lecture's notation.

    Attributes:
        Theta: weights (n_out, n_in), a row a unit; of a convolution (maps_out, maps_in, size, size).
        b: biases (n_out,), one a unit; of a convolution one a map.
    """

    Theta: Float[Array, "n_out ..."]
    b: Float[Array, " n_out"]


class Residuals(NamedTuple):
    """What the forward pass keeps for the backward pass.

    Attributes:
        x: the layer's inputs (batch, n_in).
        z: pre-activations (batch, n_out).
        a: activations g(z) (batch, n_out).
    """

    x: Float[Array, "batch n_in"]
    z: Float[Array, "batch n_out"]
    a: Float[Array, "batch n_out"]


def init(
    key: Key[Array, ""], n_in: int, n_out: int, initializer: Initializer, scale: Float[Array, ""] | float
) -> Layer:
    """Theta = scale * initializer, of shape (n_out, n_in), and b = 0 (L33)."""
    return Layer((scale * initializer(key, (n_out, n_in))).astype(float), jnp.zeros(n_out))


def to_augmented(layer: Layer) -> Float[Array | np.ndarray, "n_out inputs_and_one"]:
    """The layer in the lecture's joined form (n_out, n_in + 1): column 0 is the bias, for a_0 = 1 (L2, L3).

    NumPy arrays stay NumPy's, JAX arrays JAX's, bit by bit; `split` is the way back.
    """
    arrays = layer.Theta.__array_namespace__()
    return arrays.concat([layer.b[:, None], layer.Theta], axis=1)


def from_augmented(matrix: Float[Array | np.ndarray, "n_out inputs_and_one"]) -> Layer:
    """The layer of a joined matrix (n_out, n_in + 1), whose column 0 is the bias (L3)."""
    return Layer(matrix[:, 1:], matrix[:, 0])  # type: ignore[arg-type]


def forward(
    layer: Layer, x: Float[Array, "batch n_in"], g: Activation, product: Product = matmul
) -> tuple[Float[Array, "batch n_out"], Residuals]:
    """z = x Theta^T + b and a = g(z), for a batch of rows (L2)."""
    z = product(layer.Theta, x.T).T + layer.b
    a = g.value(z)
    return a, Residuals(x, z, a)


def backward(
    layer: Layer, kept: Residuals, d_out: Float[Array, "batch n_out"], g: Activation, product: Product = matmul
) -> tuple[Layer, Float[Array, "batch n_in"]]:
    """Gradients of the layer's parameters and of its inputs, from d_out = d cost / d a.

    delta = d_out * g'(z) and d_in = delta Theta (L26);
    d cost / d Theta = delta^T x and d cost / d b = the sum of delta over the batch (L27).
    """
    delta = d_out * g.derivative(kept.z, kept.a)
    d_theta, d_in = (
        product(delta_for_weight_gradient(delta, kept.x), kept.x),
        product(delta_for_input_gradient(delta, layer.Theta), layer.Theta),
    )
    return Layer(d_theta, delta.sum(axis=0)), d_in


def delta_for_weight_gradient(
    delta: Float[Array, "batch n_out"], x: Float[Array, "batch n_in"]
) -> Float[Array, "n_out batch"]:
    """delta^T, written out in memory where its product with x is small.

    XLA's CPU library that reads rows is faster below a million multiplications (784-30, batch 10: 4.9 us, not 6.6),
    the one that reads columns above (784-300, batch 128: 342 us, not 412). One instance needs neither: without, its
    product is a part of the update (784-10: 0.90 of the time).
    """
    turned, instances = delta.T, delta.shape[0]
    return jax.lax.optimization_barrier(turned) if instances > 1 and delta.size * x.shape[1] < SMALL else turned


def delta_for_input_gradient(
    delta: Float[Array, "batch n_out"], Theta: Float[Array, "n_out n_in"]
) -> Float[Array, "batch n_out"]:
    """delta, in memory column by column where its product with Theta is neither small nor large.

    There the library that reads rows uses one core alone (300-100, batch 128: 77 us), the other two (48 us).
    """
    middle = SMALL <= delta.size * Theta.shape[1] < LARGE
    return jax.lax.optimization_barrier(delta.T).T if middle else delta
