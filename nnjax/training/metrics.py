"""Measures of a network on data: every instance counts once, in the last batch too."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Num

from nnjax.network.losses import Loss
from nnjax.network.models import Model, Params
from nnjax.training.batches import Encoding, Split, inputs, targets

EVALUATION_BATCH = 1000


class EvalMetrics(NamedTuple):
    """Mean loss and share of right classes, which is nan of a regression."""

    loss: Float[Array, "*lanes"]
    accuracy: Float[Array, "*lanes"]


def predict_class(loss: Loss, z: Float[Array, "batch outputs"]) -> Int[Array, " batch"]:
    """The class: argmax (L38), or with one output h > 1/2 (L5). Of the logits: outputs far out round to 1 alike."""
    one = z.shape[1] == 1
    return (loss.output(z)[:, 0] > 0.5).astype(jnp.int32) if one else jnp.argmax(z, axis=-1).astype(jnp.int32)


def correct(loss: Loss, z: Float[Array, "batch outputs"], y: Num[Array, " batch"]) -> Float[Array, " batch"]:
    """1 where the class predicted is y, else 0; nan of a regression, which has no classes."""
    if jnp.issubdtype(y.dtype, jnp.floating):
        return jnp.full(y.shape, jnp.nan, z.dtype)
    return (predict_class(loss, z) == y).astype(z.dtype)


def evaluate(model: Model, loss: Loss, encoding: Encoding, params: Params, split: Split) -> EvalMetrics:
    """Loss and accuracy over all n instances; nan for an empty split.

    Goes through the rows in blocks of one size; the last block ends with the last row, and rows that an earlier block
    has counted have weight 0 in it.
    """
    n = split.y.shape[0]
    if n == 0:
        return EvalMetrics(jnp.array(jnp.nan, float), jnp.array(jnp.nan, float))
    size = min(n, EVALUATION_BATCH)

    def block(sums: Array, first: Array) -> tuple[Array, None]:
        start = jnp.minimum(first, n - size)
        x, y = (jax.lax.dynamic_slice_in_dim(part, start, size) for part in split)
        z, _ = model.forward(params, inputs(x, encoding))
        weights = (start + jnp.arange(size) >= first).astype(z.dtype)
        found = jnp.stack([loss.value(z, targets(y, encoding)), correct(loss, z, y)])
        return sums + found @ weights, None

    sums, _ = jax.lax.scan(block, jnp.zeros(2), jnp.arange(0, n, size))
    return EvalMetrics(sums[0] / n, sums[1] / n)


def regression(
    loss: Float[np.ndarray, "..."], y: Float[np.ndarray, " n"], deviation: float
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """(rmse, r2) of a mean loss L = (1/2)(h - t)^2 (L22) with targets t = (y - mean) / deviation.

    rmse = deviation sqrt(2 L), in y's own units; r2 = 1 - rmse^2 / var(y), the share of the variance that is
    explained, nan where there is none.
    """
    variance = np.var(y, dtype=float) if len(y) else 0.0
    rmse = deviation * np.sqrt(2 * np.asarray(loss, float))
    return rmse, 1 - rmse**2 / (variance or np.nan)
