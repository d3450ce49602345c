"""Which figures a run has, by its task, its data and its layers (`nnjax.reporting.run_figures`)."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from nnjax.data.boolean.source import boolean
from nnjax.data.dataset import Dataset, Preprocessing, Split
from nnjax.inference import predictor
from nnjax.reporting.run_figures import figures
from nnjax.training.result import TrainingResult


def layers(*sizes):
    generator = np.random.default_rng(0)
    return tuple((generator.normal(size=(h, d)), generator.normal(size=h)) for d, h in pairwise(sizes))


def data(shape, classes, scale=1.0, shift=0.0):
    generator = np.random.default_rng(0)
    y = generator.integers(0, len(classes), 40) if classes else generator.normal(size=40)
    part = Split(generator.normal(size=(40, *shape)), y)
    task = {0: "regression", 2: "binary", 3: "multiclass"}[len(classes)]
    prepared = Preprocessing(scale, shift, (int(np.prod(shape)),))
    return Dataset("mine", part, part, part, prepared, classes, task, "", "", "")


def made(folder, dataset, params, output, name="file"):
    config = SimpleNamespace(loss=SimpleNamespace(name="a loss"), data=SimpleNamespace(name=name))
    metadata = {
        "model": {"name": "mlp", "activation": "sigmoid"},
        "output": output,
        "preprocessing": dataset.preprocessing._asdict(),
        "classes": list(dataset.classes),
    }
    predictor.save(folder / "model.safetensors", params, metadata)
    history = {"train/loss": np.array([np.nan, 1, 0.5]), "train/accuracy": np.full(3, np.nan)}
    outcome = TrainingResult(params, history, {}, {"test/loss": 0.4}, "epoch limit", 2, 2, None, 2, 1.0)
    return dict(figures(folder, config, dataset, outcome))


EVERY = {"learning_curves", "norms"}
ALL = EVERY | {"confusion_matrix"}
IMAGES = ALL | {"digits", "most_confident_mistakes", "first_layer"}
CAT_DOG = ("cat", "dog")


@pytest.mark.parametrize(
    ("shape", "classes", "hidden", "outputs", "output", "names"),
    [
        ((3,), (), (4,), 1, "identity", EVERY | {"predicted_over_true"}),
        ((2,), CAT_DOG, (), 1, "step", ALL | {"decision_boundary"}),
        ((2,), CAT_DOG, (4,), 2, "softmax", ALL | {"decision_boundary"}),
        ((3,), CAT_DOG, (4,), 1, "sigmoid", ALL),
        ((2,), ("a", "b", "c"), (), 3, "softmax", ALL),
        ((8, 6), ("a", "b", "c"), (5,), 3, "sigmoid", IMAGES),
        ((8, 6), CAT_DOG, (), 1, "identity", IMAGES),
    ],
)
def test_figures_are_those_of_the_task_and_the_data(tmp_path, drawn, shape, classes, hidden, outputs, output, names):
    params = layers(int(np.prod(shape)), *hidden, outputs)
    found = made(tmp_path, data(shape, classes), params, output)
    assert {name for name, figure in found.items() if drawn(figure)} == names


@pytest.mark.parametrize("hidden", [(), (2,), (3,), (5, 2)])
def test_boolean_functions_have_their_table_and_their_hidden_layer(tmp_path, hidden):
    """L12: the last hidden layer is what the output sees."""
    found = made(tmp_path, boolean(table="0110"), layers(2, *hidden, 1), "sigmoid", "boolean")
    assert set(found) - ALL - {"decision_boundary", "truth_table"} == ({"hidden_representation"} if hidden else set())
    if hidden[-1:] == (2,):
        assert len(found["hidden_representation"].axes[0].texts) >= 1
    lines = found["decision_boundary"].axes[0].get_lines()
    assert len(lines) <= (hidden or (0,))[0]


def test_a_boolean_functions_figures_have_all_rows_held_out_or_drawn_or_not(tmp_path):
    for settings in ({"test_size": 1}, {"samples": 2}):
        data = boolean(table="0110", **settings)
        found = made(tmp_path, data, layers(2, 2, 1), "sigmoid", "boolean")
        words = [text.get_text() for text in found["truth_table"].axes[0].texts]
        seen = len(np.unique(data.train.x, axis=0))
        assert (words.count("yes"), words.count("no")) == (seen, 4 - seen)
        drawn = found["decision_boundary"].axes[0].collections
        assert sum(len(each.get_offsets()) for each in drawn[-3:-1]) == 4
        assert len(drawn[-1].get_offsets()) == 4 - seen
        assert sum("*" in text.get_text() for text in found["hidden_representation"].axes[0].texts) >= 1


def test_a_boundary_has_the_training_points_and_a_ring_around_those_of_the_test(tmp_path):
    found = made(tmp_path, data((2,), CAT_DOG), layers(2, 4, 1), "sigmoid")
    *_, first, second, rings = (len(each.get_offsets()) for each in found["decision_boundary"].axes[0].collections)
    assert (first + second, rings) == (80, 40)


def test_a_hidden_units_line_is_in_the_units_of_the_raw_inputs(tmp_path):
    """z = Theta (x scale + shift) + b, here x1 / 2 + 1 + (x2 / 4 - 3) + 2 = 0."""
    params = ((np.array([[1.0, 1]]), np.array([2.0])), *layers(1, 1))
    found = made(tmp_path, data((2,), CAT_DOG, scale=(0.5, 0.25), shift=(1.0, -3.0)), params, "sigmoid")
    (line,) = found["decision_boundary"].axes[0].get_lines()
    np.testing.assert_allclose(line.get_xydata() @ [0.5, 0.25], [0, 0], atol=1e-6)


def test_outputs_without_a_hidden_layer_bear_their_classes(tmp_path):
    """L15: ten images, one a class; one sigmoid looks for the second of two classes (L5)."""
    for classes, outputs in ((CAT_DOG, 1), (CAT_DOG, 2), (("a", "b", "c"), 3)):
        found = made(tmp_path, data((8, 6), classes), layers(48, outputs), "sigmoid")
        words = tuple(text.get_text() for text in found["first_layer"].axes[0].texts)
        assert words == classes[-outputs:]
