"""What a training is made of: a spec, which is compiled into its programs, and a state, which they change.

state    Theta, b and the optimiser's moments, now and at the last epoch's end; sums over the epoch; status
row      the metrics of one epoch, in the order of `columns`
"""

from typing import Any, NamedTuple

from jaxtyping import Array, Float, Int, Key

from nnjax.network.losses import Loss
from nnjax.network.models import Model, Params
from nnjax.training.batches import Encoding
from nnjax.training.optimizers import Schedule

COLUMNS = (
    "train/loss",
    "train/accuracy",
    "train/cost",
    "validation/loss",
    "validation/accuracy",
    "gradient/norm",
    "parameters/norm",
)
BY_LAYER = ("gradient/norm/", "parameters/norm/")  # before a layer's number, from 1; a single layer has none
MAX_EPOCHS_PER_CALL = 1000  # epochs a call may finish
TRAINING, CONVERGED, EARLY_STOPPING, DIVERGED = range(4)  # TrainState.status
STOPPED = ("epoch limit", "converged", "early stopping", "diverged")  # by TrainState.status: why a training ended (L37)


class TrainSpec(NamedTuple):
    """The static part of a training. Another spec is another program.

    Attributes:
        model, loss, encoding: the network and what it is fed.
        optimizer, schedule, clip: see `optimizers.optimizer`.
        gradients: a key of GRADIENTS.
        penalised: whether any lane has an l2. Summing Theta^2 at each update takes 10 % of an epoch.
        noisy: whether any lane has label noise.
        batch_size: instances an update.
        keep_best: whether the parameters of the best validation loss are kept beside the last.
    """

    model: Model
    loss: Loss
    encoding: Encoding
    optimizer: str
    schedule: Schedule | None
    clip: bool
    gradients: str
    penalised: bool
    noisy: bool
    batch_size: int
    keep_best: bool


class TrainState(NamedTuple):
    """The state of one network in training.

    Attributes:
        params, optimizer: the parameters and the optimiser's state now, possibly within an epoch.
        settled: the parameters at the end of the last finished epoch. A lane that has stopped keeps these.
        best: the parameters of the lowest validation loss, () unless kept.
        sums: over the epoch so far: loss, right classes and cost, each times instances.
        gradient_norms: the `norms` of the last update's gradient of J, before clipping; for the perceptron the largest
            of the epoch's updates.
        status: TRAINING, CONVERGED, EARLY_STOPPING or DIVERGED.
        epochs: how many are finished; for a diverged lane the epoch in which it diverged.
        best_epoch, best_loss: the epoch of the lowest validation loss, and that loss.
    """

    params: Params
    optimizer: Any
    settled: Params
    best: Params | tuple[()]
    sums: Float[Array, "3"]
    gradient_norms: Float[Array, " norms"]
    status: Int[Array, ""]
    epochs: Int[Array, ""]
    best_epoch: Int[Array, ""]
    best_loss: Float[Array, ""]


class Position(NamedTuple):
    """Where all lanes of a training stand: finished epochs, and steps made in the next one."""

    epoch: int
    step: int


class Keys(NamedTuple):
    """The random keys of a network: of its initial weights and of its label noise."""

    init: Key[Array, "*lanes"]
    noise: Key[Array, "*lanes"]


def columns(layers: int) -> tuple[str, ...]:
    """Return the metrics of a row of history: COLUMNS, and with several layers the norms of each."""
    numbers = range(1, layers + 1) if layers > 1 else ()
    return (*COLUMNS, *(f"{name}{number}" for name in BY_LAYER for number in numbers))
