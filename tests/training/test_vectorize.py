"""Lanes: each is the network that it would be alone, whatever the layout, its neighbours and the batches it shares."""

import jax
import numpy as np
import pytest

from nnjax.training import layout as strategy
from nnjax.training.layout import SINGLE_LANE, ExecutionPlan, Workload
from nnjax.training.optimizers import OPTIMIZERS, schedule
from nnjax.training.train_state import Position
from nnjax.training.vectorize import Layout
from tests.training.conftest import LARGER, finished

RATES = np.array([0.02, 0.1, 0.05, 0.2])
SEEDS = (3, 4, 5, 6)
OTHERS = {"momentum": 0.9, "b1": 0.9, "b2": 0.999, "eps": 1e-8, "weight_decay": 0.1, "decay": 0.9, "clip_norm": 1.0}
LAYOUTS = [Layout(1, 1, 4), Layout(2, 1, 2), Layout(1, 2, 2), Layout(1, 4, 1), Layout(2, 2, 1)]


def leaves(training):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(training.params("last"))]


def alone(training, lane, **changes):
    """One of the lanes by itself."""
    hyperparams = OTHERS | {"learning_rate": RATES[lane], "l2": 0.5 * lane, "label_noise": 0.1}
    return finished(training(hyperparams, seeds=(SEEDS[lane],), epochs=3, **changes))


def together(training, layout, **changes):
    """All lanes."""
    hyperparams = OTHERS | {"learning_rate": RATES, "l2": 0.5 * np.arange(4), "label_noise": 0.1}
    return finished(training(hyperparams, seeds=SEEDS, epochs=3, plan=ExecutionPlan(layout, False), **changes))


def assert_lanes_close(lanes, single, lane, tolerance):
    for a, b in zip(leaves(lanes), leaves(single), strict=True):
        np.testing.assert_allclose(a[lane], b[0], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "optimizer",
    [pytest.param(name, marks=pytest.mark.ci if name == "adamw" else pytest.mark.slow) for name in OPTIMIZERS],
)
def test_in_float64_a_lane_is_the_network_alone(training, optimizer):
    """Every optimiser, clipped, penalised and scheduled: within 1e-9 after training."""
    changes = {"optimizer": optimizer, "clip": True, "penalised": True}
    changes["schedule"] = schedule("cosine", updates=21, per_epoch=7, final=0.1)
    with jax.enable_x64(True):
        lanes = together(training, LAYOUTS[0], **changes)
        assert leaves(lanes)[0].dtype == np.float64
        for lane in (0, 3):
            assert_lanes_close(lanes, alone(training, lane, **changes), lane, 1e-9)


SLOW = [Layout(1, 1, 4), Layout(1, 2, 2), Layout(1, 4, 1)]


@pytest.mark.parametrize(
    "layout",
    [pytest.param(each, marks=pytest.mark.slow if each in SLOW else pytest.mark.ci) for each in LAYOUTS],
    ids=str,
)
def test_every_layout_trains_the_same_networks(training, layout):
    lanes = together(training, layout)
    for lane in range(4):
        assert_lanes_close(lanes, alone(training, lane), lane, 1e-5)  # 21 steps in float32


@pytest.mark.parametrize("layout", [Layout(2, 2, 1), pytest.param(Layout(1, 4, 1), marks=pytest.mark.slow)], ids=str)
def test_one_after_another_has_the_bits_of_the_network_alone(training, layout):
    """Though the program is another: it has a penalty and noise as soon as one lane has, and leaves no core out.

    Of products that are no sums: with jax 0.12 the bits of those depend on what they are fused with.
    """
    lanes = together(training, layout, model=LARGER)
    for lane in range(4):
        single = alone(training, lane, model=LARGER, plan=SINGLE_LANE._replace(one_core=True))
        for a, b in zip(leaves(lanes), leaves(single), strict=True):
            np.testing.assert_array_equal(a[lane], b[0])


