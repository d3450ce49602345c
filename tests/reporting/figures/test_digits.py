"""The sheet of digits holds the images it says, a row a class (L14, L15)."""

import numpy as np
import pytest

from nnjax.reporting.figures.digits import digits

CLASSES = [str(label) for label in range(10)]


pytestmark = pytest.mark.ci


def placed(figure, side, row, column):
    """The image at a place of the sheet."""
    step = side + max(1, side // 14)
    paper = figure.axes[0].images[0].get_array()
    return paper[row * step :, column * step :][:side, :side]


@pytest.mark.parametrize("side", [8, 20, 28])
def test_each_row_holds_the_first_ten_of_its_class(drawn, side):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (400, side, side), dtype=np.uint8)
    labels = generator.integers(0, 10, 400)
    figure = drawn(digits(images, labels, CLASSES))
    for label in (0, 7):
        for column, i in enumerate(np.flatnonzero(labels == label)[:10]):
            np.testing.assert_array_equal(placed(figure, side, label, column), images[i])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == CLASSES
    assert figure.axes[0].get_title() == f"100 of 400 images, {side} x {side} pixels"


def test_without_labels_the_first_hundred_stand_in_their_order(drawn):
    images = np.random.default_rng(0).random((105, 20, 20))
    figure = drawn(digits(images))
    np.testing.assert_array_equal(placed(figure, 20, 9, 9), images[99])
    assert np.isfinite(figure.axes[0].images[0].get_array()).sum() == 100 * 400


def test_a_class_with_few_images_has_a_short_row_and_only_ten_have_one(drawn):
    images, names = np.ones((3, 4, 6)), [f"a rather long name of class {i}" for i in range(12)]
    figure = drawn(digits(images, np.array([0, 11, 9]), names))
    assert np.isfinite(figure.axes[0].images[0].get_array()).sum() == 2 * 24
    assert figure.axes[0].get_title() == "2 of 3 images, 4 x 6 pixels, 10 of 12 classes"


def test_few_and_dark_and_no_images_still_draw(drawn):
    drawn(digits(np.zeros((3, 28, 28), np.uint8)))
    assert drawn(digits(np.zeros((0, 28, 28)))).texts[0].get_text() == "no images to draw"
