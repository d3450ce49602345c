"""runtime.precision: one epoch against NumPy in float64: float64 within 1e-12, float32 1e-5, bfloat16 2^-8."""

import re

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from nnjax.network import gradient_check
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.backprop import autodiff, backprop
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.losses import LOSSES
from nnjax.network.matmul import TINY, in_bfloat16, matmul
from nnjax.network.models import mlp
from nnjax.training import batches, trainer
from nnjax.training.batches import Encoding
from nnjax.training.precision import PRECISIONS
from tests.training.conftest import TRAIN, VALIDATION, finished

RATE, L2, SIZE = 0.3, 2.0, 8
TOLERANCES = {"float64": 1e-12, "float32": 1e-5, "bfloat16": 2**-8}  # of parameters of order 1, and of the loss


def network(precision):
    return mlp((6, 5, 3), ACTIVATIONS["tanh"], INITIALIZERS["lecun"], PRECISIONS[precision].product)


def trained(training, precision, **settings):
    """(the untrained network, the training after an epoch)."""
    settings = {"hyperparams": {"learning_rate": RATE, "l2": L2}, "epochs": 1, "batch_size": SIZE, **settings}
    with jax.enable_x64(PRECISIONS[precision].x64):
        made = training(model=network(precision), **settings)
        begun = jax.tree.map(lambda leaf: np.asarray(leaf[0]), made.state.params)
        return begun, finished(made)


def epoch_by_hand(params, split, validation):
    """A whole epoch in NumPy and float64 (L2, L20, L23, L25-L28, L36): parameters, cost, validation loss."""
    layers = [[Theta.astype(float), b.astype(float)] for Theta, b in params]
    n = len(split.y)
    order = np.asarray(batches.epoch_order(jax.random.fold_in(trainer.keys(np.zeros(1, np.uint32))[1][0], 0), n, SIZE))[
        :n
    ]
    costs = []

    def forward(rows):
        x = rows / 255
        (Theta1, b1), (Theta2, b2) = layers
        a = np.tanh(x @ Theta1.T + b1)
        z = a @ Theta2.T + b2
        return x, a, z - np.logaddexp.reduce(z, axis=1, keepdims=True)

    for start in range(0, n, SIZE):
        chosen = order[start : start + SIZE]
        x, a, logarithms = forward(split.x[chosen].astype(float))
        y = np.eye(3)[split.y[chosen]]
        penalty = L2 / (2 * n) * sum((Theta**2).sum() for Theta, _ in layers)
        costs += [-(y * logarithms).sum() / len(y) + penalty] * len(y)
        delta2 = (np.exp(logarithms) - y) / len(y)
        delta1 = delta2 @ layers[1][0] * (1 - a * a)
        for layer, delta, inputs in zip(layers, (delta1, delta2), (x, a), strict=True):
            layer[0] = layer[0] - RATE * (delta.T @ inputs + L2 / n * layer[0])
            layer[1] = layer[1] - RATE * delta.sum(axis=0)
    held_out = forward(validation.x.astype(float))[2]
    return layers, np.mean(costs), -held_out[np.arange(len(validation.y)), validation.y].mean()


@pytest.mark.parametrize(
    "precision", [pytest.param(name, marks=() if name == "float32" else pytest.mark.ci) for name in TOLERANCES]
)
def test_an_epoch_is_the_one_of_numpy_within_the_stated_tolerance(training, precision):
    begun, run = trained(training, precision)
    expected, cost, held_out = epoch_by_hand(begun, TRAIN, VALIDATION)
    history = run.history()
    found = [*jax.tree.leaves(run.params("last")), history["train/cost"][:, 1], history["validation/loss"][:, 1]]
    errors = [
        np.abs(value[0] - reference).max()
        for value, reference in zip(found, [*jax.tree.leaves(expected), cost, held_out], strict=True)
    ]
    assert max(errors) < TOLERANCES[precision]
    if precision == "bfloat16":  # and not closer: the products are rounded here, too
        assert max(errors) > TOLERANCES["float32"]


@pytest.mark.ci
@pytest.mark.parametrize("precision", TOLERANCES)
def test_state_and_history_have_one_float_type(training, precision):
    """Parameters, hyperparameters, sums, history: float64 throughout, else float32."""
    assert floats(trained(training, precision)[1]) == {np.dtype(float if precision == "float64" else np.float32)}


@pytest.mark.ci
def test_moments_of_an_optimiser_are_float64_too(training):
    hyperparams = {"learning_rate": 0.1, "b1": 0.9, "b2": 0.99, "eps": 1e-8}
    _, run = trained(training, "float64", hyperparams=hyperparams, optimizer="adam")
    assert len(jax.tree.leaves(run.state.optimizer)) > 8
    assert floats(run) == {np.dtype(float)}


def floats(run):
    """The float types in a training."""
    leaves = [*jax.tree.leaves((run.state, run.hyperparams)), *run.history().values()]
    return {leaf.dtype for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)}


