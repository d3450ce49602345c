"""Trainings: the result is that of the equations, and does not depend on chunks, lanes or what was compiled before."""

import re

import jax
import numpy as np
import pytest

from nnjax.network.activations import ACTIVATIONS
from nnjax.network.backprop import backprop, with_l2
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.losses import LOSSES
from nnjax.network.models import mlp
from nnjax.training import batches, trainer
from nnjax.training.batches import Split
from nnjax.training.layout import ExecutionPlan
from nnjax.training.train_state import COLUMNS, columns
from nnjax.training.train_step import norms
from nnjax.training.vectorize import Layout
from tests.training.conftest import LARGER, TRAIN, VALIDATION, digits, finished

NONE = digits(0, 0)
MODEL = mlp((6, 5, 3), ACTIVATIONS["tanh"], INITIALIZERS["lecun"])


def leaves(params):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(params)]


def assert_same(a, b):
    for left, right in zip(leaves(a), leaves(b), strict=True):
        np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize(
    "size", [8, pytest.param(1, marks=pytest.mark.ci), pytest.param(len(TRAIN.y), marks=pytest.mark.ci)]
)
def test_an_epoch_is_its_updates_one_by_one(training, size):
    """Theta <- Theta - alpha D over the batches of the epoch's order, the short one included (L36, L37).

    A batch of one is the loop of softmax regression (L35), a batch of all batch gradient descent (L34).
    """
    hyperparams = {"learning_rate": 0.3, "l2": 2.0}
    once = finished(training(hyperparams, epochs=1, batch_size=size))
    params = jax.tree.map(lambda leaf: leaf[0], training(hyperparams, epochs=1, batch_size=size).state.params)
    model, loss, n = MODEL, LOSSES["cross_entropy"], len(TRAIN.y)
    encoding = batches.Encoding(1 / 255, 0.0, (6,), 3)
    order = np.asarray(batches.epoch_order(jax.random.fold_in(trainer.keys(np.zeros(1, np.uint32))[1][0], 0), n, size))
    gradient = jax.jit(with_l2(backprop(model, loss)))
    losses = []
    for start in range(0, n, size):
        chosen = order[start : min(start + size, n)]
        x, y = batches.inputs(jax.device_put(TRAIN.x[chosen]), encoding), np.eye(3, dtype=np.float32)[TRAIN.y[chosen]]
        (value, _), grads = gradient(params, x, jax.device_put(y), 2.0, n)
        losses += [float(value)] * len(chosen)
        params = jax.tree.map(lambda p, g: p - 0.3 * g, params, grads)
    for found, expected in zip(leaves(once.params("last")), leaves(params), strict=True):
        np.testing.assert_allclose(found[0], expected, rtol=2e-5, atol=1e-6)
    history = once.history()
    np.testing.assert_allclose(history["train/cost"][0, 1], np.mean(losses), rtol=1e-5)
    assert history["train/loss"][0, 1] < history["train/cost"][0, 1]


@pytest.mark.parametrize("steps", [1, 5, 16])
def test_chunks_do_not_matter(training, monkeypatch, steps):
    whole = finished(training())
    monkeypatch.setattr(trainer, "FIRST_STEPS", steps)
    monkeypatch.setattr(trainer, "CHUNK_SECONDS", 0.0)
    chunked = training()
    assert len(list(chunked.chunks())) > 4
    assert_same(whole.params("last"), chunked.params("last"))
    for name, values in whole.history().items():
        np.testing.assert_array_equal(values, chunked.history()[name])


def test_history_has_a_row_an_epoch_and_one_before(training):
    history = finished(training(epochs=3)).history()
    assert set(history) == set(columns(2)) - {"train/cost"}  # without an l2 it is the loss
    assert all(values.shape == (1, 4) for values in history.values())
    assert all(np.isnan(history[name][0, 0]) for name in history if name.startswith("gradient/"))
    assert all(np.isfinite(values[0, 1:]).all() for values in history.values())


@pytest.mark.ci
def test_norms_by_layer_are_those_of_its_parameters_and_of_the_last_gradient(training):
    """And all layers together are what they are of one layer: sqrt of the sum of squares."""
    run = finished(training({"learning_rate": 0.5}, epochs=1, batch_size=len(TRAIN.y)))
    before = training({"learning_rate": 0.5}, epochs=1, batch_size=len(TRAIN.y)).state.params
    history = {name: values[0] for name, values in run.history().items()}
    for number, (old, new) in enumerate(zip(before, run.params("last"), strict=True), 1):
        was, now = (np.concatenate([np.ravel(layer.Theta[0]), layer.b[0]]) for layer in (old, new))
        measured = history[f"parameters/norm/{number}"]
        np.testing.assert_allclose(measured, [np.linalg.norm(was), np.linalg.norm(now)], rtol=1e-5)
        np.testing.assert_allclose(history[f"gradient/norm/{number}"][1], np.linalg.norm(now - was) / 0.5, rtol=1e-3)
    for kind in ("parameters", "gradient"):
        together = np.hypot(history[f"{kind}/norm/1"], history[f"{kind}/norm/2"])
        np.testing.assert_allclose(history[f"{kind}/norm"], together, rtol=1e-5)


