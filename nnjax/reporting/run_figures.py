"""Which figures a run gets: learning curves for all, then what suits its task and its data."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nnjax.config.schema import Config
from nnjax.data.dataset import Dataset, Split
from nnjax.inference import predictor
from nnjax.system import atomic
from nnjax.training.result import TrainingResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SEEN = 5  # images in the figure of all layers
POINTS = 1000  # of a decision boundary at most


def write(folder: Path, config: Config, dataset: Dataset, outcome: TrainingResult) -> None:
    """The figures of this kind of data, figures/*.png, unless switched off."""
    if not config.tracking.figures:
        return
    from nnjax.reporting.figures import style

    (folder / "figures").mkdir(exist_ok=True)
    for name, figure in figures(folder, config, dataset, outcome):
        with atomic.write_file(folder / "figures" / f"{name}.png") as file:
            style.save(figure, file)


def figures(folder: Path, config: Config, dataset: Dataset, outcome: TrainingResult) -> Iterator[tuple[str, "Figure"]]:
    """Learning curves and norms for all; then what suits the task and the data: regression, images, truth tables."""
    from nnjax.reporting.figures import classification, curves, norms, regression

    marks = {name: np.append(np.full(outcome.kept_epoch, np.nan), value) for name, value in outcome.test.items()}
    yield "learning_curves", curves.learning_curves({**outcome.history, **marks}, config.loss.name, outcome.best_epoch)
    shapes = [" x ".join(map(str, Theta.shape)) for Theta, _ in outcome.params]
    yield "norms", norms.norms(outcome.history, [f"layer {i}: {shape}" for i, shape in enumerate(shapes, 1)])
    test, network = dataset.test, predictor.Predictor.load(folder / "model.safetensors")
    z = network.logits(test.x)
    if dataset.task == "regression":
        named = dataset.target.name if dataset.target else "y"
        yield "predicted_over_true", regression.predicted_over_true(test.y, network.outputs_of_logits(z)[:, 0], named)
        return
    yield "confusion_matrix", classification.confusion_matrix(test.y, network.classes_of_logits(z), dataset.classes)
    if test.x.ndim == 3:
        yield from _image_figures(dataset, network, z)
    if dataset.task == "binary" and test.x.shape[1:] == (2,):
        yield "decision_boundary", _boundary(dataset, network)
    if dataset.truth_table is not None:
        yield from _boolean_figures(dataset.truth_table, _trained(dataset, dataset.truth_table), network)


def _image_figures(dataset: Dataset, network: predictor.Predictor, z: np.ndarray) -> Iterator[tuple[str, "Figure"]]:
    """The images, the mistakes, and the first layer as images: with no hidden layer that is one a class (L15).

    z: the logits of the test part.
    """
    from nnjax.reporting.figures import classification, digits, units

    test, classes = dataset.test, dataset.classes
    yield "digits", digits.digits(dataset.train.x, dataset.train.y, classes)
    h = network.outputs_of_logits(z)
    shares = np.concatenate([1 - h, h], axis=1) if h.shape[1] == 1 else h
    mistakes = classification.most_confident_mistakes(test.x, test.y, network.classes_of_logits(z), shares, classes)
    yield "most_confident_mistakes", mistakes
    (Theta, _), outputs = network.params[0], len(network.params) == 1
    if Theta.ndim == 4:
        yield from maps_figures(dataset, network)
        return
    yield "first_layer", units.hidden_units(Theta, test.x.shape[1:], classes[-len(Theta) :] if outputs else None)


def maps_figures(dataset: Dataset, network: predictor.Predictor) -> Iterator[tuple[str, "Figure"]]:
    """The filters of the convolutions, and what each layer sees of a few images of different classes (L16)."""
    from nnjax.reporting.figures import maps

    yield "filters", maps.filters([Theta for Theta, _ in network.params if Theta.ndim == 4])
    test, classes = dataset.test, dataset.classes
    few = np.sort(np.unique(test.y, return_index=True)[1])[:SEEN]
    *layers, _ = network.layers(network.preprocess(test.x[few]))
    labels = [classes[label] for label in test.y[few]]
    yield "layers", maps.layers_seen(test.x[few], layers, network.outputs(test.x[few]), labels, classes)


def _boundary(dataset: Dataset, network: predictor.Predictor) -> "Figure":
    """h over the plane of two inputs, and the lines of the first hidden layer there, if it has one."""
    from nnjax.reporting.figures import boundary

    (Theta, b), names = network.params[0], dataset.features or ("input x1", "input x2")
    scale, shift = (np.broadcast_to(dataset.preprocessing[i], 2) for i in range(2))
    raw = (Theta * scale, b + Theta @ shift) if len(network.params) > 1 else None  # z = Theta (x scale + shift) + b
    whole = dataset.truth_table
    shown, trained = _points(dataset) if whole is None else (whole, _trained(dataset, whole))
    h = lambda x: network.outputs(x)[:, -1]  # noqa: E731
    return boundary.decision_boundary(h, *shown, raw, names, trained, dataset.classes)


def _points(dataset: Dataset) -> tuple[Split, np.ndarray]:
    """The rows of training and test, of many evenly spaced ones, and which were trained on, bool (rows,)."""
    (x, y), (test_x, test_y) = dataset.train, dataset.test
    trained = np.arange(len(y) + len(test_y)) < len(y)
    every = -(-len(trained) // POINTS)
    return Split(np.concatenate([x, test_x])[::every], np.concatenate([y, test_y])[::every]), trained[::every]


def _trained(dataset: Dataset, whole: Split) -> np.ndarray:
    """Which rows of a truth table were trained on, bool (rows,)."""
    places = 2.0 ** np.arange(whole.x.shape[1])
    return np.isin(whole.x @ places, dataset.train.x @ places)


def _boolean_figures(whole: Split, trained: np.ndarray, network: predictor.Predictor) -> Iterator[tuple[str, "Figure"]]:
    """The truth table, and what the last hidden layer makes of each row (L12), trained on or not."""
    from nnjax.reporting.figures import boundary, representation

    x, y = whole
    yield "truth_table", boundary.truth_table(x, y, network.outputs(x)[:, -1], trained)
    *hidden, (Theta, b) = network.params
    if hidden:
        g = predictor.ACTIVATIONS[network.metadata["model"]["activation"]]
        output, a = predictor.OUTPUTS[network.metadata["output"]], network.preprocess(x)
        for weights, bias in hidden:
            a = g(a @ weights.T + bias)
        shown = representation.hidden_representation(lambda a: output(a @ Theta.T + b)[:, -1], a, x, y, trained)
        yield "hidden_representation", shown
