"""From plain records to the network and the training they describe."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnjax.config.schema import Config
from nnjax.data.dataset import Dataset, Split, digest_of_splits
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.layers.pooling import POOLINGS
from nnjax.network.losses import LOSSES
from nnjax.network.matmul import Product, matmul
from nnjax.network.models import Model, lenet5, mlp
from nnjax.training import batches, layout
from nnjax.training.layout import ExecutionPlan, Workload
from nnjax.training.metrics import EVALUATION_BATCH
from nnjax.training.optimizers import schedule
from nnjax.training.precision import PRECISIONS
from nnjax.training.train_state import MAX_EPOCHS_PER_CALL, TrainSpec, columns
from nnjax.training.trainer import Trainer

OPTIMIZER_COPIES = {"sgd": 0, "adam": 2, "adamw": 2}  # moments of an optimiser, in parameters; one in the others
MODELS = {
    "mlp": lambda record, inputs, outputs, product: mlp(
        (inputs[0], *record.hidden, outputs), ACTIVATIONS[record.activation], INITIALIZERS[record.init], product
    ),
    "lenet5": lambda record, inputs, outputs, product: lenet5(
        outputs, ACTIVATIONS[record.activation], INITIALIZERS[record.init], POOLINGS[record.pooling], product
    ),
}


def outputs(config: Config, dataset: Dataset) -> int:
    """Units of the output layer: one for a binary task, unless softmax coordinates two; else one a class (L5-L7).

    Of a regression one (L8).
    """
    if dataset.task == "regression":
        return 1
    return 1 if dataset.task == "binary" and config.loss.name != "cross_entropy" else len(dataset.classes)


def model(config: Config, dataset: Dataset, product: Product = matmul) -> Model:
    """The architecture for this data; `product` multiplies its matrices."""
    return MODELS[config.model.name](config.model, dataset.preprocessing.shape, outputs(config, dataset), product)


def trainer(
    lanes: Sequence[Config], dataset: Dataset, room: int | None = None, history_epochs: int | None = None
) -> Trainer:
    """Return the trainer of these configurations, which differ in lane keys alone: one lane for each.

    room: how many lanes the programs are compiled for, so that groups of other sizes share them; None: just these.
    history_epochs: about how many epochs the history keeps; None: all.
    """
    config, train = lanes[0], dataset.train
    size, settings = batch_size(config, len(train.y)), config.training
    per_epoch = batches.num_batches(len(train.y), size)
    values = [hyperparams(lane) for lane in lanes]
    spec = TrainSpec(
        model=model(config, dataset, PRECISIONS[config.runtime.precision].product),
        loss=LOSSES[config.loss.name],
        encoding=encoding(config, dataset),
        optimizer=config.optimizer.name,
        schedule=schedule(updates=settings.epochs * per_epoch, per_epoch=per_epoch, **vars(config.schedule)),
        clip=any(np.isfinite(lane["clip_norm"]) for lane in values),
        gradients=settings.gradients,
        penalised=any(lane["l2"] > 0 for lane in values),
        noisy=any(lane["label_noise"] > 0 for lane in values),
        batch_size=size,
        keep_best=settings.keep == "best",
    )
    return Trainer(
        spec,
        {name: np.array([lane[name] for lane in values], float) for name in values[0]},
        [lane.seed for lane in lanes],
        shuffle_seeds(lanes),
        batches.Split(*train),
        batches.Split(*dataset.validation),
        settings.epochs,
        plan(lanes, room or len(lanes), dataset),
        history_epochs,
    )


def encoding(config: Config, dataset: Dataset) -> batches.Encoding:
    """How this data become inputs and targets."""
    units = () if dataset.target is None else (dataset.target.mean, dataset.target.deviation)
    return batches.Encoding(*dataset.preprocessing, outputs(config, dataset), *units)


def plan(lanes: Sequence[Config], room: int, dataset: Dataset) -> ExecutionPlan:
    """How these lanes are run: the configuration's choice, or the rule's."""
    config, size = lanes[0], batch_size(lanes[0], len(dataset.train.y))
    work = Workload(
        products=model(config, dataset).products,
        batch_size=size,
        same_order=len(set(shuffle_seeds(lanes))) == 1,
        accelerator=jax.default_backend() != "cpu",
    )
    devices = min(config.runtime.devices or jax.device_count(), jax.device_count())
    return layout.plan(config.lanes.strategy, room, devices, work)


def parameters(config: Config, dataset: Dataset) -> int:
    """How many numbers the network has."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(shapes(config, dataset)))


