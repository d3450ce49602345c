"""Evaluation counts every instance once, whatever the block, and knows one output from several (L5, L38).

Numbers are recorded as the decimals that a person expects.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.losses import LOSSES
from nnjax.network.models import mlp
from nnjax.training import metrics
from nnjax.training.batches import Encoding, Split

LOSS = LOSSES["cross_entropy"]


@pytest.mark.parametrize("n", [7, 12, 13])
def test_blocks_do_not_matter(n, monkeypatch):
    model, encoding = mlp((4, 3), ACTIVATIONS["tanh"], INITIALIZERS["normal"]), Encoding(1.0, 0.0, (4,), 3)
    params = model.init(jax.random.key(0), 1.0)
    rng = np.random.default_rng(n)
    split = Split(jnp.asarray(rng.normal(size=(n, 4)), jnp.float32), jnp.asarray(rng.integers(3, size=n), jnp.int32))
    z = np.asarray(model.forward(params, split.x)[0])
    monkeypatch.setattr(metrics, "EVALUATION_BATCH", 6)
    found = jax.jit(lambda params, split: metrics.evaluate(model, LOSS, encoding, params, split))(params, split)
    np.testing.assert_allclose(found.loss, LOSS.value(jnp.asarray(z), jnp.eye(3)[split.y]).mean(), rtol=1e-5)
    np.testing.assert_allclose(found.accuracy, (z.argmax(axis=1) == split.y).mean(), rtol=1e-6)


def test_nothing_to_evaluate_is_nan():
    model = mlp((4, 3), ACTIVATIONS["tanh"], INITIALIZERS["normal"])
    empty = Split(jnp.zeros((0, 4)), jnp.zeros(0, jnp.int32))
    found = metrics.evaluate(model, LOSS, Encoding(1.0, 0.0, (4,), 3), model.init(jax.random.key(0), 1.0), empty)
    assert np.isnan(found.loss)
    assert np.isnan(found.accuracy)


def test_right_classes():
    one = metrics.score(
        LOSSES["squared_error"], jnp.array([[0.4], [0.6], [0.5]]), jnp.array([0, 1, 1]), jnp.zeros((3, 1))
    )
    np.testing.assert_array_equal(one, [1, 1, 0])  # h > 1/2
    several = metrics.score(
        LOSSES["log_loss"], jnp.array([[20.0, 25.0], [0.9, 0.7]]), jnp.array([1, 1]), jnp.zeros((2, 2))
    )
    np.testing.assert_array_equal(several, [1, 0])


def test_rmse_and_r2_are_those_of_the_predictions():
    """L8, L22: from the mean squared error of scaled targets, in the target's own units."""
    rng = np.random.default_rng(0)
    y, h = rng.normal(150, 77, 20).astype(np.float32), rng.normal(150, 77, 20)
    mean, deviation = 152.0, 75.0
    squared_error = np.mean(((h - mean) / deviation - (y - mean) / deviation) ** 2)
    rmse, r2 = metrics.regression(np.array([squared_error]), y, deviation)
    np.testing.assert_allclose(rmse, [np.sqrt(np.mean((h - y) ** 2))])
    np.testing.assert_allclose(r2, [1 - np.sum((h - y) ** 2) / np.sum((y - y.mean(dtype=float)) ** 2)], rtol=1e-6)


@pytest.mark.parametrize("y", [[], [3.0], [2.0, 2.0]])
def test_no_variance_has_no_r2(y):
    rmse, r2 = metrics.regression(np.array([1.0]), np.array(y, np.float32), 2.0)
    assert rmse == 2.0
    assert np.isnan(r2)


def test_the_score_of_a_regression_is_its_squared_error():
    z, y, wanted = jnp.array([[1.0], [3.0]]), jnp.array([5.0, 9.0]), jnp.array([[1.0], [1.0]])
    np.testing.assert_array_equal(metrics.score(LOSSES["squared_error"], z, y, wanted), [0, 4])


@pytest.mark.parametrize("x", [0.937, 0.1, 1 / 3, 7.0, 1e-30, -2.5, 0.0])
def test_a_float32_has_its_own_digits_and_comes_back_from_them(x):
    single = np.float32(x)
    for given in (single, float(single)):
        assert repr(metrics.decimal("test/loss", given)) == repr(float(str(single)))
    assert np.float32(metrics.decimal("test/loss", single)) == single


@pytest.mark.parametrize("x", [1 / 3, 1e300, math.pi, -math.inf, 123456789.0])
def test_any_other_number_stays(x):
    assert metrics.decimal("test/loss", x) == x


@pytest.mark.parametrize("n", [3, 400, 1000, 10_000, 60_000])
@pytest.mark.parametrize("name", ["test/accuracy", "test/accuracy/mean"])
def test_an_accuracy_is_right_answers_over_instances_as_a_rounded_decimal(n, name):
    for right in np.linspace(0, n, 50).astype(int).tolist():
        assert metrics.decimal(name, np.float32(right) / np.float32(n)) == round(right / n, metrics.ACCURACY_DIGITS)
