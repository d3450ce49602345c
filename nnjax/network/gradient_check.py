"""By hand = jax.grad = finite differences (L32), as data: the check that comes before every training.

In float64 on the CPU, whatever the process runs in, at parameters of unit scale drawn for the check: b and l2 are not
zero, and one row of the batch has weight 0, so that what a fresh network would hide is seen.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import jax
import numpy as np

from nnjax.network.backprop import Gradient, backprop, l2_penalty, mean_loss, with_l2
from nnjax.network.layers.dense import Layer
from nnjax.network.losses import Loss
from nnjax.network.models import Model, Params

BY_HAND_TOLERANCE = 1e-12
FINITE_DIFFERENCE_TOLERANCE = 1e-7
STEP = 1e-5  # the central difference's error is about STEP^2 from curvature and ROUNDING * J from rounding
ROUNDING = 4 * np.finfo(float).eps / STEP
DIRECTIONS = 2
DRAWS = 20
TINY = np.finfo(float).tiny
QUICK = {"xla_backend_optimization_level": 0}  # the program runs a few dozen times: compiling it is what takes time


class ParameterErrors(NamedTuple):
    """Errors of one parameter's gradient.

    Attributes:
        name: Theta1, b1, Theta2, ... counted from the input.
        shape: the parameter's shape.
        by_hand: ||by hand - jax.grad|| / ||jax.grad||.
        finite_difference: the largest |slope measured - slope by hand| over random directions, relative to the
            slope's root mean square ||by hand|| * (scale of the direction), or to the least slope that float64 can
            measure if that is larger: the gradients of deep sigmoid networks are below it.
    """

    name: str
    shape: tuple[int, ...]
    by_hand: float
    finite_difference: float


class GradientCheck(NamedTuple):
    """Errors by parameter, and the largest of each kind."""

    parameters: tuple[ParameterErrors, ...]
    max_relative_error: float
    finite_difference_error: float

    @property
    def passed(self) -> bool:
        """Whether both errors are within their tolerances; nan is not."""
        return (
            self.max_relative_error <= BY_HAND_TOLERANCE and self.finite_difference_error <= FINITE_DIFFERENCE_TOLERANCE
        )


def check(model: Model, loss: Loss, seed: int, rows: int = 5, gradient: Gradient | None = None) -> GradientCheck:
    """Compares the gradient of J by hand with `jax.grad` of J and with central differences along random directions.

    Args:
        model: the architecture; its parameters are drawn here.
        loss: the loss on its logits.
        seed: of the parameters, the rows and the directions.
        rows: instances in the batch.
        gradient: what to check, (params, x, targets, l2, n, weights) -> (J, grads); by default `backprop` with L2.

    Raises:
        FloatingPointError: every direction tried crossed a kink, so that no slope could be measured.
    """
    rng = np.random.default_rng(seed)
    with jax.enable_x64(True), jax.default_device(jax.local_devices(backend="cpu")[0]):
        params, scales = draw_parameters(model, rng)
        batch = draw_batch(model, rows, rng)
        program = compiled_comparison(model, loss, gradient)
        first = program(params, *batch)
        value_by_hand, value, by_hand, automatic = jax.device_get(first[:4])

        def cost(moved: Params) -> tuple[Any, list[Any]]:
            _, value, _, _, branches = program(moved, *batch)
            return jax.device_get((value, branches))

        measured = slope_errors(cost, params, by_hand, scales, rng)
    relative = [relative_error(a, b) for a, b in zip(*map(jax.tree.leaves, (by_hand, automatic)), strict=True)]
    names = [f"{kind}{number}" for number in range(1, len(params) + 1) for kind in Layer._fields]
    shapes = [leaf.shape for leaf in jax.tree.leaves(params)]
    parameters = tuple(map(ParameterErrors, names, shapes, relative, measured))
    return GradientCheck(
        parameters, float(np.max([relative_error(value_by_hand, value), *relative])), float(np.max(measured))
    )


@cache
def compiled_comparison(model: Model, loss: Loss, gradient: Gradient | None) -> Callable[..., tuple[Any, ...]]:
    """Return `comparison`, jitted: once for a model and a loss in a process. gradient: None for backprop with L2."""
    return jax.jit(comparison(model, loss, gradient or with_l2(backprop(model, loss))), compiler_options=QUICK)


def comparison(model: Model, loss: Loss, gradient: Gradient) -> Callable[..., tuple[Any, ...]]:
    """(params, *batch) -> (J by hand, J, gradient by hand, `jax.grad` of J, branches): one program compiles once.

    J stands here as L20 defines it. Branches are the signs of all that a forward pass computes: one changes at a kink,
    and a smooth model has none. Of a loss with a kink they are the signs of its logits.
    """

    def cost(params: Params, x: Any, targets: Any, l2: Any, n: Any, weights: Any) -> Any:
        return mean_loss(model, loss)(params, x, targets, weights) + l2_penalty(params, l2, n)

    def compare(params: Params, x: Any, *rest: Any) -> tuple[Any, ...]:
        value_by_hand, by_hand, _ = gradient(params, x, *rest)
        value, automatic = jax.value_and_grad(cost)(params, x, *rest)
        z, kept = model.forward(params, x)
        kinked = [*([] if loss.smooth else [z]), *([] if model.smooth else jax.tree.leaves(kept))]
        branches = [leaf > 0 for leaf in kinked]
        return value_by_hand, value, by_hand, automatic, branches

    return compare


def slope_errors(
    cost: Callable[[Params], tuple[Any, list[Any]]],
    params: Params,
    grads: Params,
    scales: Params,
    rng: np.random.Generator,
) -> list[float]:
    """For each parameter the largest |slope measured - slope by hand| over DIRECTIONS random directions.

    A direction moves one parameter; it is drawn again when its two ends lie on different sides of a kink.
    """
    leaves, structure = jax.tree.leaves(params), jax.tree.structure(params)
    errors, widest = [], max(np.prod(leaf.shape[1:]) for leaf in leaves)
    least = ROUNDING * widest**0.5 / FINITE_DIFFERENCE_TOLERANCE  # times J, the least slope: long sums round more
    for i, (gradient, scale) in enumerate(zip(*map(jax.tree.leaves, (grads, scales)), strict=True)):
        found: list[float] = []
        for _ in range(DRAWS):
            direction = scale * rng.standard_normal(gradient.shape)
            ends = [[*leaves[:i], leaves[i] + step * direction, *leaves[i + 1 :]] for step in (STEP, -STEP)]
            (after, sides_after), (before, sides_before) = (cost(jax.tree.unflatten(structure, end)) for end in ends)
            if all(np.array_equal(a, b) for a, b in zip(sides_after, sides_before, strict=True)):
                slope = np.vdot(gradient, direction)
                usual = np.linalg.norm(gradient * scale) + least * abs(after)
                found.append(abs((after - before) / (2 * STEP) - slope) / usual)
            if len(found) == DIRECTIONS:
                break
        if not found:
            raise FloatingPointError(f"finite differences: {DRAWS} directions in a row cross a kink")
        errors.append(float(np.max(found)))
    return errors


def relative_error(value: Any, reference: Any) -> float:
    """||value - reference|| / ||reference||."""
    return float(np.linalg.norm(value - reference) / (np.linalg.norm(reference) + TINY))


def draw_parameters(model: Model, rng: np.random.Generator) -> tuple[Params, Params]:
    """Parameters of unit scale, Theta ~ N(0, 1 / n_in) and b ~ N(0, 1), and those scales (float64)."""
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), 1.0))
    scales = jax.tree.map(lambda leaf: np.full(leaf.shape, np.prod(leaf.shape[1:]) ** -0.5), shapes)
    return draw_like(scales, rng), scales


def draw_like(scales: Params, rng: np.random.Generator) -> Params:
    """Normal values with these standard deviations."""
    return jax.tree.map(lambda scale: scale * rng.standard_normal(scale.shape), scales)


def draw_batch(model: Model, rows: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """x, targets (1-of-K, or 0 and 1), l2, n and weights; the last row has weight 0."""
    x = rng.standard_normal((rows, *model.input_shape))
    labels = rng.integers(max(model.outputs, 2), size=rows)
    targets = np.eye(model.outputs)[labels] if model.outputs > 1 else labels[:, None].astype(float)
    weights = np.r_[rng.uniform(0.5, 1.5, rows - 1), 0.0]
    return x, targets, np.float64(rng.uniform(0.5, 2)), np.float64(rows), weights
