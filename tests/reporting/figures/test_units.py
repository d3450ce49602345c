"""Each unit's incoming weights, as they are, around 0."""

import numpy as np
import pytest

from nnjax.reporting.figures.units import hidden_units

pytestmark = pytest.mark.ci


def test_units_are_drawn_row_by_row_largest_first_around_zero(drawn):
    """L14: row by row; L15: a unit's weights are an image."""
    Theta = np.random.default_rng(0).normal(size=(3, 12)) * [[1], [5], [2]]
    figure = drawn(hidden_units(Theta, (3, 4)))
    image = figure.axes[0].images[0]
    np.testing.assert_array_equal(image.get_array()[1:4, :4], Theta[1].reshape(3, 4))
    assert [text.get_text() for text in figure.axes[0].texts] == ["2", "3", "1"]
    low, high = image.get_clim()
    assert low == -high < 0


@pytest.mark.parametrize(("units", "shown"), [(1, 1), (30, 30), (1000, 100)])
def test_at_most_count_units_are_drawn(drawn, units, shown):
    Theta = np.random.default_rng(0).normal(size=(units, 400))
    figure = drawn(hidden_units(Theta, (20, 20)))
    assert np.isfinite(figure.axes[0].images[0].get_array()).sum() == shown * 400
    assert figure.axes[0].get_title().startswith(f"first layer, {shown} of {units:,} units")


def test_twenty_five_units_are_five_by_five_and_numbered(drawn):
    """L15: the hidden layer of 25 units on 20 x 20 pixels."""
    figure = drawn(hidden_units(np.random.default_rng(0).normal(size=(25, 400)), (20, 20)))
    places = np.array([text.get_position() for text in figure.axes[0].texts])
    assert len(np.unique(places[:, 0])) == len(np.unique(places[:, 1])) == 5
    assert sorted(int(text.get_text()) for text in figure.axes[0].texts) == list(range(1, 26))


@pytest.mark.parametrize("count", [1, 2, 10, 47])
def test_without_a_hidden_layer_the_outputs_are_their_classes(drawn, count):
    Theta = np.random.default_rng(0).normal(size=(count, 400)) * np.arange(1, count + 1)[:, None]
    names = [f"class {i}" for i in range(count)]
    figure = drawn(hidden_units(Theta, (20, 20), names))
    assert [text.get_text() for text in figure.axes[0].texts] == names
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array()[4:24, :20], Theta[0].reshape(20, 20))
    assert figure.axes[0].get_title() == f"output layer, {count} of {count} classes: incoming weights"


def test_one_weight_does_not_turn_the_others_grey():
    Theta = np.random.default_rng(0).normal(size=(100, 784))
    Theta[3, 5] = 1e6
    assert hidden_units(Theta, (28, 28)).axes[0].images[0].get_clim()[1] < 10


def test_zero_and_diverged_weights_still_draw(drawn):
    """L33: a network initialised at 0 has units that are all the same."""
    drawn(hidden_units(np.zeros((4, 4)), (2, 2)))
    figure = drawn(hidden_units(np.full((4, 4), np.nan), (2, 2)))
    assert "no finite weights" in figure.texts[0].get_text()
