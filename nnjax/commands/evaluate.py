"""`nnjax evaluate RUN data=mnist`: a trained network on the test part of data, and how good it is for each class."""

import argparse
import csv
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hydra
import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from nnjax import config, trained, validation
from nnjax.commands.compare import aligned
from nnjax.config import Config
from nnjax.errors import InputError
from nnjax.predictor import Floats, Predictor
from nnjax.trained import Trained

if TYPE_CHECKING:
    from nnjax.data.dataset import Dataset
    from nnjax.scores import Score

HELP = "print a trained network's loss, accuracy, precision, recall and AUC on test data"
LOSSES = {"softmax": "cross_entropy", "sigmoid": "log_loss", "identity": "squared_error", "step": "perceptron"}
COLUMNS = ("class", "precision", "recall", "AUC", "instances")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which network, on which data."""
    parser.add_argument("trained", metavar="RUN", help=trained.ABOUT)
    parser.add_argument(
        "overrides", nargs="*", metavar="DATA", help="as for training: data=mnist data.mirror=...; else the run's own"
    )
    parser.add_argument("--csv", action="store_true", help="the table as comma-separated values")
    parser.add_argument(
        "--uri", metavar="URI", help="the store; else MLFLOW_TRACKING_URI, else mlflow.db in this folder"
    )


def run(given: argparse.Namespace) -> None:
    """Prints loss, accuracy and the table, of a regression rmse and r2.

    Raises:
        InputError: network or data aren't there, or don't fit each other.
    """
    found = trained.find(given.trained, given.uri, Path.cwd())
    loss = found.settings.get("loss.name") or LOSSES[found.predictor.metadata["output"]]
    settings = read(found, loss, given.overrides)

    from nnjax import assembly, results, scores
    from nnjax.data import sources
    from nnjax.tracking.describe import panel

    dataset = sources.load(**assembly.source(settings))
    check_fit(found.predictor, dataset)
    about = [("run", found.name), ("data", results.describe_data(dataset)), ("notice", dataset.notice)]
    x, y = dataset.test
    if dataset.task == "regression":
        values = scores.of_numbers(y, found.predictor.outputs(x)[:, 0])
        lines = [["metric", "value"], *([name, f"{value:.4g}"] for name, value in values.items())]
    else:
        z, predicted = found.predictor.logits(x), found.predictor.classes(x)
        every = scores.by_class(y, predicted, scores.rising(z, found.predictor.metadata["output"]))
        lines = table(dataset.classes, every, scores.macro(every))
        about += [
            ("loss", f"{mean_loss(loss, z, y):.4g} ({loss})"),
            ("accuracy", f"{np.mean(predicted == y):.4g}"),
        ]
    if given.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(lines)
    else:
        print(f"{panel(about)}\n\n{aligned(lines)}")


def read(found: Trained, loss: str, overrides: Sequence[str]) -> Config:
    """The settings of the data: what the overrides name, else the run's own with what they change.

    Raises:
        InputError: they are no settings of data, or none are known.
    """
    for override in overrides:
        if not override.lstrip("+").startswith(("data=", "data.")):
            raise InputError(
                f"{override}: the network is trained: only its data can be chosen; allowed: data=..., data.KEY=..."
            )
    own = {key.removeprefix("data."): value for key, value in found.settings.items() if key.startswith("data.")}
    named = any(override.startswith("data=") for override in overrides)
    if not named and not own:
        raise InputError(f"{found.name}: nothing says which data it was trained on: name some, such as data=mnist")
    config.register()
    with hydra.initialize_config_dir(str(config.configuration_folder()), version_base="1.3"):
        composed = hydra.compose("config", [f"loss={loss}", *([] if named else [f"data={own['name']}"]), *overrides])
    if not named:
        changed = {override.lstrip("+").partition("=")[0].removeprefix("data.") for override in overrides}
        for key, value in own.items():
            if key not in changed:
                OmegaConf.update(composed, f"data.{key}", value)
    return validation.read(composed, overrides)


def check_fit(network: Predictor, dataset: "Dataset") -> None:
    """Raises InputError unless the network takes such inputs and tells these classes apart."""
    takes, has = tuple(network.metadata["preprocessing"]["shape"]), dataset.test.x.shape[1:]
    if math.prod(takes) != math.prod(has):
        raise InputError(f"data={dataset.name}: the network takes inputs of the shape {takes}, these have {has}")
    classes = tuple(network.metadata.get("classes") or ())
    if classes != dataset.classes:
        raise InputError(
            f"data={dataset.name}: the network tells {names(classes)} apart, these data have {names(dataset.classes)}"
        )


def names(classes: Sequence[str]) -> str:
    """`10 classes (0, 1, 2, ...)`."""
    return f"{len(classes)} classes ({', '.join(classes[:3])}{', ...' if len(classes) > 3 else ''})"


def mean_loss(name: str, z: Floats, y: NDArray[np.integer[Any]]) -> float:
    """The mean of L(h, y) over all instances, from logits (n, K) and class indices (n,)."""
    import jax.numpy as jnp

    from nnjax.network.losses import LOSSES as BY_NAME
    from nnjax.training.batches import Encoding, targets

    encoding = Encoding(1.0, 0.0, (), outputs=z.shape[1])
    values = BY_NAME[name].value(jnp.asarray(z), targets(jnp.asarray(y, jnp.int32), encoding))
    return float(np.asarray(values, float).mean())


def table(classes: Sequence[str], every: "Sequence[Score]", mean: "Score") -> list[list[str]]:
    """A line of names, a line a class, and their mean; what is not defined is a dash."""
    rows: Mapping[str, Score] = {**dict(zip(classes, every, strict=True)), "macro mean": mean}
    return [[*COLUMNS]] + [
        [name, *("-" if math.isnan(value) else f"{value:.4f}" for value in score[:3]), f"{score.instances}"]
        for name, score in rows.items()
    ]
