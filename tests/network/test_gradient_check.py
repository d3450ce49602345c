"""The check itself: it passes what is right, in float64 whatever the process runs in, and finds what is wrong (L32)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnjax.network import gradient_check
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.backprop import backprop, with_l2
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.layers.dense import Layer
from nnjax.network.losses import LOSSES
from nnjax.network.models import mlp

RELU = mlp((6, 5, 4), ACTIVATIONS["relu"], INITIALIZERS["zeros"])
LOSS = LOSSES["cross_entropy"]


def test_right_gradients_pass_even_of_a_network_that_starts_at_zero():
    check = gradient_check.check(RELU, LOSS, seed=0)
    assert check.passed
    assert [p.name for p in check.parameters] == ["Theta1", "b1", "Theta2", "b2"]
    assert [p.shape for p in check.parameters] == [(5, 6), (5,), (4, 5), (4,)]
    assert 0 < check.finite_difference_error < 1e-7


@pytest.mark.parametrize("units", [(2, *[4] * 8, 1), (30, *[30] * 5, 10), (2, 20_000, 1)])
def test_deep_and_wide_networks_pass(units):
    """Gradients that vanish through sigmoid layers lie below what a finite difference can measure."""
    model = mlp(units, ACTIVATIONS["sigmoid"], INITIALIZERS["lecun"])
    assert gradient_check.check(model, LOSSES["log_loss"], seed=0).passed


@pytest.mark.parametrize(("units", "activation"), [((4, 3), "tanh"), ((4, 5, 3), "tanh"), ((4, 5, 1), "relu")])
def test_a_perceptron_passes_away_from_its_kink(units, activation):
    for seed in range(3):
        model = mlp(units, ACTIVATIONS[activation], INITIALIZERS["zeros"])
        check = gradient_check.check(model, LOSSES["perceptron"], seed)
        assert check.passed
        assert check.finite_difference_error > 0


@pytest.mark.parametrize(("name", "watched"), [("perceptron", [(5, 3)]), ("log_loss", [])])
def test_a_loss_s_kink_is_watched_where_it_is(name, watched):
    """In the signs of the logits; the hidden layer's tanh has none."""
    model, loss, rng = (
        mlp((4, 2, 3), ACTIVATIONS["tanh"], INITIALIZERS["zeros"]),
        LOSSES[name],
        np.random.default_rng(0),
    )
    params, _ = gradient_check.draw_parameters(model, rng)
    x, *rest = gradient_check.draw_batch(model, 5, rng)
    program = jax.jit(gradient_check.comparison(model, loss, with_l2(backprop(model, loss))))
    *_, branches = program(params, x, *rest)
    assert [branch.shape for branch in branches] == watched
    z, _ = jax.jit(model.forward)(params, x)
    assert all((branch == (z > 0)).all() for branch in branches)


def test_a_model_and_a_loss_are_compiled_once_in_a_process(compiled):
    gradient_check.compiled_comparison.cache_clear()
    for seed in range(3):
        gradient_check.check(RELU, LOSS, seed)
    assert compiled.count("jit(compare)") == 1


def test_the_process_stays_in_float32():
    gradient_check.check(RELU, LOSS, seed=0)
    assert jnp.ones(1).dtype == jnp.float32


def test_the_parameter_that_is_wrong_is_named():
    def wrong(*arguments):
        value, (first, second) = with_l2(backprop(RELU, LOSS))(*arguments)
        return value, (first, Layer(second.Theta, second.b * (1 + 1e-6)))

    check = gradient_check.check(RELU, LOSS, seed=0, gradient=wrong)
    assert not check.passed
    assert [p.name for p in check.parameters if p.by_hand > 1e-12] == ["b2"]
    assert [p.name for p in check.parameters if p.finite_difference > 1e-7] == ["b2"]


def test_a_wrong_value_and_nan_do_not_pass():
    def value_off(*arguments):
        (value, z), grads = with_l2(backprop(RELU, LOSS))(*arguments)
        return (value * (1 + 1e-9), z), grads

    def not_a_number(*arguments):
        value, grads = with_l2(backprop(RELU, LOSS))(*arguments)
        return value, jax.tree.map(lambda leaf: leaf * jnp.nan, grads)

    assert not gradient_check.check(RELU, LOSS, seed=0, gradient=value_off).passed
    assert not gradient_check.check(RELU, LOSS, seed=0, gradient=not_a_number).passed


def test_directions_across_a_kink_are_drawn_again():
    """|theta| at 1e-6 from its kink: a step of 1e-5 crosses it most of the time."""
    calls, rng = [], np.random.default_rng(0)
    params = (Layer(np.array([[1e-6]]), np.zeros(1)),)
    grads, scales = (Layer(np.ones((1, 1)), np.zeros(1)),), (Layer(np.ones((1, 1)), np.ones(1)),)

    def cost(moved):
        theta = moved[0].Theta[0, 0]
        calls.append(theta)
        return abs(theta), [np.array(theta > 0)]

    assert max(gradient_check.slope_errors(cost, params, grads, scales, rng)) < 1e-7
    assert len(calls) > 2 * 2 * gradient_check.DIRECTIONS


def test_nothing_but_kinks_is_said():
    sides = iter([[np.array(True)], [np.array(False)]] * gradient_check.DRAWS)
    params = (Layer(np.zeros((1, 1)), np.zeros(1)),)
    with pytest.raises(FloatingPointError, match="kink"):
        gradient_check.slope_errors(lambda moved: (0.0, next(sides)), params, params, params, np.random.default_rng(0))