def test_precisions_begin_alike_and_take_turns_in_a_process(training):
    """The same weights and order in each; and float32 has its bits again after float64."""
    runs = [trained(training, precision) for precision in ("float32", "float64", "bfloat16", "float32")]
    for begun, run in runs[1:]:
        for one, other in zip(*map(jax.tree.leaves, (begun, runs[0][0])), strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_allclose(run.history()["train/loss"], runs[0][1].history()["train/loss"], atol=2**-8)
    for one, other in zip(*(jax.tree.leaves(run.params("last")) for _, run in (runs[0], runs[3])), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.ci
def test_label_noise_is_the_same_in_float64():
    y, key = np.arange(100, dtype=np.int32) % 3, jax.random.key(1)
    single = np.asarray(batches.flip_labels(key, jnp.asarray(y), jnp.asarray(0.3, float), 3))
    with jax.enable_x64(True):
        double = np.asarray(batches.flip_labels(key, jnp.asarray(y), jnp.asarray(0.3, float), 3))
    assert 10 < (single != y).sum() < 50
    np.testing.assert_array_equal(single, double)
    assert double.dtype == np.int32


def test_a_regressions_targets_are_as_precise_as_its_inputs():
    """L8: (y - mean) / deviation of float32 rows, computed in float64."""
    encoding = Encoding((0.1,), 0.3, (1,), 1, mean=1 / 3, deviation=0.7)
    x, y = np.array([[0.7]], np.float32), np.array([0.9], np.float32)
    with jax.enable_x64(True):
        targets, inputs = batches.targets(jnp.asarray(y), encoding), batches.inputs(jnp.asarray(x), encoding)
    np.testing.assert_allclose(targets[0, 0], (float(y[0]) - 1 / 3) / 0.7, rtol=1e-15)
    np.testing.assert_allclose(inputs[0, 0], float(x[0, 0]) * 0.1 + 0.3, rtol=1e-15)


def test_bfloat16_rounds_the_factors_and_sums_in_float32():
    """Each factor to 8 bits, nothing else: 300 products summed as float32 sums them."""
    rng = np.random.default_rng(0)
    A, B = (rng.normal(size=shape).astype(np.float32) for shape in ((7, 300), (300, 5)))
    a, b = (matrix.astype(ml_dtypes.bfloat16).astype(float) for matrix in (A, B))
    found = np.asarray(jax.jit(in_bfloat16)(A, B))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, a @ b, atol=1e-5)
    assert np.abs(found - A.astype(float) @ B).max() > 1e-3


@pytest.mark.slow
def test_in_bfloat16_the_gradient_by_hand_is_that_of_jax():
    """L32: the same products are rounded, so they agree as in float32; and the equations are checked in float64."""
    model, loss = network("bfloat16"), LOSSES["cross_entropy"]
    params = model.init(jax.random.key(0), 1.0)
    x, y = batches.inputs(jnp.asarray(TRAIN.x), Encoding(1 / 255, 0.0, (6,), 3)), jax.nn.one_hot(TRAIN.y, 3)
    by_hand, automatic = (gradient(model, loss)(params, x, y)[1] for gradient in (backprop, autodiff))
    for one, other in zip(*map(jax.tree.leaves, (by_hand, automatic)), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-7)
    assert gradient_check.check(network("float32"), loss, 0).passed
    assert not gradient_check.check(model, loss, 0).passed


@pytest.mark.slow
def test_lanes_in_bfloat16_are_trainings_of_their_own(training):
    """Side by side (vmap): another kind of product for XLA."""
    _, lanes = trained(training, "bfloat16", seeds=(0, 1))
    for lane in (0, 1):
        _, alone = trained(training, "bfloat16", seeds=(lane,))  # compiled before
        for together, single in zip(*(jax.tree.leaves(run.params("last")) for run in (lanes, alone)), strict=True):
            np.testing.assert_allclose(together[lane], single[0], atol=2**-8)


@pytest.mark.parametrize("inner", [1, TINY // 16, TINY // 16 + 1])
def test_a_tiny_product_is_the_sum_that_it_is(inner):
    """And so are its gradients; one multiplication more, and it is XLA's product."""
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(2, inner)).astype(np.float32), rng.normal(size=(inner, 8)).astype(np.float32)
    np.testing.assert_allclose(matmul(jnp.asarray(A), jnp.asarray(B)), A @ B, rtol=1e-5, atol=1e-5)
    d_A, d_B = jax.grad(lambda A, B: matmul(A, B).sum(), argnums=(0, 1))(A, B)
    np.testing.assert_allclose(d_A, np.ones((2, 8)) @ B.T, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(d_B, A.T @ np.ones((2, 8)), rtol=1e-5, atol=1e-5)
    assert ("dot_general" in str(jax.make_jaxpr(matmul)(A, B))) == (2 * inner * 8 > TINY)


@pytest.mark.parametrize("platform", ["cuda", "tpu"])
def test_what_an_accelerator_is_asked_to_multiply(platform):
    """bfloat16 into float32; and float32 in full, where the default would be TF32 or bfloat16."""
    A = jax.ShapeDtypeStruct((16, 16), np.float32)

    def products(precision):
        with jax.default_matmul_precision(PRECISIONS[precision].matmul):
            program = jax.jit(PRECISIONS[precision].product).trace(A, A).lower(lowering_platforms=(platform,))
        return re.findall(r"dot_general.*", program.as_text())

    (full,), (narrow,) = products("float32"), products("bfloat16")
    assert "[HIGHEST, HIGHEST]" in full
    assert "[DEFAULT, DEFAULT]" in narrow
    assert "(tensor<16x16xbf16>, tensor<16x16xbf16>) -> tensor<16x16xf32>" in narrow
