"""Measures of a network on data. Each instance counts once, in the last batch too.

loss        (1/n) sum_i L(h(x_i), y_i)      (L20 without l2)
accuracy    (1/n) sum_i [class(h(x_i)) = y_i]      class = argmax h (L38), or h > 1/2 (L5)
regression  (1/n) sum_i (h(x_i) - t_i)^2 in its place, for the scaled targets t = (y - mean) / deviation
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
ACCURACY_DIGITS = 6  # of an accuracy that is recorded: float32 has seven, and a data set a million instances


class EvalMetrics(NamedTuple):
    """The mean loss and the share of right classes; for regression the mean squared error of the scaled targets."""

    loss: Float[Array, "*lanes"]
    accuracy: Float[Array, "*lanes"]


def predict_class(loss: Loss, z: Float[Array, "batch outputs"]) -> Int[Array, " batch"]:
    """Return the class: argmax z, as large outputs h may all round to 1 (L38); with one output, h > 1/2 (L5)."""
    one = z.shape[1] == 1
    return (loss.output(z)[:, 0] > 0.5).astype(jnp.int32) if one else jnp.argmax(z, axis=-1).astype(jnp.int32)


def score(
    loss: Loss, z: Float[Array, "batch outputs"], y: Num[Array, " batch"], t: Float[Array, "batch outputs"]
) -> Float[Array, " batch"]:
    """Return 1 where the predicted class is y, else 0; for regression (h - t)^2, with the scaled targets t."""
    if jnp.issubdtype(y.dtype, jnp.floating):
        return jnp.sum((loss.output(z) - t) ** 2, axis=-1)
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
        t = targets(y, encoding)
        measures = jnp.stack([loss.value(z, t), score(loss, z, y, t)])
        return sums + measures @ weights, None

    sums, _ = jax.lax.scan(block, jnp.zeros(2), jnp.arange(0, n, size))
    return EvalMetrics(sums[0] / n, sums[1] / n)


def decimal(metric: str, x: float | np.floating) -> float:
    """Return a metric as every outlet has it: a decimal number that a person expects. Only history.npz keeps all bits.

    An accuracy, right answers over instances, is rounded to ACCURACY_DIGITS: 0.91 where float32 has 0.90999997. Any
    other float32 is the shortest decimal number that names it: 0.937 for 0.93700003623962. Other numbers stay.
    """
    if "accuracy" in metric.split("/"):
        return round(float(x), ACCURACY_DIGITS)
    with np.errstate(over="ignore"):
        single = np.float32(x)
    return float(str(single)) if float(single) == x else float(x)


def regression(
    squared_error: Float[np.ndarray, "..."], y: Float[np.ndarray, " n"], deviation: float
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Compute (rmse, r2) from a mean squared error (h - t)^2 with targets t = (y - mean) / deviation (L8).

    rmse = deviation sqrt(squared_error), in y's own units. r2 = 1 - rmse^2 / var(y), the share of the variance that is
    explained; nan if there is none.
    """
    variance = np.var(y, dtype=float) if len(y) else 0.0
    rmse = deviation * np.sqrt(np.asarray(squared_error, float))
    return rmse, 1 - rmse**2 / (variance or np.nan)
