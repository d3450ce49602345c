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
    """Mean loss and share of right classes; of a regression mean squared error (h - t)^2 of the scaled targets t."""

    loss: Float[Array, "*lanes"]
    accuracy: Float[Array, "*lanes"]


def predict_class(loss: Loss, z: Float[Array, "batch outputs"]) -> Int[Array, " batch"]:
    """The class: argmax (L38), or with one output h > 1/2 (L5). Of the logits: outputs far out round to 1 alike."""
    one = z.shape[1] == 1
    return (loss.output(z)[:, 0] > 0.5).astype(jnp.int32) if one else jnp.argmax(z, axis=-1).astype(jnp.int32)


def score(
    loss: Loss, z: Float[Array, "batch outputs"], y: Num[Array, " batch"], wanted: Float[Array, "batch outputs"]
) -> Float[Array, " batch"]:
    """Return 1 where the predicted class is y, else 0; of a regression (h - t)^2, with scaled targets t = wanted."""
    if jnp.issubdtype(y.dtype, jnp.floating):
        return jnp.sum((loss.output(z) - wanted) ** 2, axis=-1)
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
        wanted = targets(y, encoding)
        values = jnp.stack([loss.value(z, wanted), score(loss, z, y, wanted)])
        return sums + values @ weights, None

    sums, _ = jax.lax.scan(block, jnp.zeros(2), jnp.arange(0, n, size))
    return EvalMetrics(sums[0] / n, sums[1] / n)


def regression(
    squared_error: Float[np.ndarray, "..."], y: Float[np.ndarray, " n"], deviation: float
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Return (rmse, r2) of a mean squared error (h - t)^2 with targets t = (y - mean) / deviation.

    rmse = deviation sqrt(squared_error), in y's own units; r2 = 1 - rmse^2 / var(y), the share of the variance that is
    explained, nan where there is none.
    """
    variance = np.var(y, dtype=float) if len(y) else 0.0
    rmse = deviation * np.sqrt(np.asarray(squared_error, float))
    return rmse, 1 - rmse**2 / (variance or np.nan)
