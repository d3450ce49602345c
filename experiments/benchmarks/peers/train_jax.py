"""784-300-100-10 in plain JAX and optax.

python -m experiments.benchmarks.peers.train_jax FOLDER PART EPOCHS SEED
"""

import sys
from itertools import pairwise

import jax
import jax.numpy as jnp
import optax

from experiments.benchmarks import mnist

x, y, held_out_x, held_out_y = mnist.inputs(sys.argv[1], sys.argv[2])
epochs, seed = int(sys.argv[3]), int(sys.argv[4])
steps = len(x) // 128
optimizer = optax.adam(optax.cosine_decay_schedule(4e-3, epochs * steps))


def logits(params, x):
    for Theta, b in params[:-1]:
        x = jax.nn.relu(x @ Theta.T + b)
    return x @ params[-1][0].T + params[-1][1]


def init(key):
    pairs = list(pairwise((784, 300, 100, 10)))
    he = jax.nn.initializers.he_normal(1, 0)
    return [(he(k, (n_out, n_in)), jnp.zeros(n_out)) for k, (n_in, n_out) in zip(jax.random.split(key, 3), pairs)]  # noqa: B905


@jax.jit
def train(params, key, x, y):
    def loss(params, x, y):
        return optax.softmax_cross_entropy_with_integer_labels(logits(params, x), y).mean()

    def step(carry, rows):
        params, state = carry
        updates, state = optimizer.update(jax.grad(loss)(params, x[rows], y[rows]), state)
        return (optax.apply_updates(params, updates), state), None

    def epoch(carry, key):
        return jax.lax.scan(step, carry, jax.random.permutation(key, len(x))[: steps * 128].reshape(steps, 128))

    return jax.lax.scan(epoch, (params, optimizer.init(params)), jax.random.split(key, epochs))[0][0]


key_init, key_order = jax.random.split(jax.random.key(seed))
params = train(init(key_init), key_order, x, y)
print((logits(params, held_out_x).argmax(1) == held_out_y).mean())
