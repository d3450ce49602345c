"""A hidden unit's line is where its z is 0, inside the box drawn."""

import numpy as np
import pytest

from nnjax.reporting.figures.boundary import decision_boundary
from nnjax.reporting.figures.lines import crossing

BOX = np.array([[-0.5, 1.5], [-0.5, 1.5]])
INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
XNOR = np.array([1, 0, 0, 1])
AND_NOR = np.array([[20.0, 20], [-20, -20]]), np.array([-30.0, 10])  # L10, L11


pytestmark = pytest.mark.ci


@pytest.mark.parametrize("weights", [(20, 20), (-3, 1), (0, 2), (5, 0), (1e-9, 1e-9)])
def test_z_is_zero_where_a_line_enters_and_leaves_on_the_boxs_sides(weights):
    weights = np.array(weights, float)
    bias = -weights @ [0.4, 0.7]
    for end in crossing(weights, bias, BOX):
        np.testing.assert_allclose(weights @ end + bias, 0, atol=1e-12)
        assert np.isclose(end[:, None], BOX).any()
        assert ((end >= -0.5 - 1e-12) & (end <= 1.5 + 1e-12)).all()


@pytest.mark.parametrize(
    ("weights", "bias"), [((1, 1), 9), ((0, 1), -2), ((0, 0), 1), ((np.nan, 1), 0), ((1, 1), np.inf)]
)
def test_a_line_outside_and_a_unit_without_weights_have_none(weights, bias):
    assert crossing(np.array(weights, float), bias, BOX) is None


def test_the_hidden_units_of_xnor_by_hand_are_its_two_lines(drawn):
    """L12: AND and NOR, x1 + x2 = 1.5 and 0.5."""
    axes = drawn(decision_boundary(lambda x: x[:, 0], INPUTS, XNOR, AND_NOR)).axes[0]
    np.testing.assert_allclose([line.get_xydata().sum(axis=1) for line in axes.get_lines()], [[1.5] * 2, [0.5] * 2])
    for text, total in zip(axes.texts, (1.5, 0.5), strict=True):
        assert sum(text.get_position()) == pytest.approx(total)
    assert [text.get_text() for text in axes.texts] == ["1", "2"]
    assert axes.get_title().endswith("white: z = 0 of each hidden unit")


def test_numbers_of_equal_units_stand_apart_and_off_the_inputs(drawn):
    """L33: units that are equal have one line, and each its number on it."""
    equal = np.tile([[1.0, -1.0]], (4, 1)), np.zeros(4)  # through (0, 0) and (1, 1)
    axes = drawn(decision_boundary(lambda x: x[:, 0], INPUTS, XNOR, equal)).axes[0]
    places = np.concatenate([[text.get_position() for text in axes.texts], INPUTS])
    apart = np.linalg.norm(places[:4, None] - places, axis=-1) + 9 * np.eye(4, 8)
    assert apart.min() > 0.14


def test_of_many_units_those_of_the_largest_weights_have_lines(drawn):
    Theta = np.array([[1.0, k] for k in range(30)])
    axes = drawn(decision_boundary(lambda x: x[:, 0], INPUTS, XNOR, (Theta, -Theta.sum(axis=1) / 2))).axes[0]
    assert [int(text.get_text()) for text in axes.texts] == list(range(21, 31))
    assert axes.get_title().endswith("z = 0 of 10 of 30 hidden units")
