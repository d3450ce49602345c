"""nnjax: its own loop, rows kept as bytes; loss and accuracy of each epoch are computed too."""

import jax
import numpy as np

from experiments.benchmarks.lanes import HYPER, LENET5, network, spec
from experiments.benchmarks.peers import Side
from experiments.benchmarks.works import Weights, Work
from nnjax.network.layers.dense import Layer
from nnjax.training import compiler_options, layout
from nnjax.training.batches import Split
from nnjax.training.train_state import MAX_EPOCHS_PER_CALL, Position
from nnjax.training.trainer import Trainer


def prepare(work: Work, x: np.ndarray, y: np.ndarray, weights: Weights, gradients: str = "backprop") -> Side:
    """A `Training` of a lane a network, each with a rate of its own; `gradients` as training.gradients has it."""
    compiler_options.use()  # as every run does
    scale = 1 / 255 if x.dtype == np.uint8 else 1.0
    model = network(work.units, work.activation) if work.model == "mlp" else LENET5
    made = spec(model, work.loss, "sgd", work.batch, scale)._replace(gradients=gradients)
    lanes, accelerator = range(work.networks), jax.default_backend() != "cpu"
    rates = work.rate * np.linspace(1, 0.1, work.networks)
    hyperparams = {name: np.full(len(lanes), value) for name, value in HYPER.items()} | {"learning_rate": rates}
    updates = layout.Workload(model.products, work.batch, False, accelerator)
    plan = layout.plan("auto", len(lanes), jax.device_count(), updates)
    training = Trainer(made, hyperparams, lanes, lanes, Split(x, y), Split(x[:0], y[:0]), 1, plan)

    def given() -> tuple[Layer, ...]:
        every = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (plan.layout.lanes, *leaf.shape)), weights)
        layers = tuple(Layer(*layer) for layer in every)
        return jax.tree.map(lambda leaf, old: jax.device_put(leaf, old.sharding), layers, training.state.params)

    if weights:
        training.state = training.state._replace(params=given(), settled=given())
    done = 0

    def train(epochs: int) -> None:
        nonlocal done
        for end in range(done + min(epochs, MAX_EPOCHS_PER_CALL), done + epochs + 1, min(epochs, MAX_EPOCHS_PER_CALL)):
            training.state, _ = training.call(training.state, Position(done, 0), (end - done) * training.per_epoch)
            done = end

    def reached() -> Weights:
        return [(np.asarray(layer.Theta[0]), np.asarray(layer.b[0])) for layer in training.state.params]

    return Side(train, reached, work.networks)
