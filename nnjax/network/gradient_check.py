"""The gradients are checked before every training: by hand = jax.grad = finite differences (L32).

    by hand against jax.grad                ||D - jax.grad(J)|| / ||jax.grad(J)||    for each parameter
    by hand against a central difference    (J(Theta + e v) - J(Theta - e v)) / 2e = D . v    for random directions v

It runs in float64 on the CPU, whatever the process runs in. Parameters of unit scale are drawn for the check: b and l2
are not zero, and one row of the batch has weight 0, so that errors show that a fresh network would hide.
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
QUICK = {"xla_backend_optimization_level": 0}  # the program runs a few dozen times, so most time goes into compiling


class ParameterErrors(NamedTuple):
    """The errors of one parameter's gradient.

    Attributes:
        name: Theta1, b1, Theta2, ... counted from the input.
        shape: the parameter's shape.
        by_hand: ||by hand - jax.grad|| / ||jax.grad||.
        finite_difference: the largest |slope measured - slope by hand| over random directions, relative to the
            slope's root mean square, ||by hand|| * (scale of the direction). If the smallest slope that float64 can
            measure is larger, it is relative to that: the gradients of deep sigmoid networks are smaller.
    """

    name: str
    shape: tuple[int, ...]
    by_hand: float
    finite_difference: float


class GradientCheck(NamedTuple):
    """The errors by parameter, and the largest of each kind."""

    parameters: tuple[ParameterErrors, ...]
    max_relative_error: float
    finite_difference_error: float

    @property
    def passed(self) -> bool:
        """Return whether both errors are within their tolerances; nan is not."""
        return (
            self.max_relative_error <= BY_HAND_TOLERANCE and self.finite_difference_error <= FINITE_DIFFERENCE_TOLERANCE
        )


def check(model: Model, loss: Loss, seed: int, rows: int = 5, gradient: Gradient | None = None) -> GradientCheck:
    """Compare the gradient of J by hand with `jax.grad` of J and with central differences along random directions.

    Args:
        model: the architecture; its parameters are drawn here.
        loss: the loss on its logits.
        seed: of the parameters, the rows and the directions.
        rows: instances in the batch.
        gradient: what to check, (params, x, targets, l2, n, weights) -> ((J, z), grads); by default `backprop` with L2.

    Raises:
        FloatingPointError: all directions crossed a kink, so that no slope could be measured.
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
    """Return one program, (params, *batch) -> (J by hand, J, gradient by hand, `jax.grad` of J, branches).

    J is written here as L20 defines it. Branches are signs, of which one changes at a kink: those of all that the
    forward pass of a model with kinks computes, and those of the logits of a loss with kinks.
    """

    def cost(params: Params, x: Any, targets: Any, l2: Any, n: Any, weights: Any) -> Any:
        return mean_loss(model, loss)(params, x, targets, weights)[0] + l2_penalty(params, l2, n)

    def compare(params: Params, x: Any, *rest: Any) -> tuple[Any, ...]:
        (value_by_hand, _), by_hand = gradient(params, x, *rest)
        value, automatic = jax.value_and_grad(cost)(params, x, *rest)
        z, residuals = model.forward(params, x)
        kinked = [*([] if loss.smooth else [z]), *([] if model.smooth else jax.tree.leaves(residuals))]
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
    """Return the largest |slope measured - slope by hand| over DIRECTIONS random directions, for each parameter.

    A direction moves one parameter. It is drawn again if its two ends lie on different sides of a kink.
    """
    leaves, structure = jax.tree.leaves(params), jax.tree.structure(params)
    errors, max_inputs = [], max(np.prod(leaf.shape[1:]) for leaf in leaves)
    min_slope = ROUNDING * max_inputs**0.5 / FINITE_DIFFERENCE_TOLERANCE  # times J: long sums round more
    for i, (gradient, scale) in enumerate(zip(*map(jax.tree.leaves, (grads, scales)), strict=True)):
        slopes: list[float] = []
        for _ in range(DRAWS):
            direction = scale * rng.standard_normal(gradient.shape)
            ends = [[*leaves[:i], leaves[i] + step * direction, *leaves[i + 1 :]] for step in (STEP, -STEP)]
            (after, sides_after), (before, sides_before) = (cost(jax.tree.unflatten(structure, end)) for end in ends)
            if all(np.array_equal(a, b) for a, b in zip(sides_after, sides_before, strict=True)):
                slope = np.vdot(gradient, direction)
                size = np.linalg.norm(gradient * scale) + min_slope * abs(after)
                slopes.append(abs((after - before) / (2 * STEP) - slope) / size)
            if len(slopes) == DIRECTIONS:
                break
        if not slopes:
            raise FloatingPointError(f"finite differences: {DRAWS} directions in a row cross a kink")
        errors.append(float(np.max(slopes)))
    return errors


def relative_error(value: Any, reference: Any) -> float:
    """Compute ||value - reference|| / ||reference||."""
    return float(np.linalg.norm(value - reference) / (np.linalg.norm(reference) + TINY))


def draw_parameters(model: Model, rng: np.random.Generator) -> tuple[Params, Params]:
    """Draw parameters of unit scale, Theta ~ N(0, 1 / n_in) and b ~ N(0, 1); return them and their scales (float64)."""
    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), 1.0))
    scales = jax.tree.map(lambda leaf: np.full(leaf.shape, np.prod(leaf.shape[1:]) ** -0.5), shapes)
    return draw_like(scales, rng), scales


def draw_like(scales: Params, rng: np.random.Generator) -> Params:
    """Draw normal values with these standard deviations."""
    return jax.tree.map(lambda scale: scale * rng.standard_normal(scale.shape), scales)


def draw_batch(model: Model, rows: int, rng: np.random.Generator) -> tuple[Any, ...]:
    """Draw x, targets (1-of-K, or 0 and 1), l2, n and weights; the last row has weight 0."""
    x = rng.standard_normal((rows, *model.input_shape))
    labels = rng.integers(max(model.outputs, 2), size=rows)
    targets = np.eye(model.outputs)[labels] if model.outputs > 1 else labels[:, None].astype(float)
    weights = np.r_[rng.uniform(0.5, 1.5, rows - 1), 0.0]
    return x, targets, np.float64(rng.uniform(0.5, 2)), np.float64(rows), weights
