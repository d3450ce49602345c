"""`nnjax evaluate RUN data=mnist`: how good a trained network is on the test part of data, also for each class."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nnjax.cli.arguments import add_csv, add_run, add_store
from nnjax.cli.table import print_table
from nnjax.inference.predictor import Floats
from nnjax.runs import evaluation_data, load

if TYPE_CHECKING:
    from nnjax.inference.scores import Score

HELP = "test a trained network on data: accuracy, precision, recall and AUC; rmse and r2 for a regression"
LOSSES = {"softmax": "cross_entropy", "sigmoid": "log_loss", "identity": "squared_error", "step": "perceptron"}
COLUMNS = ("class", "precision", "recall", "AUC", "instances")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the network and its data."""
    add_run(parser)
    data = "as for training: data=mnist data.mirror=..., data.path=new.csv (all its rows); default: the run's own test"
    parser.add_argument("overrides", nargs="*", metavar="DATA", help=data)
    add_csv(parser)
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print loss, accuracy and a table of classes; of a regression rmse and r2.

    Raises InputError if network or data are missing or do not fit each other.
    """
    trained = load.find(arguments.trained, arguments.uri, Path.cwd())
    network = trained.predictor
    loss = trained.settings.get("loss.name") or LOSSES[network.metadata["output"]]
    settings = evaluation_data.read(trained, loss, arguments.overrides)

    from nnjax.inference import scores
    from nnjax.reporting.text import number, panel

    dataset, classes = evaluation_data.load(trained, settings, arguments.overrides), network.metadata.get("classes")
    x, y = evaluation_data.fitted(network, dataset)
    facts = [
        ("run", trained.name),
        ("data", f"{dataset.called}: {len(y):,} for the test, from {dataset.source}"),
        ("notice", dataset.notice),
        ("beware", evaluation_data.overlap(trained, settings)),
    ]
    if not classes:
        values = scores.of_numbers(y, network.outputs(x)[:, 0])
        lines = [["metric", "value"], *([name, number(value)] for name, value in values.items())]
    else:
        z = network.logits(x)
        predicted = network.chosen(z)
        by_class = scores.by_class(y, predicted, scores.rising(z, network.metadata["output"]))
        lines = table(classes, by_class, scores.macro(by_class))
        facts += [
            ("loss", f"{number(mean_loss(loss, z, y))} ({loss})"),
            ("accuracy", number(float(np.mean(predicted == y)))),
        ]
    if not arguments.csv:
        print(f"{panel(facts)}\n")
    print_table(lines, arguments.csv)


def mean_loss(name: str, z: Floats, y: NDArray[np.integer[Any]]) -> float:
    """Return the mean of L(h, y) over all instances, from logits z (n, K) and class indices y (n,)."""
    import jax.numpy as jnp

    from nnjax.network.losses import LOSSES as LOSSES_BY_NAME
    from nnjax.training.batches import Encoding, targets

    encoding = Encoding(1.0, 0.0, (), outputs=z.shape[1])
    values = LOSSES_BY_NAME[name].value(jnp.asarray(z), targets(jnp.asarray(y, jnp.int32), encoding))
    return float(np.asarray(values, float).mean())


def table(classes: Sequence[str], scores: "Sequence[Score]", mean: "Score") -> list[list[str]]:
    """Return a line of names, a line for each class, and their mean; a dash where a score is not defined."""
    return [[*COLUMNS]] + [
        [name, *("-" if math.isnan(value) else f"{value:.4f}" for value in score[:3]), f"{score.instances}"]
        for name, score in zip([*classes, "macro mean"], [*scores, mean], strict=True)
    ]
