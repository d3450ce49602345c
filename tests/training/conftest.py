"""Small trainings that share their programs: one spec unless a test is about another."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.losses import LOSSES
from nnjax.network.models import mlp
from nnjax.training import trainer
from nnjax.training.batches import Encoding, Split
from nnjax.training.layout import ExecutionPlan
from nnjax.training.train_state import TrainSpec
from nnjax.training.vectorize import Layout

RATES = {"learning_rate": 0.1, "init_scale": 1.0, "l2": 0.0, "tolerance": 0.0, "patience": np.inf, "label_noise": 0.0}


def digits(n: int, seed: int) -> Split:
    """Rows (n, 6) uint8 of three kinds that a network can tell apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n).astype(np.int32)
    x = rng.integers(0, 120, size=(n, 6))
    x[np.arange(n), y] += 100
    return Split(x.astype(np.uint8), y)


TRAIN, VALIDATION = digits(50, 0), digits(23, 1)
LARGER = mlp((6, 100, 3), ACTIVATIONS["tanh"], INITIALIZERS["lecun"])  # whose products are no tiny ones


@pytest.fixture(scope="session")
def training() -> Callable[..., trainer.Trainer]:
    """training(spec changes..., hyperparams={}, seeds=[0], epochs=4, train=..., validation=...)"""

    def make(
        hyperparams: dict[str, Any] | None = None,
        seeds: tuple[int, ...] = (0,),
        epochs: int = 4,
        train: Split = TRAIN,
        validation: Split = VALIDATION,
        shuffle_seeds: tuple[int, ...] | None = None,
        plan: ExecutionPlan | None = None,
        **changes: Any,
    ) -> trainer.Trainer:
        model = mlp((6, 5, 3), ACTIVATIONS["tanh"], INITIALIZERS["lecun"])
        values = RATES | (hyperparams or {})
        spec = TrainSpec(
            model=model,
            loss=LOSSES["cross_entropy"],
            encoding=Encoding(1 / 255, 0.0, (6,), 3),
            optimizer="sgd",
            schedule=None,
            clip=False,
            gradients="backprop",
            penalised=bool(np.any(values["l2"])),
            noisy=bool(np.any(values["label_noise"])),
            batch_size=8,
            keep_best=True,
        )
        lanes = {name: np.broadcast_to(np.asarray(value, float), len(seeds)) for name, value in values.items()}
        spec = spec._replace(**changes)
        plan = plan or ExecutionPlan(Layout(1, 1, len(seeds)), shared_batches=False)
        return trainer.Trainer(spec, lanes, seeds, shuffle_seeds or seeds, train, validation, epochs, plan)

    return make


def finished(training: trainer.Trainer) -> trainer.Trainer:
    """The training, run to its end."""
    for _ in training.chunks():
        pass
    return training
