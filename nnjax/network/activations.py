"""Activation functions g beside their derivatives g' (L1, L26). All are elementwise: shapes stay."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Values = Float[Array, "*shape"]


class Activation(NamedTuple):
    """An activation a = g(z).

    Attributes:
        value: g, from z to a.
        derivative: g', from z and a = g(z); it may use either.
        smooth: whether g' exists everywhere. Across a kink, a finite difference is not the derivative.
    """

    value: Callable[[Values], Values]
    derivative: Callable[[Values, Values], Values]
    smooth: bool = True


def sigmoid(z: Values) -> Values:
    """Compute g(z) = 1 / (1 + e^-z) (L1)."""
    return jax.nn.sigmoid(z)


def sigmoid_derivative(z: Values, a: Values) -> Values:
    """Compute g'(z) = a (1 - a) (L26)."""
    return a * (1 - a)


def tanh(z: Values) -> Values:
    """Compute g(z) = tanh z."""
    return jnp.tanh(z)


def tanh_derivative(z: Values, a: Values) -> Values:
    """Compute g'(z) = 1 - a^2."""
    return 1 - a * a


def relu(z: Values) -> Values:
    """Compute g(z) = max(0, z)."""
    return jnp.maximum(z, 0)


def relu_derivative(z: Values, a: Values) -> Values:
    """Compute g'(z) = 1 for z > 0, else 0.

    At the kink z = 0 it is 0, the subgradient of least norm (arXiv:2010.09133); `jax.grad` of max(z, 0) gives 1/2.
    """
    return (z > 0).astype(z.dtype)


def softplus(z: Values) -> Values:
    """Compute g(z) = log(1 + e^z), without overflow."""
    return jax.nn.softplus(z)


def softplus_derivative(z: Values, a: Values) -> Values:
    """Compute g'(z) = 1 / (1 + e^-z)."""
    return jax.nn.sigmoid(z)


def identity(z: Values) -> Values:
    """Return g(z) = z (L8)."""
    return z


def identity_derivative(z: Values, a: Values) -> Values:
    """Return g'(z) = 1."""
    return jnp.ones_like(z)


ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, sigmoid_derivative),
    "tanh": Activation(tanh, tanh_derivative),
    "relu": Activation(relu, relu_derivative, smooth=False),
    "softplus": Activation(softplus, softplus_derivative),
    "identity": Activation(identity, identity_derivative),
}