@pytest.mark.ci
@pytest.mark.parametrize("layout", [pytest.param(Layout(1, 1, 4), marks=pytest.mark.slow), Layout(2, 1, 2)], ids=str)
def test_shared_batches_change_no_result(training, layout):
    hyperparams, orders = {"learning_rate": RATES}, (9, 9, 9, 9)
    own, shared = (
        finished(training(hyperparams, seeds=SEEDS, shuffle_seeds=orders, epochs=2, plan=ExecutionPlan(layout, flag)))
        for flag in (False, True)
    )
    for a, b in zip(leaves(own), leaves(shared), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.ci
def test_a_shared_batch_is_multiplied_once(training):
    """The first layer's product is one for all lanes: the point of sharing."""
    made = training(
        {"learning_rate": RATES},
        seeds=SEEDS,
        shuffle_seeds=(9,) * 4,
        plan=ExecutionPlan(Layout(1, 1, 4), True),
        model=LARGER,
    )
    position = Position(np.int32(0), np.int32(0))
    arguments = (made.state, made.order_keys, made.keys, made.hyperparams, *made.data, position, np.int32(1))
    lowered = made.programs.run_steps.lower(*arguments).as_text()
    products = [line for line in lowered.splitlines() if "dot_general" in line]
    assert any("tensor<8x6xf32>" in line and "tensor<4x100x6xf32>" in line for line in products)  # x, all lanes' Theta


def test_lanes_that_fill_the_layout_are_not_told(training):
    plan = ExecutionPlan(Layout(2, 1, 2), False)
    three = finished(training({"learning_rate": RATES[:3]}, seeds=SEEDS[:3], epochs=2, plan=plan))
    assert three.status.shape == three.epochs.shape == three.best_epoch.shape == (3,)
    assert three.history()["train/loss"].shape == (3, 3)
    assert all(len(leaf) == 3 for leaf in leaves(three))
    assert len(three.evaluate("last", three.data[0]).loss) == 3


def test_a_group_of_another_size_compiles_nothing(training):
    plan = ExecutionPlan(Layout(1, 1, 4), False)
    first = training({"learning_rate": RATES, "tolerance": 1e-30}, seeds=SEEDS, plan=plan)
    second = training({"learning_rate": RATES[:2], "tolerance": 1e-30}, seeds=SEEDS[:2], plan=plan)
    assert second.programs is first.programs
    assert second.compiles == 0


def test_label_noise_turns_its_share_of_the_labels(training):
    from nnjax.training.batches import flip_labels

    y = np.arange(3000, dtype=np.int32) % 3
    turned = np.asarray(flip_labels(jax.random.key(0), jax.numpy.asarray(y), jax.numpy.float32(0.2), 3))
    assert 0.17 < (turned != y).mean() < 0.23
    assert set(turned) == {0, 1, 2}
    shifts = (turned - y)[turned != y] % 3
    assert 0.4 < (shifts == 1).mean() < 0.6  # each of the other classes alike
    assert (np.asarray(flip_labels(jax.random.key(0), jax.numpy.asarray(y), jax.numpy.float32(0.0), 3)) == y).all()


def test_label_noise_is_of_the_training_data_alone(training):
    clean, noise = (finished(training({"label_noise": rate}, epochs=1)) for rate in (0.0, 0.5))
    first = {name: [run.history()[name][0, 0] for run in (clean, noise)] for name in ("train/loss", "validation/loss")}
    assert first["train/loss"][0] != first["train/loss"][1]
    assert first["validation/loss"][0] == first["validation/loss"][1]


XOR, IRIS, LIGHT, MIDDLE, HEAVY = (8, 4), (40, 30), (7840,), (25088, 320), (235200, 30000, 1000)


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        (Workload(LIGHT, 10, False, False), ExecutionPlan(Layout(2, 1, 8), False)),
        (Workload(HEAVY, 128, False, False), ExecutionPlan(Layout(2, 8, 1), False)),
        (Workload(MIDDLE, 128, True, False), ExecutionPlan(Layout(2, 1, 8), True)),
        (Workload(HEAVY, 128, True, False), ExecutionPlan(Layout(2, 8, 1), False)),
        (Workload(HEAVY, 128, False, True), ExecutionPlan(Layout(2, 1, 8), False)),
        (Workload(LIGHT, 1, True, False), ExecutionPlan(Layout(2, 1, 8), False)),
        (Workload(XOR, 4, False, False), ExecutionPlan(Layout(2, 1, 8), False)),
        (Workload(IRIS, 16, True, False), ExecutionPlan(Layout(2, 2, 4), False)),  # sums rather than one product
        (Workload(IRIS, 16, True, True), ExecutionPlan(Layout(2, 1, 8), True)),
    ],
)
def test_auto_follows_its_rule(work, expected):
    assert strategy.plan("auto", 16, 2, work) == expected


def test_the_lightest_lanes_are_side_by_side_in_groups():
    assert strategy.plan("auto", 1024, 2, Workload(XOR, 4, False, False)).layout == Layout(2, 5, 103)
    assert strategy.plan("auto", 256, 2, Workload(XOR, 4, False, False)).layout == Layout(2, 2, 64)
    assert strategy.plan("vmap", 256, 2, Workload(XOR, 4, False, False)).layout == Layout(2, 1, 128)
    assert strategy.plan("auto", 256, 2, Workload(XOR, 4, False, True)).layout == Layout(2, 1, 128)
    assert strategy.plan("auto", 256, 2, Workload(LIGHT, 4, False, False)).layout == Layout(2, 1, 128)


def test_plans_fill_all_devices():
    assert strategy.plan("vmap", 5, 4, Workload(LIGHT, 4, False, False)).layout == Layout(4, 1, 2)
    assert strategy.plan("map", 2, 8, Workload(LIGHT, 4, False, False)).layout == Layout(2, 1, 1)


@pytest.mark.parametrize(
    ("work", "one_core"),
    [
        (Workload(LIGHT, 4, True, False), True),
        (Workload(HEAVY, 128, False, False), False),
        (Workload(LIGHT, 4, True, True), False),
    ],
)
def test_a_small_network_alone_stays_on_one_core(work, one_core):
    assert strategy.plan("vmap", 1, 8, work) == strategy.SINGLE_LANE._replace(one_core=one_core)


def test_what_was_picked_is_said():
    plan = ExecutionPlan(Layout(2, 1, 8), True)
    assert strategy.describe("auto", 16, plan) == "16 lanes: vmap of 8 on 2 devices, shared batches (auto)"
    assert (
        strategy.describe("auto", 256, ExecutionPlan(Layout(2, 4, 32), False))
        == "256 lanes: 4 vmaps of 32 on 2 devices (auto)"
    )
