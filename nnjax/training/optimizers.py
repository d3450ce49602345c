"""How an update follows from the gradient D, by name. The rules are optax's.

    sgd         Theta <- Theta - alpha D      (L37)
    momentum    v <- D + mu v      Theta <- Theta - alpha v
    schedule    alpha = learning_rate * schedule(updates made), schedule in [0, 1]

Hyperparameters are traced, so that other values compile nothing. A schedule's lengths are a part of the program.
"""

from collections.abc import Callable, Mapping
from functools import cache

import optax
from jaxtyping import Array, Float

from nnjax.network.layers.dense import Layer
from nnjax.network.models import Params

Hyperparams = Mapping[str, Float[Array, ""]]
Rate = Float[Array, ""] | Callable[[Array], Array]
Schedule = Callable[[Array], Array]


def only_weights(params: Params) -> tuple[Layer, ...]:
    """Return True for every Theta and False for every b: biases do not decay (L19, L20)."""
    return tuple(Layer(True, False) for _ in params)  # type: ignore[arg-type]


OPTIMIZERS: dict[str, Callable[[Rate, Hyperparams], optax.GradientTransformation]] = {
    "sgd": lambda rate, h: optax.sgd(rate),
    "momentum": lambda rate, h: optax.sgd(rate, h["momentum"]),
    "nesterov": lambda rate, h: optax.sgd(rate, h["momentum"], nesterov=True),
    "adam": lambda rate, h: optax.adam(rate, h["b1"], h["b2"], h["eps"]),
    "adamw": lambda rate, h: optax.adamw(
        rate, h["b1"], h["b2"], h["eps"], weight_decay=h["weight_decay"], mask=only_weights
    ),
    "rmsprop": lambda rate, h: optax.rmsprop(rate, h["decay"], h["eps"]),
}

SCHEDULES: dict[str, Callable[..., Schedule | None]] = {
    "constant": lambda updates, per_epoch: None,
    "cosine": lambda updates, per_epoch, final: optax.cosine_decay_schedule(1.0, updates, final),
    "step": lambda updates, per_epoch, every, factor: optax.exponential_decay(
        1.0, every * per_epoch, factor, staircase=True
    ),
    "warmup_cosine": lambda updates, per_epoch, warmup, final: optax.warmup_cosine_decay_schedule(
        0.0, 1.0, warmup * per_epoch, updates, final
    ),
}


@cache
def schedule(name: str, updates: int, per_epoch: int, **settings: float | int) -> Schedule | None:
    """Return the schedule `name` over so many updates, or None for 1 throughout. Equal arguments give one object."""
    return SCHEDULES[name](updates, per_epoch, **settings)


def optimizer(
    name: str, schedule: Schedule | None, clip: bool, hyperparams: Hyperparams
) -> optax.GradientTransformation:
    """Return the optimiser `name` with traced values; with `clip`, gradients are clipped to `clip_norm` first.

    Args:
        name: a key of OPTIMIZERS.
        schedule: updates made -> factor in [0, 1] of the learning rate; None is 1 throughout.
        clip: whether the gradient's global norm is bounded.
        hyperparams: scalars by name: learning_rate, clip_norm, and what the optimiser takes besides.
    """
    rate = hyperparams["learning_rate"]
    update = OPTIMIZERS[name](rate if schedule is None else lambda updates: rate * schedule(updates), hyperparams)
    return optax.chain(optax.clip_by_global_norm(hyperparams["clip_norm"]), update) if clip else update
