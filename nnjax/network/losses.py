"""Losses L(h, y) of the logits z: value, delta = dL/dz and output h side by side (L5-L8, L17, L18, L21-L25).

A model ends in logits z. The output activation belongs to the loss, so that no loss takes the logarithm of a rounded
probability. Logits z, targets y and deltas are (batch, outputs); values are (batch,).
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
        value: L of each instance, from (z, targets).
        delta: the derivative dL/dz, which is delta of the output layer (L25), from (z, targets).
        output: the prediction h, from z.
        activation: the name of the output activation, which a predictor outside JAX needs.
        tasks: what it can be trained on: `binary`, `multiclass`, `regression` (L5-L8).
        smooth: whether dL/dz exists everywhere; if not, its kinks are where a logit is 0.
        zero_if_correct: whether an instance on its right side costs 0, as with the perceptron. A training has then
            converged when the norm of the gradient, not of the parameters' move, is below the tolerance (L17, L37).
    """

    value: Callable[[Batch, Batch], Values]
    delta: Callable[[Batch, Batch], Batch]
    output: Callable[[Batch], Batch]
    activation: str
    tasks: tuple[str, ...]
    smooth: bool = True
    zero_if_correct: bool = False


def cross_entropy(z: Batch, targets: Batch) -> Values:
    """Compute -sum_j y_j log h_j = logsumexp(z) - y.z for 1-of-K targets y (L23).

    The largest logit is first subtracted from all: logsumexp(z) and y.z may be near 1e4 and differ by log 2, where
    neighbouring float32 numbers are 0.001 apart: the difference would have only three right digits.
    """
    shifted = z - jax.lax.stop_gradient(jnp.max(z, axis=-1, keepdims=True))
    return jnp.log(jnp.sum(jnp.exp(shifted), axis=-1)) - jnp.sum(targets * shifted, axis=-1)


def cross_entropy_delta(z: Batch, targets: Batch) -> Batch:
    """Compute softmax(z) - y (L25, L30)."""
    return jax.nn.softmax(z, axis=-1) - targets


def log_loss(z: Batch, targets: Batch) -> Values:
    """Compute -(y log h + (1 - y) log(1 - h)), summed over the outputs (L21).

    For y in {0, 1} this is log(1 + e^z) where y = 0, and log(1 + e^-z) where y = 1: no difference of large numbers.
    """
    return jnp.sum(jax.nn.softplus((1 - 2 * targets) * z), axis=-1)


def log_loss_delta(z: Batch, targets: Batch) -> Batch:
    """Compute sigmoid(z) - y (L25)."""
    return jax.nn.sigmoid(z) - targets


def squared_error(z: Batch, targets: Batch) -> Values:
    """Compute (1/2)(z - y)^2, summed over the outputs (L22, L8)."""
    return jnp.sum((z - targets) ** 2, axis=-1) / 2


def squared_error_delta(z: Batch, targets: Batch) -> Batch:
    """Compute z - y (L25)."""
    return z - targets


def sigmoid_squared_error(z: Batch, targets: Batch) -> Values:
    """Compute (1/2)(h - y)^2 with h = sigmoid(z), summed over the outputs (L22)."""
    return jnp.sum((jax.nn.sigmoid(z) - targets) ** 2, axis=-1) / 2


def sigmoid_squared_error_delta(z: Batch, targets: Batch) -> Batch:
    """Compute (a - y) a (1 - a) with a = sigmoid(z) (L25)."""
    a = jax.nn.sigmoid(z)
    return (a - targets) * a * (1 - a)


def perceptron(z: Batch, targets: Batch) -> Values:
    """Compute max(0, -y z) with y = 2t - 1 in {-1, +1} from targets t in {0, 1}, summed over the outputs (L17, L18).

    This is the perceptron criterion (Bishop, Pattern Recognition and Machine Learning, eq. 4.54). Its gradient is
    -Delta of L17. By `where`, not `maximum`, `jax.grad` gives at z = 0 the gradient of a mistake (L18), and nan stays
    nan.
    """
    y = 2 * targets - 1
    return jnp.sum(jnp.where(y * z > 0, 0, -y * z), axis=-1)


def perceptron_delta(z: Batch, targets: Batch) -> Batch:
    """Compute -y where y z <= 0, else 0: an instance on the line is a mistake (L18)."""
    y = 2 * targets - 1
    return jnp.where(y * z > 0, 0, -y)


def softmax(z: Batch) -> Batch:
    """Compute h_i = e^{z_i} / sum_j e^{z_j} (L7)."""
    return jax.nn.softmax(z, axis=-1)


def sigmoid(z: Batch) -> Batch:
    """Compute h = 1 / (1 + e^-z), each output by itself (L5, L6)."""
    return jax.nn.sigmoid(z)


def step(z: Batch) -> Batch:
    """Compute h = 1 if z > 0, else 0, each output by itself (L17). On the line h = 0, as with h > 1/2 of L5."""
    return (z > 0).astype(z.dtype)


def identity(z: Batch) -> Batch:
    """Return h = z (L8)."""
    return z


LOSSES = {
    "cross_entropy": Loss(cross_entropy, cross_entropy_delta, softmax, "softmax", tasks=("binary", "multiclass")),
    "log_loss": Loss(log_loss, log_loss_delta, sigmoid, "sigmoid", tasks=("binary", "multiclass")),
    "squared_error": Loss(squared_error, squared_error_delta, identity, "identity", tasks=("binary", "regression")),
    "sigmoid_squared_error": Loss(
        sigmoid_squared_error, sigmoid_squared_error_delta, sigmoid, "sigmoid", tasks=("binary", "multiclass")
    ),
    "perceptron": Loss(
        perceptron,
        perceptron_delta,
        step,
        "step",
        tasks=("binary", "multiclass"),
        smooth=False,
        zero_if_correct=True,
    ),
}
