"""Optimisers do what their names say, and biases do not decay."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nnjax.network.layers.dense import Layer
from nnjax.training.optimizers import OPTIMIZERS, optimizer, schedule

PARAMS = (Layer(jnp.array([[2.0, -1.0]]), jnp.array([3.0])),)
GRADS = (Layer(jnp.array([[0.5, 4.0]]), jnp.array([-1.0])),)
HYPER = {
    "learning_rate": 0.1,
    "momentum": 0.9,
    "b1": 0.8,
    "b2": 0.9,
    "eps": 1e-8,
    "weight_decay": 0.5,
    "decay": 0.9,
    "clip_norm": 1.0,
}
HYPER = {name: jnp.array(value) for name, value in HYPER.items()}


def moved(name, updates=1, schedule=None, clip=False):
    """How far each parameter has gone after so many updates with the same gradient."""
    chosen = optimizer(name, schedule, clip, HYPER)
    params, state = PARAMS, chosen.init(PARAMS)
    for _ in range(updates):
        steps, state = chosen.update(GRADS, state, params)
        params = optax.apply_updates(params, steps)
    return params[0].Theta - PARAMS[0].Theta, params[0].b - PARAMS[0].b


def test_sgd():
    np.testing.assert_allclose(moved("sgd")[0], -0.1 * GRADS[0].Theta, rtol=1e-6)  # L37


def test_momentum_and_nesterov():
    np.testing.assert_allclose(moved("momentum", 2)[1], [0.1 * (1 + 1.9)], rtol=1e-6)
    np.testing.assert_allclose(moved("nesterov", 1)[1], [0.1 * 1.9], rtol=1e-6)


@pytest.mark.parametrize("name", ["adam", "adamw", "rmsprop"])
def test_first_step_of_adaptive_ones_has_the_gradients_sign(name):
    theta, b = moved(name)
    assert (np.sign(theta) == -np.sign(GRADS[0].Theta) if name != "adamw" else np.isfinite(theta)).all()
    assert b > 0


def test_decoupled_decay_is_of_the_weights():
    (adam, adam_b), (adamw, adamw_b) = moved("adam"), moved("adamw")
    np.testing.assert_allclose(adamw - adam, -0.1 * 0.5 * PARAMS[0].Theta, rtol=1e-5)
    np.testing.assert_array_equal(adamw_b, adam_b)


def test_clipping_bounds_the_norm():
    theta, b = moved("sgd", clip=True)
    np.testing.assert_allclose(np.sqrt((theta**2).sum() + (b**2).sum()), 0.1, rtol=1e-5)


def test_schedules_are_factors():
    assert schedule("constant", 100, 10) is None
    cosine = schedule("cosine", 100, 10, final=0.1)
    np.testing.assert_allclose([cosine(0), cosine(50), cosine(100)], [1, 0.55, 0.1], rtol=1e-6)
    step = schedule("step", 100, 10, every=2, factor=0.5)
    np.testing.assert_allclose([step(19), step(20), step(45)], [1, 0.5, 0.25], rtol=1e-6)
    warm = schedule("warmup_cosine", 100, 10, warmup=2, final=0.0)
    np.testing.assert_allclose([warm(0), warm(10), warm(20), warm(100)], [0, 0.5, 1, 0], atol=1e-6)
    np.testing.assert_allclose(moved("sgd", 1, cosine)[1], [0.1], rtol=1e-6)


def test_every_optimiser_is_here():
    assert list(OPTIMIZERS) == ["sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop"]
