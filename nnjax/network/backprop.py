"""The cost J and its gradient, by hand (L25-L28) and by `jax.grad` (L32), behind one signature.

    J = (1/n) sum_i L(h(x_i), y_i) + (l2 / 2n) sum Theta^2      (L19, L20)
    delta^(L) = (1/n) dL/dz, then backwards layer by layer      (L25, then L26 and L27 in `layers`)
    D = dJ/dTheta = the layer's gradient + (l2 / n) Theta       (L28)

A gradient is a function (params, x, targets, weights=None) -> ((mean loss, z), grads). The logits z (batch, outputs)
come out too, so that an update computes its forward pass once. weights (batch,) mask the rows of a short last batch: a
row of weight 0 does not count, and the mean is divided by the sum of the weights.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Num

from nnjax.network.layers.dense import Layer
from nnjax.network.losses import Loss
from nnjax.network.models import Model, Params

Number = Num[Array, ""] | float | int
ValueAndLogits = tuple[Float[Array, ""], Float[Array, "batch outputs"]]
Gradient = Callable[..., tuple[ValueAndLogits, Params]]


def instance_weights(
    z: Float[Array, "batch outputs"], weights: Float[Array, " batch"] | None
) -> Float[Array, " batch"]:
    """Return what each instance contributes to the mean: weights / their sum, or 1 / batch each."""
    return jnp.full(len(z), 1 / len(z), z.dtype) if weights is None else weights / weights.sum()


def mean_loss(model: Model, loss: Loss) -> Callable[..., ValueAndLogits]:
    """Return a function (params, x, targets, weights=None) -> ((1/n) sum_i L(h(x_i), y_i), z), J without l2 (L20)."""

    def value_and_logits(params: Params, x: Array, targets: Array, weights: Array | None = None) -> ValueAndLogits:
        z, _ = model.forward(params, x)
        return jnp.sum(instance_weights(z, weights) * loss.value(z, targets)), z

    return value_and_logits


def backprop(model: Model, loss: Loss) -> Gradient:
    """Return the gradient of `mean_loss` by hand: delta at the output (L25), then layer by layer (L26, L27)."""

    def gradient(
        params: Params, x: Array, targets: Array, weights: Array | None = None
    ) -> tuple[ValueAndLogits, Params]:
        z, residuals = model.forward(params, x)
        share = instance_weights(z, weights)
        delta = share[:, None] * loss.delta(z, targets)
        return (jnp.sum(share * loss.value(z, targets)), z), model.backward(params, residuals, delta)

    return gradient


def autodiff(model: Model, loss: Loss) -> Gradient:
    """Return the gradient of `mean_loss` by `jax.value_and_grad` (L32)."""
    return jax.value_and_grad(mean_loss(model, loss), has_aux=True)


GRADIENTS = {"backprop": backprop, "autodiff": autodiff}


def l2_penalty(params: Params, l2: Number, n: Number) -> Number:
    """Compute (l2 / 2n) sum_l sum_i sum_j (Theta_ji^(l))^2; biases are not penalised (L19, L20)."""
    return l2 / (2 * n) * sum(jnp.vdot(layer.Theta, layer.Theta) for layer in params)


def with_l2(gradient: Gradient) -> Gradient:
    """Return the gradient of J = mean loss + (l2 / 2n) sum Theta^2: (l2 / n) Theta more, and nothing more for b.

    L28 as the lecture prints it adds lambda Theta, the derivative of another cost. L20 is the definition here: a lambda
    of L28 is an l2 of lambda * n. n is the number of training instances, with mini-batches too, so that the mean of an
    epoch's gradients is that of L20.

    Returns:
        A function (params, x, targets, l2, n, weights=None) -> ((J, z), grads); l2 and n may be traced.
    """

    def penalised(
        params: Params, x: Array, targets: Array, l2: Number, n: Number, weights: Array | None = None
    ) -> tuple[ValueAndLogits, Params]:
        (value, z), grads = gradient(params, x, targets, weights)
        decayed = tuple(Layer(g.Theta + l2 / n * p.Theta, g.b) for g, p in zip(grads, params, strict=True))
        return (value + l2_penalty(params, l2, n), z), decayed

    return penalised
