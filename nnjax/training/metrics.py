"""Measures of a network on data. Each instance counts once, in the last batch too.

loss        (1/n) sum_i L(h(x_i), y_i)      (L20 without l2)
accuracy    (1/n) sum_i [class(h(x_i)) = y_i]      class = argmax h (L38), or h > 1/2 (L5)
"""

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
    """The mean loss and the share of right classes, which is nan for regression."""

    loss: Float[Array, "*lanes"]
    accuracy: Float[Array, "*lanes"]


def predict_class(loss: Loss, z: Float[Array, "batch outputs"]) -> Int[Array, " batch"]:
    """Return the class: argmax z, as large outputs h may all round to 1 (L38); with one output, h > 1/2 (L5)."""
    one = z.shape[1] == 1
    return (loss.output(z)[:, 0] > 0.5).astype(jnp.int32) if one else jnp.argmax(z, axis=-1).astype(jnp.int32)


def correct(loss: Loss, z: Float[Array, "batch outputs"], y: Num[Array, " batch"]) -> Float[Array, " batch"]:
    """Return 1 where the predicted class is y, else 0; nan for regression, which has no classes."""
    if jnp.issubdtype(y.dtype, jnp.floating):
        return jnp.full(y.shape, jnp.nan, z.dtype)
    return (predict_class(loss, z) == y).astype(z.dtype)


def evaluate(model: Model, loss: Loss, encoding: Encoding, params: Params, split: Split) -> EvalMetrics:
    """Compute loss and accuracy over all n instances; nan for an empty split.

    Rows are taken in blocks of one size. The last block ends with the last row, and gives weight 0 to the rows that an
    earlier block has counted.
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
        measures = jnp.stack([loss.value(z, targets(y, encoding)), correct(loss, z, y)])
        return sums + measures @ weights, None

    sums, _ = jax.lax.scan(block, jnp.zeros(2), jnp.arange(0, n, size))
    return EvalMetrics(sums[0] / n, sums[1] / n)


def regression(
    loss: Float[np.ndarray, "..."], y: Float[np.ndarray, " n"], deviation: float
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Compute (rmse, r2) from a mean loss L = (1/2)(h - t)^2 (L22) with targets t = (y - mean) / deviation.

    rmse = deviation sqrt(2 L), in y's own units. r2 = 1 - rmse^2 / var(y), the share of the variance that is
    explained; nan if there is none.
    """
    variance = np.var(y, dtype=float) if len(y) else 0.0
    rmse = deviation * np.sqrt(2 * np.asarray(loss, float))
    return rmse, 1 - rmse**2 / (variance or np.nan)