def test_of_one_layer_the_norm_of_all_is_the_layers(training):
    one = training().state.params[:1]
    assert norms(one).shape == (1,)
    assert columns(len(one)) == COLUMNS


@pytest.mark.parametrize("layout", [Layout(1, 1, 1), Layout(2, 1, 1)])
def test_each_program_is_compiled_once(training, compiled, layout):
    """Whether it is lowered first, side by side with the other, or called."""
    trainer.compile_programs.cache_clear()
    lanes = tuple(range(layout.lanes))
    finished(training(seeds=lanes, plan=ExecutionPlan(layout, False), keep_best=False)).evaluate("last", VALIDATION)
    assert compiled.count("jit(run)") == 3


def test_other_rates_and_seeds_compile_nothing(training):
    hyperparams = {"momentum": 0.9, "clip_norm": 1.0, "l2": 0.1}
    first = finished(training(hyperparams, optimizer="momentum", clip=True))
    sizes = [program._cache_size() for program in first.programs]
    other = {
        "momentum": 0.5,
        "clip_norm": 3.0,
        "learning_rate": 0.7,
        "l2": 1.0,
        "init_scale": 2.0,
        "patience": 2,
        "tolerance": 1e-9,
    }
    second = finished(training(other, seeds=(5,), optimizer="momentum", clip=True))
    assert second.programs is first.programs
    assert [program._cache_size() for program in second.programs] == sizes
    assert any((a != b).any() for a, b in zip(leaves(first.params("last")), leaves(second.params("last")), strict=True))


@pytest.mark.parametrize(
    ("loss", "validation"),
    [
        ("cross_entropy", VALIDATION),
        pytest.param("cross_entropy", NONE, marks=pytest.mark.ci),
        pytest.param("perceptron", NONE, marks=pytest.mark.ci),
    ],
)
def test_the_state_comes_back_with_its_types(training, loss, validation):
    """Weak types included: with another type the second call would compile the program again."""
    made = training(validation=validation, keep_best=False, loss=LOSSES[loss])
    begun, _ = jax.eval_shape(made.programs.init, made.keys, made.hyperparams, *made.data)
    types = [(leaf.shape, leaf.dtype, leaf.weak_type) for leaf in jax.tree.leaves(begun)]
    assert [(leaf.shape, leaf.dtype, leaf.weak_type) for leaf in jax.tree.leaves(made.state)] == types


@pytest.mark.ci
def test_lanes_are_trainings_of_their_own(training):
    rates = np.array([0.1, 0.5, 1.0])
    lanes = finished(training({"learning_rate": rates}, seeds=(3, 4, 5), epochs=2))
    for lane, (rate, seed) in enumerate(zip(rates, (3, 4, 5), strict=True)):
        alone = finished(training({"learning_rate": rate}, seeds=(seed,), epochs=2))
        for together, single in zip(leaves(lanes.params("last")), leaves(alone.params("last")), strict=True):
            np.testing.assert_allclose(together[lane], single[0], rtol=1e-4, atol=1e-5)


def test_a_diverging_lane_is_marked_and_the_others_go_on(training):
    lanes = finished(training({"learning_rate": np.array([0.1, 1e38])}, seeds=(0, 0), epochs=3))
    alone = finished(training({"learning_rate": np.array([0.1, 0.2])}, seeds=(0, 0), epochs=3))
    assert lanes.stopped == ["epoch limit", "diverged"]
    assert lanes.epochs.tolist()[0] == 3
    assert lanes.epochs.tolist()[1] in (1, 2)
    assert all(np.isfinite(leaf).all() for leaf in leaves(lanes.params("last")))
    for a, b in zip(leaves(lanes.params("last")), leaves(alone.params("last")), strict=True):
        np.testing.assert_array_equal(a[0], b[0])


def test_convergence_stops_and_is_said(training):
    stopped = finished(training({"tolerance": 1e9}))
    assert stopped.stopped == ["converged"]  # L37
    assert stopped.epochs.tolist() == [1]


def test_patience_counts_epochs_without_a_better_validation(training):
    stuck = finished(training({"learning_rate": 1e-30, "patience": 2}, epochs=9))
    assert stuck.stopped == ["early stopping"]
    assert stuck.epochs.tolist() == [2]


def test_best_is_the_state_of_the_lowest_validation_loss(training):
    run = finished(training({"learning_rate": 3.0}, epochs=12))
    validation = run.history()["validation/loss"][0]
    assert run.best_epoch[0] == validation.argmin()
    found = run.evaluate("best", Split(*VALIDATION))
    np.testing.assert_allclose(found.loss, [validation.min()], rtol=1e-5)


