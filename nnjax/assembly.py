"""From plain records to the network and the training they describe."""

import dataclasses

import numpy as np

from nnjax.config import Config
from nnjax.data.dataset import Dataset, Split, digest_of_splits
from nnjax.errors import InputError
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.losses import LOSSES
from nnjax.network.models import Model, mlp
from nnjax.training import batches
from nnjax.training.loop import Training
from nnjax.training.optimizers import schedule
from nnjax.training.programs import Recipe

MODELS = {
    "mlp": lambda record, inputs, outputs: mlp(
        (inputs[0], *record.hidden, outputs), ACTIVATIONS[record.activation], INITIALIZERS[record.init]
    ),
}


def outputs(config: Config, dataset: Dataset) -> int:
    """Units of the output layer: one for a binary task, unless softmax coordinates two; else one a class (L5-L7)."""
    return 1 if dataset.task == "binary" and config.loss.name != "cross_entropy" else len(dataset.classes)


def model(config: Config, dataset: Dataset) -> Model:
    """The architecture for this data."""
    return MODELS[config.model.name](config.model, dataset.preprocessing.shape, outputs(config, dataset))


def training(config: Config, dataset: Dataset) -> Training:
    """The training that the configuration describes, in one lane."""
    train = dataset.train
    size, settings = batch_size(config, len(train.y)), config.training
    per_epoch = batches.count(len(train.y), size)
    recipe = Recipe(
        model=model(config, dataset),
        loss=LOSSES[config.loss.name],
        encoding=batches.Encoding(*dataset.preprocessing, outputs(config, dataset)),
        optimizer=config.optimizer.name,
        schedule=schedule(updates=settings.epochs * per_epoch, per_epoch=per_epoch, **vars(config.schedule)),
        clip=settings.clip_norm is not None,
        gradients=settings.gradients,
        penalised=settings.l2 > 0,
        batch_size=size,
        keep_best=settings.keep == "best",
    )
    shuffle_seed = config.seed if settings.shuffle_seed is None else settings.shuffle_seed
    return Training(
        recipe,
        {name: np.array([value], float) for name, value in hyper(config).items()},
        [config.seed],
        [shuffle_seed],
        batches.Split(*train),
        batches.Split(*dataset.validation),
        settings.epochs,
    )


def hyper(config: Config) -> dict[str, float]:
    """The settings that are traced: other values run in the same program."""
    rates = {key: value for key, value in dataclasses.asdict(config.optimizer).items() if key != "name"}
    settings = config.training
    clip = {} if settings.clip_norm is None else {"clip_norm": settings.clip_norm}
    patience = float("inf") if settings.patience is None else settings.patience
    shared = {"init_scale": config.model.init_scale, "l2": settings.l2, "tolerance": settings.tolerance}
    return {**rates, **shared, **clip, "patience": patience}


def batch_size(config: Config, rows: int) -> int:
    """Instances an update.

    Raises:
        InputError: more than there are.
    """
    size = config.training.batch_size
    if size == "full":
        return rows
    if size > rows:
        raise InputError(f"training.batch_size={size}: must be at most the {rows} training instances; allowed: full")
    return int(size)


def limited(config: Config, dataset: Dataset) -> Dataset:
    """The data with as many training batches as `training.limit_batches` asks for, and the digest of those."""
    size, limit = batch_size(config, len(dataset.train.y)), config.training.limit_batches
    if limit is None:
        return dataset
    train = Split(*(part[: limit * size] for part in dataset.train))
    digest = digest_of_splits(train, dataset.validation, dataset.test)
    return dataclasses.replace(dataset, train=train, digest=digest)
