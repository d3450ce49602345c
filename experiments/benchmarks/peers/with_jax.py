"""JAX as plainly as it goes: a jitted step by jax.grad in a scan over the batches of an epoch."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks.peers import Side
from experiments.benchmarks.works import Weights, Work, floats

ACTIVATIONS = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}
FORMAT = ("NHWC", "HWIO", "NHWC")


def prepare(work: Work, x: np.ndarray, y: np.ndarray, weights: Weights) -> Side:
    """Rows of floats on the device; all epochs of a turn are one call."""
    activation = ACTIVATIONS[work.activation]
    x_all, y_all = jnp.asarray(floats(x)), jnp.asarray(y)
    full = len(x) // work.batch * work.batch

    def mlp(params: Any, x: jax.Array) -> jax.Array:
        for Theta, b in params[:-1]:
            x = activation(x @ Theta.T + b)
        Theta, b = params[-1]
        return x @ Theta.T + b

    def lenet5(params: Any, x: jax.Array) -> jax.Array:
        x = x.reshape(-1, 28, 28, 1)
        for (kernel, b), padding in zip(params[:2], ("SAME", "VALID"), strict=True):
            x = jnp.tanh(jax.lax.conv_general_dilated(x, kernel, (1, 1), padding, dimension_numbers=FORMAT) + b)
            n, height, width, maps = x.shape
            x = x.reshape(n, height // 2, 2, width // 2, 2, maps).mean(axis=(2, 4))
        return mlp(params[2:], x.reshape(len(x), -1))

    logits = {"mlp": mlp, "lenet5": lenet5}[work.model]

    def loss(params: Any, x: jax.Array, y: jax.Array) -> jax.Array:
        z = logits(params, x)
        if work.loss == "log_loss":
            return jnp.mean(jax.nn.softplus((1 - 2 * y[:, None]) * z))
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], axis=1))

    @partial(jax.jit, donate_argnums=0, static_argnums=2)
    def several(params: Any, key: jax.Array, epochs: int, x: jax.Array, y: jax.Array) -> Any:
        def step(params: Any, rows: jax.Array) -> tuple[Any, None]:
            grads = jax.grad(loss)(params, x[rows], y[rows])
            return jax.tree.map(lambda p, g: p - work.rate * g, params, grads), None

        def epoch(params: Any, key: jax.Array) -> tuple[Any, None]:
            order = jax.random.permutation(key, len(x)) if work.batch < len(x) else jnp.arange(len(x))
            params, _ = jax.lax.scan(step, params, order[:full].reshape(-1, work.batch))
            return (step(params, order[full:])[0] if full < len(x) else params), None

        return jax.lax.scan(epoch, params, jax.random.split(key, epochs))[0]

    params = jax.tree.map(jnp.array, weights) or lenet5_weights()
    key = jax.random.key(0)

    def train(epochs: int) -> None:
        nonlocal params, key
        key, now = jax.random.split(key)
        params = jax.block_until_ready(several(params, now, epochs, x_all, y_all))

    return Side(train, lambda: [(np.asarray(Theta), np.asarray(b)) for Theta, b in params])


def lenet5_weights() -> list[tuple[jax.Array, jax.Array]]:
    """Glorot's: two kernels (height, width, maps in, maps out), then three Theta (n_out, n_in), each with its b."""
    shapes = [(5, 5, 1, 6), (5, 5, 6, 16), (120, 400), (84, 120), (10, 84)]
    glorot, keys = jax.nn.initializers.glorot_uniform(), jax.random.split(jax.random.key(0), len(shapes))
    return [(glorot(k, s), jnp.zeros(s[-1] if len(s) == 4 else s[0])) for k, s in zip(keys, shapes, strict=True)]
