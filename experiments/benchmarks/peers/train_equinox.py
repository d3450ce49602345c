"""Equinox's way to a trained 784-300-100-10.

python -m experiments.benchmarks.peers.train_equinox FOLDER PART EPOCHS SEED
"""

import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.benchmarks import mnist

x, y, held_out_x, held_out_y = mnist.inputs(sys.argv[1], sys.argv[2])
epochs, seed = int(sys.argv[3]), int(sys.argv[4])
rng = np.random.default_rng(seed)
first, second, third = jax.random.split(jax.random.key(seed), 3)
relu = eqx.nn.Lambda(jax.nn.relu)
layers = [eqx.nn.Linear(784, 300, key=first), relu, eqx.nn.Linear(300, 100, key=second), relu]
model = eqx.nn.Sequential([*layers, eqx.nn.Linear(100, 10, key=third)])
optimizer = optax.adam(optax.cosine_decay_schedule(4e-3, epochs * -(-len(x) // 128)))
state = optimizer.init(eqx.filter(model, eqx.is_array))
data = jnp.asarray(x), jnp.asarray(y)


def loss(model, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(jax.vmap(model)(x), y).mean()


@eqx.filter_jit(donate="all-except-first")
def step(data, model, state, rows):
    updates, state = optimizer.update(eqx.filter_grad(loss)(model, data[0][rows], data[1][rows]), state)
    return eqx.apply_updates(model, updates), state


for _ in range(epochs):
    order = rng.permutation(len(x)).astype(np.int32)
    for start in range(0, len(x), 128):
        model, state = step(data, model, state, order[start : start + 128])
print((jax.vmap(model)(held_out_x).argmax(1) == held_out_y).mean())
