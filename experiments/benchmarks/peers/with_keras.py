"""Keras 3 on JAX: compile and fit."""

import os

import numpy as np

os.environ["KERAS_BACKEND"] = "jax"
import keras
from keras import layers

from experiments.benchmarks.peers import Side
from experiments.benchmarks.works import Weights, Work, floats


def mlp(work: Work) -> keras.Sequential:
    """Dense layers, logits at the end."""
    hidden = [layers.Dense(units, work.activation) for units in work.units[1:-1]]
    return keras.Sequential([layers.Input(work.units[:1]), *hidden, layers.Dense(work.units[-1])])


def lenet5(work: Work) -> keras.Sequential:
    """Convolutions of 6 and 16 maps, average pooling, tanh, then 120-84-10."""
    return keras.Sequential(
        [
            *(layers.Input((784,)), layers.Reshape((28, 28, 1))),
            *(layers.Conv2D(6, 5, padding="same", activation="tanh"), layers.AveragePooling2D(2)),
            *(layers.Conv2D(16, 5, activation="tanh"), layers.AveragePooling2D(2), layers.Flatten()),
            *(layers.Dense(120, "tanh"), layers.Dense(84, "tanh"), layers.Dense(10)),
        ]
    )


def prepare(work: Work, x: np.ndarray, y: np.ndarray, weights: Weights) -> Side:
    """Logits and the loss that takes them; no metric beside it."""
    x = floats(x)
    model = {"mlp": mlp, "lenet5": lenet5}[work.model](work)
    for layer, (Theta, b) in zip(model.layers, weights, strict=bool(weights)):
        layer.set_weights([Theta.T, b])
    losses = {"log_loss": keras.losses.BinaryCrossentropy, "cross_entropy": keras.losses.SparseCategoricalCrossentropy}
    model.compile(keras.optimizers.SGD(work.rate), losses[work.loss](from_logits=True))

    def train(epochs: int) -> None:
        model.fit(x, y, work.batch, epochs, verbose=0)

    def parameters() -> Weights:
        return [(np.asarray(layer.kernel.value).T, np.asarray(layer.bias.value)) for layer in model.layers]

    return Side(train, parameters)
