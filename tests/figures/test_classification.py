"""Counts and mistakes are those of the predictions."""

import numpy as np
import pytest

from nnjax.figures.classification import confusion_matrix, most_confident_mistakes

CLASSES = ["cat", "dog", "cow"]
LABELS = np.array([0, 0, 0, 0, 1, 1, 2])
PREDICTIONS = np.array([0, 0, 0, 1, 1, 2, 2])


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_rows_are_true_classes_columns_predictions(drawn):
    axes = drawn(confusion_matrix(LABELS, PREDICTIONS, CLASSES)).axes[0]
    cells = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "3", (1, 0): "1", (1, 1): "1", (2, 1): "1", (2, 2): "1"}  # (column, row)
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25, 0], [0, 0.5, 0.5], [0, 0, 1]])
    assert axes.get_title() == f"accuracy {5 / 7:.4f}: 2 of 7 examples wrong"
    assert [label.get_text() for label in axes.get_yticklabels()] == CLASSES


@pytest.mark.parametrize("count", [2, 10, 47])
def test_any_number_of_classes_fits(drawn, count):
    labels = np.random.default_rng(0).integers(0, count, 500)
    names = [f"a rather long class {i}" if count == 10 else str(i) for i in range(count)]
    drawn(confusion_matrix(labels, labels, names))


def test_a_class_without_examples_is_an_empty_row():
    axes = confusion_matrix(np.array([0]), np.array([0]), CLASSES).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array()[1:], 0)


def test_mistakes_are_the_wrong_ones_the_surest_first(drawn):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (100, 28, 28))
    probabilities = generator.dirichlet(np.ones(3), 100)
    predictions = probabilities.argmax(axis=1)
    labels = (predictions + (np.arange(100) < 40)) % 3  # the first 40 are wrong
    figure = drawn(most_confident_mistakes(images, labels, predictions, probabilities, CLASSES, count=7))
    surest = sorted(range(40), key=lambda i: -probabilities[i].max())[:7]
    assert words(figure.axes[0]) == [
        f"is {CLASSES[labels[i]]}\nsaid {CLASSES[predictions[i]]}, {probabilities[i].max():.1%}" for i in surest
    ]
    assert figure.axes[0].get_title().startswith("7 most confident of 40 mistakes")
    paper = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(paper[28 * 2 // 5 :][:28, :28], images[surest[0]])


def test_a_perfect_classifier_has_no_mistakes(drawn):
    figure = drawn(most_confident_mistakes(np.zeros((5, 8, 8)), *[np.zeros(5, int)] * 2, np.ones((5, 1)), ["0"]))
    assert figure.texts[0].get_text() == "no mistakes: all 5 examples are right"
