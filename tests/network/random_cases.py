"""Random networks for the comparison of gradients: 20 shapes x 15 draws of activation, loss, batch and l2 (L32)."""

from typing import NamedTuple

import numpy as np

from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.losses import LOSSES
from nnjax.network.models import Model, mlp

SHAPES = [
    *[(2, 1), (3, 4), (10, 10), (1, 1, 1), (2, 2, 1), (3, 3, 1), (2, 4, 1), (5, 5, 5), (7, 1, 3), (4, 16, 2)],
    *[(12, 8, 10), (30, 25, 10), (6, 6, 6, 6), (9, 2, 7, 3), (20, 30, 10, 4), (3, 1, 1, 2), (5, 4, 3, 2, 1)],
    *[(8, 8, 8, 8, 8), (49, 20, 10), (64, 32, 16, 10)],
]
DRAWS = 15


class Case(NamedTuple):
    units: tuple[int, ...]
    activation: str
    loss: str
    batch: int
    l2: float
    seed: int

    def model(self) -> Model:
        return mlp(self.units, ACTIVATIONS[self.activation], INITIALIZERS["lecun"])


def cases() -> list[Case]:
    """All 300, always the same."""
    rng = np.random.default_rng(20)
    return [
        Case(
            units,
            str(rng.choice(list(ACTIVATIONS))),
            str(rng.choice([name for name in LOSSES if name != "cross_entropy" or units[-1] > 1])),
            int(rng.integers(1, 40)),
            float(rng.choice([0.0, 0.1, 1.0, 10.0])),
            seed,
        )
        for seed, units in enumerate(units for units in SHAPES for _ in range(DRAWS))
    ]
