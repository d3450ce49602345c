"""Names to optax: an optimiser whose rates are traced, under a schedule of unit height.

A schedule multiplies the traced rate, so that other rates compile nothing; its lengths are part of the program.
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
    """True for every Theta and False for every b: biases do not decay (L19, L20)."""
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
    """The schedule `name` over so many updates; None is a factor of 1 throughout. Equal arguments, the same object."""
    return SCHEDULES[name](updates, per_epoch, **settings)


def optimizer(name: str, schedule: Schedule | None, clip: bool, hyper: Hyperparams) -> optax.GradientTransformation:
    """The optimiser `name` with the traced values in `hyper`, clipped to hyper["clip_norm"] first if `clip`.

    Args:
        name: a key of OPTIMIZERS.
        schedule: updates made -> factor in [0, 1] of the learning rate; None is 1 throughout.
        clip: whether the gradient's global norm is bounded.
        hyper: scalars: learning_rate, and what the optimiser takes besides.
    """
    rate = hyper["learning_rate"]
    scheduled = rate if schedule is None else lambda updates: rate * schedule(updates)
    chosen = OPTIMIZERS[name](scheduled, hyper)
    return optax.chain(optax.clip_by_global_norm(hyper["clip_norm"]), chosen) if clip else chosen
