"""Initial weights Theta (L33): random, so that hidden units differ. Biases start at 0.

An initializer draws Theta of `shape` (n_out, n_in) from a JAX random key, in float32.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

Initializer = Callable[[Key[Array, ""], tuple[int, int]], Float[Array, "n_out n_in"]]


def zeros(key: Key[Array, ""], shape: tuple[int, int]) -> Float[Array, "n_out n_in"]:
    """Return Theta = 0. All hidden units then stay equal for ever (L33)."""
    return jnp.zeros(shape)


def normal(key: Key[Array, ""], shape: tuple[int, int]) -> Float[Array, "n_out n_in"]:
    """Draw Theta_ij ~ N(0, 1), whatever the number of inputs."""
    return jax.random.normal(key, shape, jnp.float32)


def lecun(key: Key[Array, ""], shape: tuple[int, int]) -> Float[Array, "n_out n_in"]:
    """Draw Theta_ij ~ N(0, 1 / n_in): z keeps the variance of a (LeCun et al., Efficient BackProp, 1998, eq. 16)."""
    return jax.random.normal(key, shape, jnp.float32) * (1 / shape[1]) ** 0.5


def xavier(key: Key[Array, ""], shape: tuple[int, int]) -> Float[Array, "n_out n_in"]:
    """Draw Theta_ij ~ U(-r, r) with r = sqrt(6 / (n_in + n_out)) (Glorot and Bengio, 2010, eq. 16)."""
    limit = (6 / (shape[0] + shape[1])) ** 0.5
    return jax.random.uniform(key, shape, jnp.float32, minval=-limit, maxval=limit)


def he(key: Key[Array, ""], shape: tuple[int, int]) -> Float[Array, "n_out n_in"]:
    """Draw Theta_ij ~ N(0, 2 / n_in), for relu (He et al., 2015, eq. 10)."""
    return jax.random.normal(key, shape, jnp.float32) * (2 / shape[1]) ** 0.5


INITIALIZERS: dict[str, Initializer] = {
    "zeros": zeros,
    "normal": normal,
    "lecun": lecun,
    "xavier": xavier,
    "he": he,
}
