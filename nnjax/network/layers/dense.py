"""A layer of units, each connected to all inputs: forward (L1, L2) and backward (L26, L27).

    forward      z = x Theta^T + b          a = g(z)
    backward     delta = d_out * g'(z)      dTheta = delta^T x      db = sum of delta      d_in = delta Theta

A batch is rows: x (batch, n_in), a row an instance; Theta (n_out, n_in), a row a unit. d_out is d cost / d a and d_in
is d cost / d x. The d_in of a layer is the d_out of the layer before it, so that L26,
delta^(l) = (Theta^(l))^T delta^(l+1) * g'(z^(l)), is computed in two steps: delta Theta here, * g' one layer below.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from nnjax.network.activations import Activation
from nnjax.network.initializers import Initializer
from nnjax.network.matmul import Product, affine, input_gradient, matmul, weight_gradient


class Layer(NamedTuple):
    """The parameters of one layer, or the gradients with respect to them, in the split form of docs/lecture.md.

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
    """Return Theta = scale * initializer, of shape (n_out, n_in), and b = 0 (L33)."""
    return Layer((scale * initializer(key, (n_out, n_in))).astype(float), jnp.zeros(n_out))


def forward(
    layer: Layer, x: Float[Array, "batch n_in"], g: Activation, product: Product = matmul
) -> tuple[Float[Array, "batch n_out"], Residuals]:
    """Compute a = g(z) with z = x Theta^T + b (L2), and what `backward` needs. `product` multiplies matrices."""
    z = affine(x, layer.Theta, layer.b, product)
    a = g.value(z)
    return a, Residuals(x, z, a)


def backward(
    layer: Layer, residuals: Residuals, d_out: Float[Array, "batch n_out"], g: Activation, product: Product = matmul
) -> tuple[Layer, Float[Array, "batch n_in"]]:
    """Compute the gradients of Theta and b (L27), and d_in (L26), from d_out = d cost / d a."""
    x, z, a = residuals
    delta = d_out * g.derivative(z, a)
    dTheta = weight_gradient(delta, x, product)
    d_in = input_gradient(delta, layer.Theta, product)
    return Layer(dTheta, delta.sum(axis=0)), d_in


def to_augmented(layer: Layer) -> Float[Array | np.ndarray, "n_out inputs_and_one"]:
    """Return the layer in the lecture's joined form (n_out, n_in + 1): column 0 is the bias, for a_0 = 1 (L2, L3).

    NumPy arrays stay NumPy's and JAX arrays JAX's, bit by bit. `from_augmented` is the inverse.
    """
    arrays = layer.Theta.__array_namespace__()
    return arrays.concat([layer.b[:, None], layer.Theta], axis=1)


def from_augmented(matrix: Float[Array | np.ndarray, "n_out inputs_and_one"]) -> Layer:
    """Return the layer of a joined matrix (n_out, n_in + 1), whose column 0 is the bias (L3)."""
    return Layer(matrix[:, 1:], matrix[:, 0])  # type: ignore[arg-type]
