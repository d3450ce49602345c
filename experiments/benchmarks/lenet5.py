"""An epoch of LeNet-5 (batch 128, plain SGD, 60,000 rows, float32): nnjax by hand, by jax.grad, and PyTorch.

    python -m experiments.benchmarks.lenet5 [ROUNDS]

All sides do the same work on the same made-up digits, in turn, in one process; ratios are taken round by round. PyTorch
takes part where it is installed (`pip install torch`): its modules as they are, on as many threads as there are cores.
Last: eight lanes against one, time a lane. Prints medians, and ratios with their quartiles.
"""

import os
import sys
from collections.abc import Callable
from importlib.util import find_spec

import jax
import numpy as np

from experiments.benchmarks.lanes import HYPER
from experiments.benchmarks.machine import describe, in_turn
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.layers.pooling import POOLINGS
from nnjax.network.losses import LOSSES
from nnjax.network.models import lenet5
from nnjax.training import strategy
from nnjax.training.batches import Encoding, Split
from nnjax.training.loop import Training
from nnjax.training.programs import Position, Recipe
from nnjax.training.strategy import ALONE, Plan, Work

ROWS, BATCH, RATE, LANES = 60_000, 128, 0.1, 8
Epoch = Callable[[int], object]


def training(x: np.ndarray, y: np.ndarray, gradients: str, lanes: int = 1, plan: Plan = ALONE) -> Training:
    """LeNet-5 in nnjax, its rows kept as bytes."""
    recipe = Recipe(
        model=lenet5(10, ACTIVATIONS["tanh"], INITIALIZERS["lecun"], POOLINGS["average"]),
        loss=LOSSES["cross_entropy"],
        encoding=Encoding(1 / 255, 0.0, (784,), 10),
        optimizer="sgd",
        schedule=None,
        clip=False,
        gradients=gradients,
        penalised=False,
        noisy=False,
        batch_size=BATCH,
        keep_best=False,
    )
    hyper = {name: np.full(lanes, value) for name, value in (HYPER | {"learning_rate": RATE}).items()}
    return Training(recipe, hyper, range(lanes), range(lanes), Split(x, y), Split(x[:0], y[:0]), 1, plan)


def epoch_of(made: Training) -> Epoch:
    """An epoch of a training, all its steps in one call."""

    def run(epoch: int) -> None:
        made.state, _ = made.call(made.state, Position(epoch, 0), made.per_epoch)

    return run


def by_pytorch(x: np.ndarray, y: np.ndarray) -> Epoch:
    """The same network of PyTorch's own modules, rows of float32, shuffled each epoch."""
    import torch
    from torch import nn

    images = torch.tensor(x.reshape(-1, 1, 28, 28), dtype=torch.float32) / 255
    labels = torch.tensor(y, dtype=torch.long)
    maps = [nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)]
    units = [nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)]
    network = nn.Sequential(*maps, *units)
    descent = torch.optim.SGD(network.parameters(), lr=RATE)
    loss = nn.CrossEntropyLoss()

    def run(epoch: int) -> None:
        order = torch.randperm(len(images))
        for start in range(0, len(images), BATCH):
            rows = order[start : start + BATCH]
            descent.zero_grad()
            loss(network(images[rows]), labels[rows]).backward()
            descent.step()

    return run


def lanes_plan() -> Plan:
    """What `auto` chooses for eight lanes."""
    products = lenet5(10, ACTIVATIONS["tanh"], INITIALIZERS["lecun"], POOLINGS["average"]).products
    work = Work(6.0 * sum(products) * BATCH, BATCH, False, jax.default_backend() != "cpu", products[0] / sum(products))
    return strategy.plan("auto", LANES, jax.device_count(), work)


def report(times: dict[str, np.ndarray], one: str) -> None:
    """Medians, and how many times as fast `one` is as the others, or as much of their time."""
    for name, seconds in times.items():
        line = f"{name:<24} {np.median(seconds):6.3f} s an epoch (best {seconds.min():.3f}, of {len(seconds)})"
        if name != one:
            ratio = np.percentile(seconds / times[one], [25, 50, 75])
            line += f"; {one} is {ratio[1]:.2f} times as fast (quartiles {ratio[0]:.2f} to {ratio[2]:.2f})"
        print(line, flush=True)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    jax.config.update("jax_num_cpu_devices", os.cpu_count())
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 256, (ROWS, 784), dtype=np.uint8), rng.integers(10, size=ROWS).astype(np.int32)
    print(describe())
    sides = {"by hand": epoch_of(training(x, y, "backprop")), "jax.grad": epoch_of(training(x, y, "autodiff"))}
    if find_spec("torch"):
        import torch

        print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")
        sides["PyTorch"] = by_pytorch(x, y)
    report(in_turn(sides, rounds), "by hand")
    plan = lanes_plan()
    few = ROWS // 10
    one, eight = training(x[:few], y[:few], "backprop"), training(x[:few], y[:few], "backprop", LANES, plan)
    times = in_turn({"one lane": epoch_of(one), "eight lanes": epoch_of(eight)}, rounds)
    ratio = np.percentile(times["eight lanes"] / LANES / times["one lane"], [25, 50, 75])
    print(f"{strategy.words('auto', LANES, plan)}: a lane takes {ratio[1]:.2f} of one's time alone", end="")
    print(f" (quartiles {ratio[0]:.2f} to {ratio[2]:.2f})")


if __name__ == "__main__":
    main()
