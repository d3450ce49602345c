"""Build the network, its data encoding and its trainer from a configuration and a dataset."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnjax.config.schema import Config
from nnjax.data.dataset import Dataset, Split, digest_splits
from nnjax.inference import predictor
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.losses import LOSSES
from nnjax.network.matmul import Product, matmul
from nnjax.network.models import MODELS, Model
from nnjax.runs import operations
from nnjax.training import batches, layout
from nnjax.training.layout import ExecutionPlan, Workload
from nnjax.training.metrics import EVALUATION_BATCH
from nnjax.training.optimizers import schedule
from nnjax.training.precision import PRECISIONS
from nnjax.training.train_state import MAX_EPOCHS_PER_CALL, TrainSpec, columns
from nnjax.training.trainer import Trainer

FORWARD_SETTINGS = ("name", "activation", "pooling")  # of a model: what its formula in the predictor needs


def output_units(config: Config, dataset: Dataset) -> int:
    """Return the number of units of the output layer.

    One for regression (L8) and for a binary task (L5), two for a binary task with softmax, otherwise one per class
    (L6, L7).
    """
    if dataset.task == "regression":
        return 1
    return 1 if dataset.task == "binary" and config.loss.name != "cross_entropy" else len(dataset.classes)


def make_model(config: Config, dataset: Dataset, product: Product = matmul) -> Model:
    """Return the architecture for this data; `product` multiplies its matrices."""
    inputs = math.prod(dataset.preprocessing.shape)
    return MODELS[config.model.name](config.model, inputs, output_units(config, dataset), product)


def network_metadata(config: Config, dataset: Dataset) -> dict[str, Any]:
    """Return what prediction needs besides the parameters; see `predictor.save`.

    Raises InputError for an activation or a model that prediction with NumPy can't compute.
    """
    settings, programs = config.model, {}
    if settings.name not in predictor.PADDING:
        programs = {"model": operations.model_program(settings.name, make_model(config, dataset))}
    elif settings.activation not in predictor.ACTIVATIONS:
        activation = ACTIVATIONS[settings.activation]
        programs = {"activation": operations.activation_program(settings.activation, activation)}
    return {
        "model": {key: getattr(settings, key) for key in FORWARD_SETTINGS if hasattr(settings, key)},
        "output": LOSSES[config.loss.name].activation,
        "preprocessing": dataset.preprocessing._asdict(),
        "classes": list(dataset.classes),
        **({"programs": programs} if programs else {}),
        **({"features": list(dataset.features)} if dataset.features else {}),
        **({"target": dataset.target._asdict()} if dataset.target else {}),
    }


def make_trainer(
    lanes: Sequence[Config], dataset: Dataset, room: int | None = None, history_epochs: int | None = None
) -> Trainer:
    """Return the trainer of these configurations, which differ in lane keys alone: one lane for each.

    room: the number of lanes that the programs are compiled for, so that groups of other sizes share them; None: as
    many as there are configurations. history_epochs: about how many epochs the history keeps; None: all.
    """
    config, train = lanes[0], dataset.train
    size, training = batch_size(config, len(train.y)), config.training
    updates_per_epoch = batches.num_batches(len(train.y), size)
    lane_values = [hyperparams(lane) for lane in lanes]
    updates = training.epochs * updates_per_epoch
    spec = TrainSpec(
        model=make_model(config, dataset, PRECISIONS[config.runtime.precision].product),
        loss=LOSSES[config.loss.name],
        encoding=make_encoding(config, dataset),
        optimizer=config.optimizer.name,
        schedule=schedule(updates=updates, per_epoch=updates_per_epoch, **vars(config.schedule)),
        clip=any(np.isfinite(values["clip_norm"]) for values in lane_values),
        gradients=training.gradients,
        penalised=any(values["l2"] > 0 for values in lane_values),
        noisy=any(values["label_noise"] > 0 for values in lane_values),
        batch_size=size,
        keep_best=training.keep == "best",
    )
    return Trainer(
        spec,
        {name: np.array([values[name] for values in lane_values], float) for name in lane_values[0]},
        [lane.seed for lane in lanes],
        shuffle_seeds(lanes),
        batches.Split(*train),
        batches.Split(*dataset.validation),
        training.epochs,
        make_execution_plan(lanes, room or len(lanes), dataset),
        history_epochs,
    )


def make_encoding(config: Config, dataset: Dataset) -> batches.Encoding:
    """Return how rows of the dataset become the network's inputs and targets."""
    target_scale = () if dataset.target is None else (dataset.target.mean, dataset.target.deviation)
    return batches.Encoding(*dataset.preprocessing, output_units(config, dataset), *target_scale)