@pytest.mark.ci
def test_without_validation_it_is_not_measured(training):
    run = finished(training(validation=NONE, keep_best=False, epochs=2))
    assert np.isnan(run.history()["validation/loss"]).all()
    assert run.stopped == ["epoch limit"]


def test_one_batch_can_be_overfitted(training):
    run = finished(training({"learning_rate": 2.0}, epochs=500, train=digits(8, 5)))
    assert run.history()["train/accuracy"][0, -1] == 1.0


def test_both_gradients_train_alike(training):
    by_hand, automatic = (finished(training(gradients=name)) for name in ("backprop", "autodiff"))
    for a, b in zip(leaves(by_hand.params("last")), leaves(automatic.params("last")), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_shared_shuffling(training):
    """The same shuffle seed and other initial weights: batches are shared."""
    a, b = (finished(training(seeds=(s,), shuffle_seeds=(9,), epochs=1)) for s in (0, 1))
    assert (jax.random.key_data(a.order_keys) == jax.random.key_data(b.order_keys)).all()
    assert any((x != y).any() for x, y in zip(leaves(a.params("last")), leaves(b.params("last")), strict=True))


@pytest.mark.ci
def test_the_forward_pass_is_computed_once(training):
    """Accuracy needs z, which the gradient has computed: XLA must not do it again."""
    run = training(epochs=1, model=LARGER)
    position = trainer.Position(np.int32(0), np.int32(0))
    lowered = run.programs.run_steps.lower(
        run.state, run.order_keys, run.keys, run.hyperparams, *run.data, position, np.int32(1)
    )
    found = re.findall(r"= f32\[(\d+),(\d+)\]\S* dot\(", lowered.compile().as_text())
    products = sorted((int(rows), int(columns)) for rows, columns in found if columns != "1")  # 1: sums over instances
    forward, d_in, d_theta = [(8, 100), (8, 3)], [(8, 100)], [(3, 100), (100, 6)]  # no d_in of the first layer
    update = forward + d_in + d_theta  # in the loop, and again for an epoch's last
    assert products == sorted(update + update + [(23, 100), (23, 3)])  # and the validation's forward


def test_what_runs_on_after_the_stop_is_not_told(training):
    run = training({"tolerance": 1e9}, epochs=50)
    chunks = list(run.chunks())
    assert chunks[-1].epoch == 1
    assert np.isfinite(chunks[-1].rows[0, -1, 0])
    assert run.examples == len(TRAIN.y)
    assert run.history()["train/loss"].shape == (1, 2)


def test_a_last_update_that_overflows_is_found_in_the_validation(training):
    run = finished(training({"learning_rate": 1e36}, epochs=1, train=digits(8, 5)))
    assert run.stopped == ["diverged"]


def test_a_regression_learns_a_line_in_its_targets_own_units(training):
    """L8: rmse and r2 of each epoch's network in lanes, no accuracy; least squares is what they end at."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2)).astype(np.float32)
    y = (100 + x @ [3, -8] + rng.normal(size=40)).astype(np.float32)
    train, validation = Split(x[:30], y[:30]), Split(x[30:], y[30:])
    mean, deviation = float(train.y.mean()), float(train.y.std())
    encoding = batches.Encoding((1.0, 0.5), (0.25, 0.0), (2,), 1, mean, deviation)
    model = mlp((2, 1), ACTIVATIONS["identity"], INITIALIZERS["lecun"])
    changes = {"model": model, "loss": LOSSES["squared_error"], "encoding": encoding, "batch_size": 30}
    made = training({"learning_rate": 0.3}, (0, 1), 200, train, validation, **changes)
    chunks = list(made.chunks())
    history = made.history()
    assert {*history} == {
        *(f"{part}/{name}" for part in ("train", "validation") for name in ("loss", "rmse", "r2")),
        *("gradient/norm", "parameters/norm"),
    }
    assert chunks[0].rows.shape[2] == len(chunks[0].columns)
    (layer,) = made.params("last")
    for lane in (0, 1):
        h = (x[30:] * [1, 0.5] + [0.25, 0]) @ layer.Theta[lane].T * deviation + mean + layer.b[lane] * deviation
        errors = h[:, 0] - y[30:]
        np.testing.assert_allclose(history["validation/rmse"][lane, -1], np.sqrt(np.mean(errors**2)), rtol=1e-3)
        r2 = 1 - np.mean(errors**2) / np.var(y[30:])
        np.testing.assert_allclose(history["validation/r2"][lane, -1], r2, atol=1e-4)
    columns = np.c_[x[:30], np.ones(30)]
    residual = train.y - columns @ np.linalg.lstsq(columns, train.y)[0]
    np.testing.assert_allclose(history["train/rmse"][:, -1], np.sqrt(np.mean(residual**2)), rtol=1e-3)
    test = made.metrics_of_split("test", *made.evaluate("last", validation), validation.y)
    np.testing.assert_allclose(test["test/rmse"], history["validation/rmse"][:, -1], rtol=1e-5)
