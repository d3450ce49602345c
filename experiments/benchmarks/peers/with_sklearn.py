"""scikit-learn's MLPClassifier: `fit` goes on where it was (warm_start), for as many epochs as it is told."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from experiments.benchmarks.peers import Side
from experiments.benchmarks.works import Weights, Work, floats

ACTIVATIONS = {"relu": "relu", "sigmoid": "logistic", "tanh": "tanh"}


def prepare(work: Work, x: np.ndarray, y: np.ndarray, weights: Weights) -> Side:
    """Plain SGD: no momentum, no penalty, no stop before the last epoch."""
    warnings.simplefilter("ignore", ConvergenceWarning)  # that epochs are limited
    x = floats(x)
    network = MLPClassifier(
        work.units[1:-1],
        activation=ACTIVATIONS[work.activation],
        solver="sgd",
        alpha=0.0,
        batch_size=work.batch,
        learning_rate_init=work.rate,
        momentum=0.0,
        nesterovs_momentum=False,
        max_iter=1,
        n_iter_no_change=2**62,
        warm_start=True,
        random_state=0,
    )
    network.fit(x, y)  # which makes the arrays
    network.coefs_[:] = [np.ascontiguousarray(Theta.T) for Theta, _ in weights]
    network.intercepts_[:] = [b.copy() for _, b in weights]

    def train(epochs: int) -> None:
        network.set_params(max_iter=epochs).fit(x, y)

    return Side(train, lambda: [(W.T, b) for W, b in zip(network.coefs_, network.intercepts_, strict=True)])