def make_execution_plan(lanes: Sequence[Config], room: int, dataset: Dataset) -> ExecutionPlan:
    """Return how `room` lanes are executed: as `lanes.strategy` says, or as the rule for `auto` decides."""
    config = lanes[0]
    workload = Workload(
        products=make_model(config, dataset).products,
        batch_size=batch_size(config, len(dataset.train.y)),
        same_order=len(set(shuffle_seeds(lanes))) == 1,
        accelerator=jax.default_backend() != "cpu",
    )
    devices = min(config.runtime.devices or jax.device_count(), jax.device_count())
    return layout.plan(config.lanes.strategy, room, devices, workload)


def count_parameters(config: Config, dataset: Dataset) -> int:
    """Return the number of parameters, biases included."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(parameter_shapes(config, dataset)))


def layer_units(config: Config, dataset: Dataset) -> tuple[int, ...]:
    """Return s (L3): the units of each layer, inputs first and outputs last; the maps of a convolution."""
    layers = parameter_shapes(config, dataset)
    return (math.prod(dataset.preprocessing.shape), *(len(layer.b) for layer in layers))


def parameter_shapes(config: Config, dataset: Dataset) -> Any:
    """Return the parameters as shapes and types, without numbers."""
    return jax.eval_shape(lambda: make_model(config, dataset).init(jax.random.key(0), 1.0))


def shuffle_seeds(lanes: Sequence[Config]) -> list[int]:
    """Return the seed of each lane's order of instances: `training.shuffle_seed`, or if that is null `seed`."""
    return [lane.seed if lane.training.shuffle_seed is None else lane.training.shuffle_seed for lane in lanes]


def estimate_memory(lanes: Sequence[Config], dataset: Dataset) -> float:
    """Return about how many bytes a lane takes during training: states, history, one batch, and the epoch's order."""
    config = lanes[0]
    size, inputs = batch_size(config, len(dataset.train.y)), math.prod(dataset.preprocessing.shape)
    # Copies of the parameters in a state: current, of the epoch's start, best, gradient, update; two moments of Adam.
    copies = 5 + 2 * config.optimizer.name.startswith("adam")
    states = 3  # before an update, after it, and between
    model, rows = make_model(config, dataset), max(size, min(EVALUATION_BATCH, len(dataset.test.y)))
    x = jax.ShapeDtypeStruct((rows, *model.input_shape), jnp.result_type(float))
    activations = jax.eval_shape(lambda x: model.forward(model.init(jax.random.key(0), 1.0), x), x)
    batch = sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(activations)) + size * inputs
    noisy = any(lane.data.label_noise > 0 for lane in lanes)
    order = len(dataset.train.y) * (3 + 2 * noisy)  # the order of the rows, its sort keys, and noisy labels
    history = 3 * MAX_EPOCHS_PER_CALL * len(columns(len(model.products)))
    numbers = states * copies * count_parameters(config, dataset) + history + batch + order
    return float(PRECISIONS[config.runtime.precision].bytes) * numbers


def hyperparams(config: Config) -> dict[str, float]:
    """Return the hyperparameters that a compiled program takes as arguments, so that lanes of other values share it."""
    training = config.training
    limits = {"clip_norm": training.clip_norm, "patience": training.patience}
    return {
        **{key: value for key, value in vars(config.optimizer).items() if key != "name"},
        **{name: math.inf if limit is None else limit for name, limit in limits.items()},
        "init_scale": config.model.init_scale,
        "l2": training.l2,
        "tolerance": training.tolerance,
        "label_noise": config.data.label_noise,
    }


def batch_size(config: Config, rows: int) -> int:
    """Return the number of instances per update: `training.batch_size`, at most all rows."""
    size = config.training.batch_size
    return rows if size == "full" else min(int(size), rows)


def limit_batches(config: Config, dataset: Dataset) -> Dataset:
    """Return the dataset with the first `training.limit_batches` training batches alone, and the digest of those."""
    size, limit = batch_size(config, len(dataset.train.y)), config.training.limit_batches
    if limit is None:
        return dataset
    train = Split(*(part[: limit * size] for part in dataset.train))
    digest = digest_splits(train, dataset.validation, dataset.test)
    return dataclasses.replace(dataset, train=train, digest=digest)
