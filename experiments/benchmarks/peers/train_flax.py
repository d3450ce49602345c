"""Flax NNX's way to a trained 784-300-100-10.

python -m experiments.benchmarks.peers.train_flax FOLDER PART EPOCHS SEED
"""

import sys

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from experiments.benchmarks import mnist

x, y, held_out_x, held_out_y = mnist.inputs(sys.argv[1], sys.argv[2])
epochs, seed = int(sys.argv[3]), int(sys.argv[4])
rng, rngs = np.random.default_rng(seed), nnx.Rngs(seed)
layers = [nnx.Linear(784, 300, rngs=rngs), nnx.relu, nnx.Linear(300, 100, rngs=rngs), nnx.relu]
model = nnx.Sequential(*layers, nnx.Linear(100, 10, rngs=rngs))
rate = optax.cosine_decay_schedule(4e-3, epochs * -(-len(x) // 128))
optimizer = nnx.Optimizer(model, optax.adam(rate), wrt=nnx.Param)
x, y = jnp.asarray(x), jnp.asarray(y)


def loss(model, x, y):
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()


@nnx.jit
def step(model, optimizer, x, y, rows):
    optimizer.update(model, nnx.grad(loss)(model, x[rows], y[rows]))


cached = nnx.cached_partial(step, model, optimizer)
for _ in range(epochs):
    order = rng.permutation(len(x)).astype(np.int32)
    for start in range(0, len(x), 128):
        cached(x, y, order[start : start + 128])
print((model(held_out_x).argmax(1) == held_out_y).mean())
