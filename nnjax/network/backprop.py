"""The gradient of the cost, by hand (L25-L28) and by `jax.grad`, behind one signature.

A gradient is a function (params, x, targets, weights=None) -> (J, grads, z). The logits z (batch, outputs) are those
of its own forward pass; a training measures its metrics with them. Weights (batch,) mask the rows of a short last
batch: a row of weight 0 does not count, and the mean is divided by the sum of the weights.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from nnjax.network.layers.dense import Layer
from nnjax.network.losses import Loss
from nnjax.network.models import Model, Params

Scalar = Float[Array, ""]
Number = Num[Array, ""] | float | int
Logits = Float[Array, "batch outputs"]
Gradient = Callable[..., tuple[Scalar, Params, Logits]]


def instance_weights(z: Logits, weights: Float[Array, " batch"] | None) -> Float[Array, " batch"]:
    """Return what each instance contributes to the mean: weights / their sum, or 1 / batch each."""
    return jnp.full(len(z), 1 / len(z), z.dtype) if weights is None else weights / weights.sum()


def mean_loss(model: Model, loss: Loss) -> Callable[..., Scalar]:
    """Return the function that computes (1/n) sum_i L(h(x_i), y_i), the first term of J (L20)."""
    return lambda *arguments: mean_loss_and_logits(model, loss)(*arguments)[0]


def mean_loss_and_logits(model: Model, loss: Loss) -> Callable[..., tuple[Scalar, Logits]]:
    """Return the function that computes `mean_loss` and the logits z of its forward pass."""

    def value(params: Params, x: Array, targets: Array, weights: Array | None = None) -> tuple[Scalar, Logits]:
        z, _ = model.forward(params, x)
        return jnp.sum(instance_weights(z, weights) * loss.value(z, targets)), z

    return value


def backprop(model: Model, loss: Loss) -> Gradient:
    """Return the gradient of `mean_loss` by hand: delta at the output (L25), then backwards by layer (L26, L27)."""

    def gradient(
        params: Params, x: Array, targets: Array, weights: Array | None = None
    ) -> tuple[Scalar, Params, Logits]:
        z, residuals = model.forward(params, x)
        share = instance_weights(z, weights)
        delta = share[:, None] * loss.delta(z, targets)
        return jnp.sum(share * loss.value(z, targets)), model.backward(params, residuals, delta), z

    return gradient


def autodiff(model: Model, loss: Loss) -> Gradient:
    """Return the gradient of `mean_loss` by `jax.value_and_grad` (L32)."""
    value_and_grad = jax.value_and_grad(mean_loss_and_logits(model, loss), has_aux=True)

    def gradient(
        params: Params, x: Array, targets: Array, weights: Array | None = None
    ) -> tuple[Scalar, Params, Logits]:
        (value, z), grads = value_and_grad(params, x, targets, weights)
        return value, grads, z

    return gradient


GRADIENTS = {"backprop": backprop, "autodiff": autodiff}


def l2_penalty(params: Params, l2: Number, n: Number) -> Number:
    """Compute (l2 / 2n) sum_l sum_i sum_j (Theta_ji^(l))^2; biases are not penalised (L20)."""
    return l2 / (2 * n) * sum(jnp.vdot(layer.Theta, layer.Theta) for layer in params)


def with_l2(gradient: Gradient) -> Gradient:
    """Return the gradient of J = loss + (l2 / 2n) sum Theta^2: it adds (l2 / n) Theta, and nothing to b (L20, L28).

    L28 as the lecture prints it adds lambda Theta, the derivative of another cost. L20 is the definition here:
    a lambda of L28 is an l2 of lambda * n. n is the number of training instances, in mini-batches too, so that an
    epoch's mean gradient is that of L20.

    The result is a function (params, x, targets, l2, n, weights=None) -> (J, grads, z); l2 and n may be traced.
    """

    def regularised(
        params: Params, x: Array, targets: Array, l2: Number, n: Number, weights: Array | None = None
    ) -> tuple[Scalar, Params, Logits]:
        value, grads, z = gradient(params, x, targets, weights)
        decayed = tuple(Layer(g.Theta + l2 / n * p.Theta, g.b) for g, p in zip(grads, params, strict=True))
        return value + l2_penalty(params, l2, n), decayed, z

    return regularised
