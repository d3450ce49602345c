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
        tasks: what it can be trained on: `binary`, `multiclass`, `regression` (L5-L8).
        smooth: whether dL/dz exists everywhere; where it does not, z = 0 is the kink.
        only_mistakes: whether an instance on the right side costs nothing, as the perceptron has it. A training has
            converged then when the gradient's norm, not the parameters' move, is below the tolerance (L17, L37).
    """

    value: Callable[[Batch, Batch], Values]
    delta: Callable[[Batch, Batch], Batch]
    output: Callable[[Batch], Batch]
    activation: str
    tasks: tuple[str, ...]
    smooth: bool = True
    only_mistakes: bool = False


def cross_entropy(z: Batch, targets: Batch) -> Values:
    """-sum_j y_j log h_j = logsumexp(z) - y.z for 1-of-K targets y (L23).

    The largest logit is subtracted from all before anything else: logsumexp(z) and y.z can both be 1e4 and differ by
    log 2, which float32 has lost by then.
    """
    below = z - jax.lax.stop_gradient(jnp.max(z, axis=-1, keepdims=True))
    return jnp.log(jnp.sum(jnp.exp(below), axis=-1)) - jnp.sum(targets * below, axis=-1)


def cross_entropy_delta(z: Batch, targets: Batch) -> Batch:
    """softmax(z) - y (L25, L30)."""
    return jax.nn.softmax(z, axis=-1) - targets


def log_loss(z: Batch, targets: Batch) -> Values:
    """-(y log h + (1 - y) log(1 - h)), summed over the outputs (L21).

    For y in {0, 1} it is log(1 + e^z) where y = 0 and log(1 + e^-z) where y = 1: no difference of two large numbers.
    """
    return jnp.sum(jax.nn.softplus((1 - 2 * targets) * z), axis=-1)


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


def perceptron(z: Batch, targets: Batch) -> Values:
    """max(0, -y z) with y = 2t - 1 in {-1, +1} from targets t in {0, 1}, summed over the outputs (L17, L18).

    The perceptron criterion (Bishop, Pattern Recognition and Machine Learning, eq. 4.54): its gradient is -Delta of
    L17. Written as a choice, so that `jax.grad` at the kink is that of a mistake too (L18), and nan stays nan.
    """
    y = 2 * targets - 1
    return jnp.sum(jnp.where(y * z > 0, 0, -y * z), axis=-1)


def perceptron_delta(z: Batch, targets: Batch) -> Batch:
    """-y where y z <= 0, else 0: an instance on the line is a mistake (L18)."""
    y = 2 * targets - 1
    return jnp.where(y * z > 0, 0, -y)


def softmax(z: Batch) -> Batch:
    """h_i = e^{z_i} / sum_j e^{z_j} (L7)."""
    return jax.nn.softmax(z, axis=-1)


def sigmoid(z: Batch) -> Batch:
    """h = 1 / (1 + e^-z), each output by itself (L5, L6)."""
    return jax.nn.sigmoid(z)


def step(z: Batch) -> Batch:
    """h = 1 if z > 0, else 0: the side of the line, each output by itself (L17); on the line 0, as h > 1/2 of L5."""
    return (z > 0).astype(z.dtype)


def identity(z: Batch) -> Batch:
    """h = z (L8)."""
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
        only_mistakes=True,
    ),
}
