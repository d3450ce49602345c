"""The lecture's equations in NumPy (L2, L25-L27, L37), a batch a step."""

import numpy as np

from experiments.benchmarks.peers import Side
from experiments.benchmarks.works import Weights, Work, floats

ACTIVATIONS = {  # g(z), and g' as a function of a
    "relu": (lambda z: np.maximum(z, 0), lambda a: a > 0),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda a: 1 - a * a),
}


def prepare(work: Work, x: np.ndarray, y: np.ndarray, weights: Weights) -> Side:
    """Rows of floats, in a new order each epoch; softmax regression with one instance an update is written as such."""
    outputs = work.units[-1]
    x, targets = floats(x), y[:, None].astype(np.float32) if outputs == 1 else np.eye(outputs, dtype=np.float32)[y]
    rng = np.random.default_rng(0)
    rate = np.float32(work.rate)
    g, derivative = ACTIVATIONS[work.activation]

    def update(x: np.ndarray, targets: np.ndarray) -> None:
        a = [x]
        for Theta, b in weights[:-1]:
            a.append(g(a[-1] @ Theta.T + b))
        Theta, b = weights[-1]
        delta = (output(a[-1] @ Theta.T + b) - targets) * np.float32(1 / len(x))
        for layer in reversed(range(len(weights))):
            Theta, b = weights[layer]
            d_theta, d_b = delta.T @ a[layer], delta.sum(axis=0)
            if layer:
                delta = (delta @ Theta) * derivative(a[layer])
            Theta -= rate * d_theta
            b -= rate * d_b

    def output(z: np.ndarray) -> np.ndarray:
        if outputs == 1:
            return 1 / (1 + np.exp(-z))
        powers = np.exp(z - z.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def update_by_one(x: np.ndarray, y: int) -> None:
        ((Theta, b),) = weights
        z = Theta @ x + b
        delta = np.exp(z - z.max())
        delta /= delta.sum()
        delta[y] -= 1
        delta *= rate
        Theta -= np.outer(delta, x)
        b -= delta

    def train(epochs: int) -> None:
        for _ in range(epochs):
            order = rng.permutation(len(x))
            if work.batch == 1 and len(weights) == 1:
                for i in order:
                    update_by_one(x[i], y[i])
            else:
                for start in range(0, len(x), work.batch):
                    rows = order[start : start + work.batch]
                    update(x[rows], targets[rows])

    return Side(train, lambda: weights)
