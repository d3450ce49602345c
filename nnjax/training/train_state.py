"""The state of a training, and the static part that never changes in it."""

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
BY_LAYER = ("gradient/norm/", "parameters/norm/")  # before a layer's number, from 1; of one layer it is the whole norm
MAX_EPOCHS_PER_CALL = 1000  # epochs a call may finish
TRAINING, CONVERGED, NO_PROGRESS, DIVERGED = range(4)  # State.status
STOPPED = ("epoch limit", "converged", "no progress", "diverged")  # by State.status; L37: which happened is reported


class TrainSpec(NamedTuple):
    """The static part of a training: what makes another program when it changes.

    Attributes:
        model, loss, encoding: the network and what it is fed.
        optimizer, schedule, clip: see `optimizers.optimizer`.
        gradients: a key of GRADIENTS.
        penalised: whether any lane has an l2: summing Theta^2 at each update takes 10 % of an epoch.
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
    """One network in training.

    Attributes:
        params, optimizer: as they are now, possibly within an epoch.
        settled: the parameters at the end of the last finished epoch; a lane that has stopped keeps these.
        best: the parameters of the lowest validation loss, () unless kept.
        sums: over the epoch so far: loss, right classes and cost, each times instances.
        gradient_norms: of the last update's gradient of J, before clipping, as `norms` has them; for the perceptron
            the largest of the epoch's updates.
        status: TRAINING, CONVERGED, NO_PROGRESS or DIVERGED.
        epochs: finished ones; of a diverged lane the one it diverged in.
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
    """Where a training stands: finished epochs, and steps made in the next one. All lanes share it."""

    epoch: int
    step: int


class Keys(NamedTuple):
    """Where a network's randomness comes from: initial weights, label noise."""

    init: Key[Array, "*lanes"]
    noise: Key[Array, "*lanes"]


def columns(layers: int) -> tuple[str, ...]:
    """The metrics of a row of history: COLUMNS, and of several layers the norms of each."""
    numbers = range(1, layers + 1) if layers > 1 else ()
    return (*COLUMNS, *(f"{name}{number}" for name in BY_LAYER for number in numbers))
