"""The gradient by hand (L25-L28) equals jax.grad and finite differences (L32), masks count, and l2 is that of L20."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnjax.network import gradient_check
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.backprop import GRADIENTS, autodiff, backprop, mean_loss, with_l2
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.losses import LOSSES
from nnjax.network.models import mlp
from tests.network.random_cases import DRAWS, cases

SMOOTH = ("sigmoid", "tanh", "softplus", "identity")
MODEL, LOSS = mlp((4, 3, 3), ACTIVATIONS["tanh"], INITIALIZERS["normal"]), LOSSES["cross_entropy"]


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    return jnp.asarray(rng.normal(size=(n, 4)), jnp.float32), jnp.asarray(
        np.eye(3)[rng.integers(3, size=n)], jnp.float32
    )


def assert_close(found, expected, rtol):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert np.linalg.norm(a - b) <= rtol * (np.linalg.norm(b) + 1e-30)


def norm_relative(found, expected):
    """||found - expected|| / ||expected|| over all parameters."""
    found, expected = (np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)]) for tree in (found, expected))
    return np.linalg.norm(found - expected) / np.linalg.norm(expected)


def compare(case):
    """float64: by hand and slopes, at the check's own l2; float32: by hand, at the case's batch and l2."""
    model, loss = case.model(), LOSSES[case.loss]
    check = gradient_check.check(model, loss, case.seed, rows=case.batch + 1)
    assert check.max_relative_error <= 1e-12
    assert check.finite_difference_error <= 1e-7
    rng = np.random.default_rng(case.seed)
    params, _ = gradient_check.draw_parameters(model, rng)
    x, targets, *_ = gradient_check.draw_batch(model, case.batch, rng)
    single = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), (params, x, targets, case.l2, case.batch))
    by_hand, automatic = jax.jit(lambda *a: [with_l2(g(model, loss))(*a)[1] for g in (backprop, autodiff)])(*single)
    assert norm_relative(by_hand, automatic) <= 1e-5


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=() if number % 8 == 0 else pytest.mark.ci) for number, case in enumerate(cases()[::10])],
    ids=str,
)
def test_random_networks(case):
    compare(case)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 300, DRAWS))
def test_all_random_networks(start):
    for case in cases()[start : start + DRAWS]:
        compare(case)


@pytest.mark.parametrize("name", GRADIENTS)
def test_rows_of_weight_0_do_not_count(name):
    gradient = jax.jit(GRADIENTS[name](MODEL, LOSS))
    params = MODEL.init(jax.random.key(0), 1.0)
    x, y = rows(8)
    (masked, _), masked_grads = gradient(params, x, y, jnp.array([1.0] * 5 + [0.0] * 3))
    (value, _), grads = gradient(params, x[:5], y[:5])
    assert_close((masked, masked_grads), (value, grads), 1e-6)


def test_l2_is_added_to_the_weights_alone():
    params = jax.tree.map(lambda leaf: leaf + 1, MODEL.init(jax.random.key(0), 1.0))
    x, y = rows(6)
    (value, _), grads = jax.jit(backprop(MODEL, LOSS))(params, x, y)
    (penalised, _), decayed = jax.jit(with_l2(backprop(MODEL, LOSS)))(params, x, y, 3.0, 6)
    squares = sum((layer.Theta**2).sum() for layer in params)
    np.testing.assert_allclose(penalised, value + 3 / (2 * 6) * squares, rtol=1e-6)  # L20
    for layer, plain, with_decay in zip(params, grads, decayed, strict=True):
        np.testing.assert_allclose(with_decay.Theta - plain.Theta, 3 / 6 * layer.Theta, rtol=1e-5)  # L28, decided
        np.testing.assert_array_equal(with_decay.b, plain.b)


def test_mean_of_the_batches_gradients_is_the_epochs():
    params, (x, y) = MODEL.init(jax.random.key(0), 1.0), rows(12)
    gradient = jax.jit(with_l2(backprop(MODEL, LOSS)))
    batches = [gradient(params, x[i : i + 4], y[i : i + 4], 2.0, 12) for i in (0, 4, 8)]
    values = [(value, grads) for (value, _), grads in batches]
    mean = jax.tree.map(lambda *leaves: sum(leaves) / 3, *values)
    (value, _), grads = gradient(params, x, y, 2.0, 12)
    assert_close(mean, (value, grads), 1e-5)


@pytest.mark.parametrize("name", GRADIENTS)
def test_a_gradient_returns_the_logits_of_its_forward_pass(name):
    params, (x, y) = MODEL.init(jax.random.key(0), 1.0), rows(6)
    (_, z), _ = jax.jit(with_l2(GRADIENTS[name](MODEL, LOSS)))(params, x, y, 3.0, 6)
    assert_close(z, jax.jit(MODEL.forward)(params, x)[0], 1e-6)


def test_autodiff_is_jax_grad_of_the_mean_loss():
    params, (x, y) = MODEL.init(jax.random.key(0), 1.0), rows(6)
    automatic = jax.jit(jax.grad(lambda *arguments: mean_loss(MODEL, LOSS)(*arguments)[0]))
    assert_close(jax.jit(autodiff(MODEL, LOSS))(params, x, y)[1], automatic(params, x, y), 0)


def test_logistic_cost_is_convex_and_a_network_s_is_not():
    """Between two points J of one unit lies below the chord (L19); with a hidden layer it need not (L24)."""
    x, y = jnp.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), jnp.array([[0.0], [1.0], [1.0], [0.0]])

    def above_the_chord(units):
        model = mlp(units, ACTIVATIONS["tanh"], INITIALIZERS["normal"])
        cost = jax.jit(lambda *arguments: mean_loss(model, LOSSES["log_loss"])(*arguments)[0])
        ends = [[model.init(jax.random.key(k), 5.0) for k in (2 * i, 2 * i + 1)] for i in range(20)]
        middles = [cost(jax.tree.map(lambda p, q: (p + q) / 2, *pair), x, y) for pair in ends]
        chords = [(cost(p, x, y) + cost(q, x, y)) / 2 for p, q in ends]
        return sum(float(middle) > float(chord) + 1e-5 for middle, chord in zip(middles, chords, strict=True))

    assert above_the_chord((2, 1)) == 0
    assert above_the_chord((2, 2, 1)) > 0
