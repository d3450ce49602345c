"""Lanes against the same trainings one by one: time a lane and step, for each strategy.

python -m experiments.benchmarks.lanes [ROUNDS] [NAME ...]

Random bytes of MNIST's shape stand for the digits: an update takes the same time. All sides take turns in one process.
"""

import sys
import time
from collections.abc import Sequence

import jax
import numpy as np

from experiments.benchmarks.machine import describe
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.layers.pooling import POOLINGS
from nnjax.network.losses import LOSSES
from nnjax.network.models import Model, lenet5, mlp
from nnjax.training import compiler_options, layout
from nnjax.training.batches import Encoding, Split
from nnjax.training.layout import SINGLE_LANE, ExecutionPlan, Workload
from nnjax.training.train_state import MAX_EPOCHS_PER_CALL, Position, TrainSpec
from nnjax.training.trainer import Trainer

HYPER = {"learning_rate": 0.05, "b1": 0.9, "b2": 0.999, "eps": 1e-8}
HYPER |= {"init_scale": 1.0, "l2": 0.0, "tolerance": 0.0, "patience": np.inf, "clip_norm": np.inf, "label_noise": 0.0}
XOR = Split(np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0], np.int32))


def network(units: tuple[int, ...], activation: str) -> Model:
    """Fully connected."""
    return mlp(units, ACTIVATIONS[activation], INITIALIZERS["he"])


LENET5 = lenet5(10, ACTIVATIONS["tanh"], INITIALIZERS["lecun"], POOLINGS["average"])
CASES = {  # name: model, loss, optimizer, batch, lanes, steps a round
    "784-30-10, batch 10": (network((784, 30, 10), "sigmoid"), "cross_entropy", "sgd", 10, 16, 4000),
    "784-32-10, batch 128": (network((784, 32, 10), "relu"), "cross_entropy", "sgd", 128, 16, 628),
    "784-300-100-10, batch 128": (network((784, 300, 100, 10), "relu"), "cross_entropy", "sgd", 128, 16, 157),
    "784-10, batch 1": (network((784, 10), "relu"), "cross_entropy", "sgd", 1, 16, 5000),
    "2-4-1, XOR, 16 lanes": (network((2, 4, 1), "tanh"), "log_loss", "adam", 4, 16, 5000),
    "LeNet-5, batch 128": (LENET5, "cross_entropy", "sgd", 128, 8, 94),
    "2-4-1, XOR, 256 lanes": (network((2, 4, 1), "tanh"), "log_loss", "adam", 4, 256, 3000),
}


def digits(rows: int = 20_000) -> Split:
    """Random images and labels."""
    rng = np.random.default_rng(0)
    return Split(rng.integers(0, 255, (rows, 784), np.uint8), rng.integers(0, 10, rows).astype(np.int32))


def spec(model: Model, loss: str, optimizer: str, batch: int, scale: float) -> TrainSpec:
    """The static part of a plain training."""
    return TrainSpec(
        model=model,
        loss=LOSSES[loss],
        encoding=Encoding(scale, 0.0, model.input_shape, model.outputs),
        optimizer=optimizer,
        schedule=None,
        clip=False,
        gradients="backprop",
        penalised=False,
        noisy=False,
        batch_size=batch,
        keep_best=False,
    )


def training(case: str, lanes: int, plan: ExecutionPlan, same_order: bool) -> Trainer:
    """A training of a case, compiled."""
    model, loss, optimizer, batch, *_ = CASES[case]
    data, scale = (XOR, 1.0) if model.input_shape == (2,) else (digits(), 1 / 255)
    hyperparams = {name: np.full(lanes, value) for name, value in HYPER.items()}
    orders = [0] * lanes if same_order else range(lanes)
    made = spec(model, loss, optimizer, batch, scale)
    return Trainer(made, hyperparams, range(lanes), orders, data, Split(data.x[:0], data.y[:0]), 1_000_000, plan)


def plans(case: str) -> dict[str, tuple[int, ExecutionPlan, bool]]:
    """What is compared: name -> lanes, plan, whether lanes have one order of instances."""
    model, *_, batch, lanes, _ = CASES[case]
    found: dict[str, tuple[int, ExecutionPlan, bool]] = {"one by one": (1, SINGLE_LANE, False)}
    for same in (False, True)[: 1 if batch == 4 else 2]:
        accelerator = jax.default_backend() != "cpu"
        work = Workload(model.products, batch, same, accelerator)
        for name in ("vmap", "map", "auto"):
            plan = layout.plan(name, lanes, jax.device_count(), work)
            found[f"{name}{', shared batches' * same}"] = (lanes, plan, same)
    return found


def measure(case: str, rounds: int) -> dict[str, np.ndarray]:
    """Seconds a lane and step, (rounds,) of each side."""
    steps = CASES[case][-1]
    sides = plans(case)
    distinct = {(lanes, plan, same): training(case, lanes, plan, same) for lanes, plan, same in sides.values()}
    times: dict[tuple[int, ExecutionPlan, bool], list[float]] = {key: [] for key in distinct}
    for _ in range(rounds + 1):  # the first warms up
        for key, made in distinct.items():
            count = min(steps if key[0] == 1 else max(1, steps // 4), made.per_epoch * MAX_EPOCHS_PER_CALL)
            started = time.perf_counter()
            made.state, _ = made.call(made.state, Position(0, 0), count)
            times[key].append((time.perf_counter() - started) / count / key[0])
    return {name: np.array(times[key][1:]) for name, key in sides.items()}


def main(arguments: Sequence[str]) -> None:
    """Prints a table."""
    rounds = int(arguments[0]) if arguments else 7
    compiler_options.use()
    print(describe())
    for case in arguments[1:] or CASES:
        times = measure(case, rounds)
        alone = times.pop("one by one")
        print(f"{case}: one by one {np.median(alone) * 1e6:.2f} us a step")
        medians = {name: float(np.median(values)) for name, values in times.items()}
        for name, values in times.items():
            ratio = np.percentile(alone / values, [25, 50, 75])
            rivals = [median for rival, median in medians.items() if ("shared" in rival) == ("shared" in name)]
            spread = f"{ratio[1]:6.2f} times as fast ({ratio[0]:.2f} to {ratio[2]:.2f})"
            share = min(rivals) / medians[name]
            print(f"  {name:20} {medians[name] * 1e6:9.3f} us a lane and step, {spread}, {share:.2f} of the best")


if __name__ == "__main__":
    main(sys.argv[1:])
