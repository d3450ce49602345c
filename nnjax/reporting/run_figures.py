"""The figures of a run: learning curves and norms for all, then those that suit its task and its data."""

import dataclasses
import importlib
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nnjax.config.schema import Config
from nnjax.data.dataset import Dataset, Split
from nnjax.inference import predictor
from nnjax.reporting.run_names import run_name
from nnjax.system import atomic
from nnjax.training.result import TrainingResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_IMAGES = 5  # in the figure of all layers
MAX_POINTS = 1000  # of a decision boundary

Figures = Iterator[tuple[str, "Figure"]]  # the name of a figure's file, and the figure


def import_beside_training(config: Config) -> None:
    """Import matplotlib in a thread, if there will be figures: half a second that passes while JAX trains."""
    if config.tracking.figures:
        threading.Thread(target=importlib.import_module, args=("nnjax.reporting.figures.curves",), daemon=True).start()


def write(folder: Path, config: Config, dataset: Dataset, outcome: TrainingResult) -> None:
    """Write the figures of a run, figures/*.png, unless tracking.figures=false."""
    if not config.tracking.figures:
        return
    from nnjax.reporting.figures import style

    units = [math.prod(dataset.preprocessing.shape), *(len(b) for _, b in outcome.params)]
    name = config.tracking.run_name or run_name(dataclasses.asdict(config), units, dataset.display_name)
    (folder / "figures").mkdir(exist_ok=True)
    for file_name, figure in figures(folder, config, dataset, outcome):
        with atomic.write_file(folder / "figures" / f"{file_name}.png") as file:
            style.save(figure, file, name)


def figures(folder: Path, config: Config, dataset: Dataset, outcome: TrainingResult) -> Figures:
    """Yield the figures that suit the task (regression, classes) and the data (images, truth tables).

    folder: has the network, model.safetensors.
    """
    from nnjax.reporting.figures import classification, curves, norms, regression

    marks = {name: np.append(np.full(outcome.kept_epoch, np.nan), value) for name, value in outcome.test.items()}
    yield "learning_curves", curves.learning_curves({**outcome.history, **marks}, config.loss.name, outcome.best_epoch)
    shapes = [" x ".join(map(str, Theta.shape)) for Theta, _ in outcome.params]
    yield "norms", norms.norms(outcome.history, [f"layer {i}: {shape}" for i, shape in enumerate(shapes, 1)])
    test, network = dataset.test, predictor.Predictor.load(folder / "model.safetensors")
    z = network.logits(test.x)
    if dataset.task == "regression":
        target = dataset.target.name if dataset.target else "y"
        yield "predicted_over_true", regression.predicted_over_true(test.y, network.outputs_of_logits(z)[:, 0], target)
        return
    yield "confusion_matrix", classification.confusion_matrix(test.y, network.classes_of_logits(z), dataset.classes)
    if test.x.ndim == 3:
        yield from _image_figures(dataset, network, z)
    if dataset.task == "binary" and test.x.shape[1:] == (2,):
        yield "decision_boundary", _boundary(dataset, network)
    if dataset.truth_table is not None:
        yield from _boolean_figures(dataset.truth_table, _trained_rows(dataset, dataset.truth_table), network)


def _image_figures(dataset: Dataset, network: predictor.Predictor, z: np.ndarray) -> Figures:
    """Yield images, mistakes, and the first layer as images: without hidden layers one for each class (L15).

    z: the logits of the test part.
    """
    from nnjax.reporting.figures import classification, digits, units

    test, classes = dataset.test, dataset.classes
    yield "digits", digits.digits(dataset.train.x, dataset.train.y, classes)
    h = network.outputs_of_logits(z)
    probabilities = np.concatenate([1 - h, h], axis=1) if h.shape[1] == 1 else h
    mistakes = classification.most_confident_mistakes(
        test.x, test.y, network.classes_of_logits(z), probabilities, classes
    )
    yield "most_confident_mistakes", mistakes
    (Theta, _), is_output = network.params[0], len(network.params) == 1
    if Theta.ndim == 4:
        yield from maps_figures(dataset, network)
        return
    yield "first_layer", units.hidden_units(Theta, test.x.shape[1:], classes[-len(Theta) :] if is_output else None)


def maps_figures(dataset: Dataset, network: predictor.Predictor) -> Figures:
    """Yield the filters of the convolutions, and what each layer sees of a few images of different classes (L16)."""
    from nnjax.reporting.figures import maps

    yield "filters", maps.filters([Theta for Theta, _ in network.params if Theta.ndim == 4])
    test, classes = dataset.test, dataset.classes
    first_of_class = np.sort(np.unique(test.y, return_index=True)[1])[:MAX_IMAGES]
    images = test.x[first_of_class]
    *layers, _ = network.layers(network.preprocess(images))
    labels = [classes[label] for label in test.y[first_of_class]]
    yield "layers", maps.layers_seen(images, layers, network.outputs(images), labels, classes)


def _boundary(dataset: Dataset, network: predictor.Predictor) -> "Figure":
    """Return h over the plane of two inputs, with the lines of the first hidden layer if there is one."""
    from nnjax.reporting.figures import boundary

    (Theta, b), names = network.params[0], dataset.features or ("input x1", "input x2")
    scale, shift = (np.broadcast_to(dataset.preprocessing[i], 2) for i in range(2))
    hidden = (Theta * scale, b + Theta @ shift) if len(network.params) > 1 else None  # z = Theta (x scale + shift) + b
    whole = dataset.truth_table
    points, trained = _points(dataset) if whole is None else (whole, _trained_rows(dataset, whole))
    h = lambda x: network.outputs(x)[:, -1]  # noqa: E731
    z = (lambda x: network.logits(x)[:, -1]) if network.metadata["output"] in ("sigmoid", "step") else None
    return boundary.decision_boundary(h, *points, hidden, names, trained, dataset.classes, z)


def _points(dataset: Dataset) -> tuple[Split, np.ndarray]:
    """Return rows of training and test, evenly spaced if there are many, and which were trained on, bool (rows,)."""
    (x, y), (test_x, test_y) = dataset.train, dataset.test
    trained = np.arange(len(y) + len(test_y)) < len(y)
    step = -(-len(trained) // MAX_POINTS)
    return Split(np.concatenate([x, test_x])[::step], np.concatenate([y, test_y])[::step]), trained[::step]


def _trained_rows(dataset: Dataset, whole: Split) -> np.ndarray:
    """Return which rows of a truth table were trained on, bool (rows,)."""
    places = 2.0 ** np.arange(whole.x.shape[1])
    return np.isin(whole.x @ places, dataset.train.x @ places)


def _boolean_figures(whole: Split, trained: np.ndarray, network: predictor.Predictor) -> Figures:
    """Yield the truth table, and what the last hidden layer makes of each row (L12), trained on or not."""
    from nnjax.reporting.figures import boundary, representation

    x, y = whole
    yield "truth_table", boundary.truth_table(x, y, network.outputs(x)[:, -1], trained)
    *hidden, (Theta, b) = network.params
    if hidden:
        *_, a, _ = network.layers(network.preprocess(x))
        output = predictor.OUTPUTS[network.metadata["output"]]
        h = lambda a: output(a @ Theta.T + b)[:, -1]  # noqa: E731
        yield "hidden_representation", representation.hidden_representation(h, a, x, y, trained)
