"""`nnjax evaluate RUN data=mnist`: a trained network on the test part of data, and how good it is for each class."""

import argparse
import csv
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnjax.cli.compare import aligned
from nnjax.inference.predictor import Floats
from nnjax.runs import evaluation_data, load

if TYPE_CHECKING:
    from nnjax.inference.scores import Score

HELP = "how good a trained network is on test data: accuracy, precision, recall, AUC; of a regression rmse and r2"
LOSSES = {"softmax": "cross_entropy", "sigmoid": "log_loss", "identity": "squared_error", "step": "perceptron"}
COLUMNS = ("class", "precision", "recall", "AUC", "instances")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which network, on which data."""
    parser.add_argument("trained", metavar="RUN", help=load.ABOUT)
    parser.add_argument(
        "overrides",
        nargs="*",
        metavar="DATA",
        help="as for training: data=mnist data.mirror=..., data.path=new.csv (all its rows); else the run's own test",
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
    found = load.find(given.trained, given.uri, Path.cwd())
    loss = found.settings.get("loss.name") or LOSSES[found.predictor.metadata["output"]]
    settings = evaluation_data.read(found, loss, given.overrides)

    from nnjax.inference import scores
    from nnjax.reporting.summary import panel
    from nnjax.runs import run_folder

    dataset, classes = evaluation_data.load(found, settings, given.overrides), found.predictor.metadata.get("classes")
    x, y = evaluation_data.fitted(found.predictor, dataset)
    about = [("run", found.name), ("data", run_folder.describe_data(dataset)), ("notice", dataset.notice)]
    about += [("beware", evaluation_data.overlap(found, settings))]
    if not classes:
        values = scores.score_regression(y, found.predictor.outputs(x)[:, 0])
        lines = [["metric", "value"], *([name, shown(value)] for name, value in values.items())]
    else:
        z = found.predictor.logits(x)
        predicted = found.predictor.classes_of_logits(z)
        every = scores.score_classes(y, predicted, scores.rank_instances(z, found.predictor.metadata["output"]))
        lines = table(classes, every, scores.average_classes(every))
        about += [
            ("loss", f"{mean_loss(loss, z, y):.4g} ({loss})"),
            ("accuracy", f"{np.mean(predicted == y):.4g}"),
        ]
    if given.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(lines)
    else:
        print(f"{panel(about)}\n\n{aligned(lines)}")


def shown(value: float) -> str:
    """Four digits, or a dash for what is not defined."""
    return "-" if math.isnan(value) else f"{value:.4g}"


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
