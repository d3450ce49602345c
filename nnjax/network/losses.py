"""Losses of the logits z and the targets: value, delta = dL/dz and output side by side (L21-L25).

A model ends in logits; the activation of the output belongs to the loss, so that both are computed without a
logarithm of a rounded probability. All shapes are (batch, outputs), values are (batch,).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Batch = Float[Array, "batch outputs"]
Values = Float[Array, " batch"]


class Loss(NamedTuple):
    """A loss L(h, y), written in terms of the logits z.

    Attributes:
        value: L for each instance, from (z, targets).
        delta: dL/dz, the delta^(L) of L25, from (z, targets).
        output: the prediction h of the logits.
        activation: the name of that output activation, as a predictor outside JAX needs it.
    """

    value: Callable[[Batch, Batch], Values]
    delta: Callable[[Batch, Batch], Batch]
    output: Callable[[Batch], Batch]
    activation: str


def cross_entropy(z: Batch, targets: Batch) -> Values:
    """-sum_j y_j log h_j = logsumexp(z) - y.z for 1-of-K targets y (L23)."""
    return jax.nn.logsumexp(z, axis=-1) - jnp.sum(targets * z, axis=-1)


def cross_entropy_delta(z: Batch, targets: Batch) -> Batch:
    """softmax(z) - y (L25, L30)."""
    return jax.nn.softmax(z, axis=-1) - targets


def log_loss(z: Batch, targets: Batch) -> Values:
    """-(y log h + (1 - y) log(1 - h)) = log(1 + e^z) - y z, summed over the outputs (L21)."""
    return jnp.sum(jax.nn.softplus(z) - targets * z, axis=-1)


def log_loss_delta(z: Batch, targets: Batch) -> Batch:
    """sigmoid(z) - y (L25)."""
    return jax.nn.sigmoid(z) - targets


def squared_error(z: Batch, targets: Batch) -> Values:
    """(1/2)(z - y)^2, summed over the outputs (L22, L8)."""
    return jnp.sum((z - targets) ** 2, axis=-1) / 2


def squared_error_delta(z: Batch, targets: Batch) -> Batch:
    """z - y (L25)."""
    return z - targets


def sigmoid_squared_error(z: Batch, targets: Batch) -> Values:
    """(1/2)(h - y)^2 with h = sigmoid(z), summed over the outputs (L22)."""
    return jnp.sum((jax.nn.sigmoid(z) - targets) ** 2, axis=-1) / 2


def sigmoid_squared_error_delta(z: Batch, targets: Batch) -> Batch:
    """(a - y) a (1 - a) with a = sigmoid(z) (L25)."""
    a = jax.nn.sigmoid(z)
    return (a - targets) * a * (1 - a)


def softmax(z: Batch) -> Batch:
    """h_i = e^{z_i} / sum_j e^{z_j} (L7)."""
    return jax.nn.softmax(z, axis=-1)


def sigmoid(z: Batch) -> Batch:
    """h = 1 / (1 + e^-z), each output by itself (L5, L6)."""
    return jax.nn.sigmoid(z)


def identity(z: Batch) -> Batch:
    """h = z (L8)."""
    return z


LOSSES = {
    "cross_entropy": Loss(cross_entropy, cross_entropy_delta, softmax, "softmax"),
    "log_loss": Loss(log_loss, log_loss_delta, sigmoid, "sigmoid"),
    "squared_error": Loss(squared_error, squared_error_delta, identity, "identity"),
    "sigmoid_squared_error": Loss(sigmoid_squared_error, sigmoid_squared_error_delta, sigmoid, "sigmoid"),
}
