"""Flax NNX: a jitted step for each batch, its arguments cached as the guide on performance advises."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from experiments.benchmarks.peers import Side
from experiments.benchmarks.works import Weights, Work, floats

ACTIVATIONS = {"relu": nnx.relu, "sigmoid": nnx.sigmoid, "tanh": nnx.tanh}


class Mlp(nnx.Module):
    """Linear layers with the activation between them."""

    def __init__(self, work: Work, rngs: nnx.Rngs) -> None:
        self.layers = nnx.List([nnx.Linear(n_in, n_out, rngs=rngs) for n_in, n_out in pairwise(work.units)])
        self.activation = ACTIVATIONS[work.activation]

    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in self.layers[:-1]:
            x = self.activation(layer(x))
        return self.layers[-1](x)


class Lenet5(nnx.Module):
    """Convolutions of 6 and 16 maps, average pooling, tanh, then 120-84-10."""

    def __init__(self, work: Work, rngs: nnx.Rngs) -> None:
        self.first = nnx.Conv(1, 6, (5, 5), padding="SAME", rngs=rngs)
        self.second = nnx.Conv(6, 16, (5, 5), padding="VALID", rngs=rngs)
        self.dense = Mlp(work._replace(units=(400, 120, 84, 10)), rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = x.reshape(-1, 28, 28, 1)
        for layer in (self.first, self.second):
            x = nnx.avg_pool(nnx.tanh(layer(x)), (2, 2), (2, 2))
        return self.dense(x.reshape(len(x), -1))


def prepare(work: Work, x: np.ndarray, y: np.ndarray, weights: Weights) -> Side:
    """The rows of a batch are gathered inside the step."""
    x_all, y_all = jnp.asarray(floats(x)), jnp.asarray(y)
    model = {"mlp": Mlp, "lenet5": Lenet5}[work.model](work, nnx.Rngs(0))
    for layer, (Theta, b) in zip(getattr(model, "layers", ()), weights, strict=bool(weights)):
        layer.kernel[...], layer.bias[...] = jnp.asarray(Theta.T), jnp.asarray(b)
    optimizer = nnx.Optimizer(model, optax.sgd(work.rate), wrt=nnx.Param)
    rng = np.random.default_rng(0)

    def loss(model: nnx.Module, x: jax.Array, y: jax.Array) -> jax.Array:
        z = model(x)
        if work.loss == "log_loss":
            return optax.sigmoid_binary_cross_entropy(z[:, 0], y).mean()
        return optax.softmax_cross_entropy_with_integer_labels(z, y).mean()

    @nnx.jit
    def step(model: nnx.Module, optimizer: nnx.Optimizer, x: jax.Array, y: jax.Array, rows: jax.Array) -> None:
        optimizer.update(model, nnx.grad(loss)(model, x[rows], y[rows]))

    cached = nnx.cached_partial(step, model, optimizer)

    def train(epochs: int) -> None:
        for _ in range(epochs):
            order = rng.permutation(len(x)).astype(np.int32)
            for start in range(0, len(x), work.batch):
                cached(x_all, y_all, order[start : start + work.batch])
        jax.block_until_ready(nnx.state(model))

    def parameters() -> Weights:
        return [(np.asarray(layer.kernel[...]).T, np.asarray(layer.bias[...])) for layer in model.layers]

    return Side(train, parameters)
