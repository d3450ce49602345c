"""From instances to batches of inputs and targets.

inputs     x = stored value * scale + shift
targets    y in {0, 1} (L5); 1-of-K (L6, L9); a regression's (y - mean) / deviation (L8)
batches    of all instances (L34), of one (L35), or between the two (L36), in a new random order each epoch
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Num, UInt


class Split(NamedTuple):
    """Instances, on the host or on the device: x as stored (n, ...), y class indices or a regression's floats (n,)."""

    x: Num[Array | np.ndarray, "n ..."]
    y: Num[Array | np.ndarray, " n"]


class Encoding(NamedTuple):
    """How stored instances become inputs, and their labels targets.

    Attributes:
        scale, shift: an input is stored value * scale + shift; numbers, or one for each feature.
        shape: the shape of one input.
        outputs: the units of the output layer: 1 for binary targets and regression, else one a class.
        mean, deviation: a regression's target is (y - mean) / deviation.
    """

    scale: float | tuple[float, ...]
    shift: float | tuple[float, ...]
    shape: tuple[int, ...]
    outputs: int
    mean: float = 0.0
    deviation: float = 1.0


def inputs(x: Num[Array, "batch ..."], encoding: Encoding) -> Float[Array, "batch ..."]:
    """Return stored instances as the network takes them, (batch, *shape)."""
    scale, shift = (jnp.asarray(value, float) for value in (encoding.scale, encoding.shift))
    return x.astype(float).reshape(-1, *encoding.shape) * scale + shift


def targets(y: Num[Array, " batch"], encoding: Encoding) -> Float[Array, "batch outputs"]:
    """Return y in one column for a binary task (L5), 1-of-K for classes (L6, L9), scaled for regression (L8)."""
    if jnp.issubdtype(y.dtype, jnp.floating):
        return ((y.astype(float) - encoding.mean) / encoding.deviation)[:, None]
    return y[:, None].astype(float) if encoding.outputs == 1 else jax.nn.one_hot(y, encoding.outputs)


def num_classes(encoding: Encoding) -> int:
    """Return how many classes the labels tell apart."""
    return max(encoding.outputs, 2)


def flip_labels(key: Key[Array, ""], y: Int[Array, " n"], rate: Float[Array, ""], classes: int) -> Int[Array, " n"]:
    """Replace each label, with probability `rate`, by one of the other classes (Angluin and Laird, 1988)."""
    key_which, key_other = jax.random.split(key)
    other = (y + jax.random.randint(key_other, y.shape, 1, classes, y.dtype)) % classes
    return jnp.where(jax.random.bernoulli(key_which, rate.astype(jnp.float32), y.shape), other, y)


def num_batches(n: int, batch_size: int) -> int:
    """Return the batches of an epoch; the last may be short."""
    return -(-n // batch_size)


def epoch_order(key: Key[Array, ""], n: int, batch_size: int) -> Int[Array, " padded"]:
    """Return the row numbers of one epoch in a random order, filled up with 0 to whole batches.

    The batch of all instances (L34) keeps their order: it does not matter for a sum.
    """
    rows = jnp.arange(n, dtype=jnp.uint32)
    rows = rows if batch_size == n else shuffle(key, rows)
    return jnp.pad(rows.astype(jnp.int32), (0, num_batches(n, batch_size) * batch_size - n))


def shuffle(key: Key[Array, ""], rows: UInt[Array, " n"]) -> UInt[Array, " n"]:
    """Shuffle rows by sorting random bits, as `jax.random.permutation` does, in a quarter of its time on a CPU.

    Each place stands in the low bits of its random number, so that one array is sorted, not two. Equal random numbers
    stay in order, so the sort is repeated, until three times log2(n) random bits are used up.
    """
    n = len(rows)
    bits = max(1, (n - 1).bit_length())
    low = jnp.uint32(2**bits - 1)
    for round_key in jax.random.split(key, -(-3 * bits // (32 - bits))):
        drawn = jax.random.bits(round_key, (n,), jnp.uint32) & ~low
        rows = rows[jax.lax.sort(drawn | jnp.arange(n, dtype=jnp.uint32)) & low]
    return rows


def gather_batch(
    split: Split, rows: Int[Array, " padded"], i: Int[Array, ""] | int, batch_size: int
) -> tuple[Num[Array, "batch ..."], Num[Array, " batch"], Float[Array, " batch"] | None]:
    """Return batch i of an epoch in the order `rows`: x, y and weights, 0 for the filling; None if all count."""
    n = split.y.shape[0]
    chosen = jax.lax.dynamic_slice_in_dim(rows, i * batch_size, batch_size)
    weights = None if n % batch_size == 0 else (i * batch_size + jnp.arange(batch_size) < n).astype(float)
    x, y = (jnp.asarray(part).at[chosen].get(mode="promise_in_bounds") for part in split)
    return x, y, weights
