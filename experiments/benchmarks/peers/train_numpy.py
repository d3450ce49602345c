"""784-300-100-10 by hand in NumPy, with Adam.

python -m experiments.benchmarks.peers.train_numpy FOLDER PART EPOCHS SEED
"""

import sys
from itertools import pairwise

import numpy as np

from experiments.benchmarks import mnist

x, y, held_out_x, held_out_y = mnist.inputs(sys.argv[1], sys.argv[2])
epochs, seed = int(sys.argv[3]), int(sys.argv[4])
rng = np.random.default_rng(seed)
targets = np.eye(10, dtype=np.float32)[y]
params = []
for n_in, n_out in pairwise((784, 300, 100, 10)):
    params += [
        rng.standard_normal((n_out, n_in), np.float32) * np.float32((2 / n_in) ** 0.5),
        np.zeros(n_out, np.float32),
    ]
means, squares = ([np.zeros_like(p) for p in params] for _ in range(2))


def forward(x):
    activations = [x]
    for i in range(0, 6, 2):
        z = activations[-1] @ params[i].T + params[i + 1]
        activations.append(np.maximum(z, 0) if i < 4 else z)
    return activations


step, steps = 0, epochs * -(-len(x) // 128)
for _ in range(epochs):
    order = rng.permutation(len(x))
    for start in range(0, len(x), 128):
        rows = order[start : start + 128]
        *a, z = forward(x[rows])
        powers = np.exp(z - z.max(1, keepdims=True))
        delta = (powers / powers.sum(1, keepdims=True) - targets[rows]) / np.float32(len(rows))
        rate = np.float32(2e-3 * (1 + np.cos(np.pi * step / steps)))
        step += 1
        for i in (4, 2, 0):
            grads = delta.T @ a[i // 2], delta.sum(0)
            if i:
                delta = (delta @ params[i]) * (a[i // 2] > 0)
            for j, grad in enumerate(grads, i):
                means[j] += np.float32(0.1) * (grad - means[j])
                squares[j] += np.float32(0.001) * (grad * grad - squares[j])
                scale = rate / np.float32(1 - 0.9**step)
                params[j] -= scale * means[j] / (np.sqrt(squares[j] / np.float32(1 - 0.999**step)) + np.float32(1e-8))
print((forward(held_out_x)[-1].argmax(1) == held_out_y).mean())