def units(config: Config, dataset: Dataset) -> tuple[int, ...]:
    """s: how many units, or maps of units, each layer has, inputs first and outputs last (L3)."""
    return (math.prod(dataset.preprocessing.shape), *(len(layer.b) for layer in shapes(config, dataset)))


def shapes(config: Config, dataset: Dataset) -> Any:
    """The parameters' shapes, without numbers."""
    return jax.eval_shape(lambda: model(config, dataset).init(jax.random.key(0), 1.0))


def shuffle_seeds(lanes: Sequence[Config]) -> list[int]:
    """The seed of each lane's order of instances."""
    chosen = [lane.training.shuffle_seed for lane in lanes]
    return [lane.seed if seed is None else seed for lane, seed in zip(lanes, chosen, strict=True)]


def memory(lanes: Sequence[Config], dataset: Dataset) -> float:
    """Bytes that a lane in training takes, about: state (before, after, in work), history, activations, order."""
    config = lanes[0]
    size, width = batch_size(config, len(dataset.train.y)), math.prod(dataset.preprocessing.shape)
    copies = 5 + 2 * config.optimizer.name.startswith(
        "adam"
    )  # parameters: now, settled, best, gradient, update, moments
    network, rows = model(config, dataset), max(size, min(EVALUATION_BATCH, len(dataset.test.y)))
    x = jax.ShapeDtypeStruct((rows, *network.input_shape), jnp.result_type(float))
    kept = jax.eval_shape(lambda x: network.forward(network.init(jax.random.key(0), 1.0), x), x)
    batch = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(kept)) + size * width
    noisy = any(lane.data.label_noise > 0 for lane in lanes)
    rows = len(dataset.train.y) * (3 + 2 * noisy)  # the order and what sorts it, labels
    number = PRECISIONS[config.runtime.precision].bytes
    history = 3 * MAX_EPOCHS_PER_CALL * len(columns(len(network.products)))
    return float(number) * (3 * copies * parameters(config, dataset) + history + batch + rows)


def hyperparams(config: Config) -> dict[str, float]:
    """The settings that are traced: other values run in the same program."""
    rates = {key: value for key, value in vars(config.optimizer).items() if key != "name"}
    settings = config.training
    limits = {"clip_norm": settings.clip_norm, "patience": settings.patience}
    return {
        **rates,
        **{name: math.inf if limit is None else limit for name, limit in limits.items()},
        "init_scale": config.model.init_scale,
        "l2": settings.l2,
        "tolerance": settings.tolerance,
        "label_noise": config.data.label_noise,
    }


def batch_size(config: Config, rows: int) -> int:
    """Instances an update: as many as are asked for, at most all there are."""
    size = config.training.batch_size
    return rows if size == "full" else min(int(size), rows)


def limited(config: Config, dataset: Dataset) -> Dataset:
    """The data with as many training batches as `training.limit_batches` asks for, and the digest of those."""
    size, limit = batch_size(config, len(dataset.train.y)), config.training.limit_batches
    if limit is None:
        return dataset
    train = Split(*(part[: limit * size] for part in dataset.train))
    digest = digest_of_splits(train, dataset.validation, dataset.test)
    return dataclasses.replace(dataset, train=train, digest=digest)
