"""Equinox: a step under filter_jit for each batch, with optax, as its examples have it."""

from itertools import pairwise

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.benchmarks.peers import Side
from experiments.benchmarks.works import Weights, Work, floats

ACTIVATIONS = {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "tanh": jnp.tanh}


def mlp(work: Work, key: jax.Array) -> eqx.nn.Sequential:
    """Linear layers with the activation between them."""
    activation, pairs = ACTIVATIONS[work.activation], list(pairwise(work.units))
    keys = jax.random.split(key, len(pairs))
    linear = [eqx.nn.Linear(n_in, n_out, key=k) for k, (n_in, n_out) in zip(keys, pairs, strict=True)]
    return eqx.nn.Sequential([module for layer in linear for module in (layer, eqx.nn.Lambda(activation))][:-1])


def lenet5(work: Work, key: jax.Array) -> eqx.nn.Sequential:
    """Convolutions of 6 and 16 maps, average pooling, tanh, then 120-84-10."""
    first, second, third = jax.random.split(key, 3)
    tanh, pool = eqx.nn.Lambda(jnp.tanh), eqx.nn.AvgPool2d(2, 2)
    return eqx.nn.Sequential(
        [
            *(eqx.nn.Lambda(lambda x: x.reshape(1, 28, 28)), eqx.nn.Conv2d(1, 6, 5, padding=2, key=first), tanh, pool),
            *(eqx.nn.Conv2d(6, 16, 5, key=second), tanh, pool, eqx.nn.Lambda(jnp.ravel)),
            mlp(work._replace(units=(400, 120, 84, 10)), third),
        ]
    )


def prepare(work: Work, x: np.ndarray, y: np.ndarray, weights: Weights) -> Side:
    """The rows of a batch are gathered inside the step; model and state are donated."""
    x_all, y_all = jnp.asarray(floats(x)), jnp.asarray(y)
    model = {"mlp": mlp, "lenet5": lenet5}[work.model](work, jax.random.key(0))
    for i, (Theta, b) in enumerate(weights):
        given = (jnp.asarray(Theta), jnp.asarray(b))
        model = eqx.tree_at(lambda m, i=i: (m.layers[2 * i].weight, m.layers[2 * i].bias), model, given)
    optimizer = optax.sgd(work.rate)
    state = optimizer.init(eqx.filter(model, eqx.is_array))
    rng = np.random.default_rng(0)

    def loss(model: eqx.Module, x: jax.Array, y: jax.Array) -> jax.Array:
        z = jax.vmap(model)(x)
        if work.loss == "log_loss":
            return optax.sigmoid_binary_cross_entropy(z[:, 0], y).mean()
        return optax.softmax_cross_entropy_with_integer_labels(z, y).mean()

    @eqx.filter_jit(donate="all-except-first")
    def step(data: tuple[jax.Array, jax.Array], model: eqx.Module, state: optax.OptState, rows: jax.Array) -> tuple:
        grads = eqx.filter_grad(loss)(model, data[0][rows], data[1][rows])
        updates, state = optimizer.update(grads, state)
        return eqx.apply_updates(model, updates), state

    def train(epochs: int) -> None:
        nonlocal model, state
        for _ in range(epochs):
            order = rng.permutation(len(x)).astype(np.int32)
            for start in range(0, len(x), work.batch):
                model, state = step((x_all, y_all), model, state, order[start : start + work.batch])
        jax.block_until_ready(eqx.filter(model, eqx.is_array))

    return Side(train, lambda: [(np.asarray(layer.weight), np.asarray(layer.bias)) for layer in model.layers[::2]])
