"""Counts and mistakes are those of the predictions."""

import numpy as np
import pytest

from nnjax.reporting.figures.classification import confusion_matrix, most_confident_mistakes

CLASSES = ["cat", "dog", "cow"]
LABELS = np.array([0, 0, 0, 0, 1, 1, 2])
PREDICTIONS = np.array([0, 0, 0, 1, 1, 2, 2])


pytestmark = pytest.mark.ci


def words(axes):
    return [text.get_text() for text in axes.texts]


def test_rows_are_true_classes_columns_predictions(drawn):
    axes = drawn(confusion_matrix(LABELS, PREDICTIONS, CLASSES)).axes[0]
    cells = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}
    half = "1\n50.0%"
    expected = {(0, 0): "3\n75.0%", (1, 0): "1\n25.0%", (1, 1): half, (2, 1): half, (2, 2): "1\n100.0%"}
    assert cells == expected  # (column, row)
    np.testing.assert_allclose(axes.images[0].get_array(), [[0.75, 0.25, 0], [0, 0.5, 0.5], [0, 0, 1]])
    assert axes.get_title().startswith(f"accuracy {5 / 7:.4f}: 2 of 7 examples wrong\n")
    assert [label.get_text() for label in axes.get_yticklabels()] == CLASSES


@pytest.mark.parametrize(("count", "length"), [(2, 40), (10, 40), (26, 1), (26, 40), (47, 2), (200, 9)])
def test_any_number_of_classes_fits_and_has_names(drawn, count, length):
    labels = np.random.default_rng(0).integers(0, count, 500)
    names = [f"{i:_>{length}}"[-length:] for i in range(count)]
    axes = drawn(confusion_matrix(labels, labels, names)).axes[0]
    shown = [label.get_text() for label in axes.get_xticklabels()]
    assert len(shown) == min(count, 50)
    assert max(map(len, shown)) == min(length, 24)
    assert {*words(axes)} <= ({"100"} if count == 26 else set() if count > 30 else {*words(axes)})


def test_of_many_classes_cells_carry_the_share_of_the_row_and_small_ones_nothing():
    labels, predictions = np.repeat(np.arange(26), 1000), np.repeat(np.arange(26), 1000)
    predictions[:64] = np.r_[np.full(60, 1), np.full(4, 2)]
    axes = confusion_matrix(labels, predictions, [*"abcdefghijklmnopqrstuvwxyz"]).axes[0]
    cells = {tuple(map(int, text.get_position())): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "94", (1, 0): "6", **{(i, i): "100" for i in range(1, 26)}}
    assert "percent" in axes.get_title()


def test_a_share_that_rounds_to_nothing_is_not_nothing():
    labels, predictions = np.zeros(10_000, int), np.r_[1, np.zeros(9_999, int)]
    assert words(confusion_matrix(labels, predictions, CLASSES).axes[0]) == ["9,999\n100.0%", "1\n<0.1%"]


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
        f"is {CLASSES[labels[i]]}\nread as {CLASSES[predictions[i]]}, {probabilities[i].max():.1%}" for i in surest
    ]
    assert figure.axes[0].get_title().startswith("7 most confident of 40 mistakes")
    paper = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(paper[28 * 2 // 5 :][:28, :28], images[surest[0]])


def test_long_names_of_classes_stay_over_their_image(drawn):
    names = ["a class of forty letters, more than fits", "another of them, which does not fit here"]
    labels, predictions = np.zeros(25, int), np.ones(25, int)
    figure = drawn(most_confident_mistakes(np.zeros((25, 28, 28)), labels, predictions, np.ones((25, 2)), names))
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_a_perfect_classifier_has_no_mistakes(drawn):
    figure = drawn(most_confident_mistakes(np.zeros((5, 8, 8)), *[np.zeros(5, int)] * 2, np.ones((5, 1)), ["0"]))
    assert figure.texts[0].get_text() == "no mistakes: all 5 examples are right"
