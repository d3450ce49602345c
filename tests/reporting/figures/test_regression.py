"""A regression's predictions over the truth: what the points and the numbers stand for (L8)."""

import numpy as np
import pytest

from nnjax.reporting.figures.regression import predicted_over_true

Y = np.array([1.0, 2, 3, 6])


pytestmark = pytest.mark.ci


def test_a_point_an_example_and_the_errors_in_the_title(drawn):
    axes = drawn(predicted_over_true(Y, Y + np.array([1, -1, 1, -1]))).axes[0]
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), [[1, 2], [2, 1], [3, 4], [6, 5]])
    assert axes.get_title() == "4 examples: rmse 1, r2 0.7143"  # 1 - 4 / 14
    assert axes.get_xlim() == axes.get_ylim()
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("true y", "predicted y, h(x)")


def test_the_axes_are_in_the_targets_own_units_and_bear_its_name(drawn):
    axes = drawn(predicted_over_true(Y, Y, "median_house_value, in 100,000 dollars of 1990")).axes[0]
    assert axes.get_xlabel() == "true median_house_value, in 100,000 dollars of 1990"


@pytest.mark.parametrize(("h", "r2"), [(Y, "1.0000"), (np.full(4, Y.mean()), "0.0000")])
def test_r2_is_one_for_the_truth_and_zero_for_its_mean(h, r2):
    assert predicted_over_true(Y, h).axes[0].get_title().endswith(f"r2 {r2}")


def test_of_many_examples_some_are_drawn_and_all_are_counted(drawn):
    y = np.random.default_rng(0).normal(size=12_345)
    axes = drawn(predicted_over_true(y, y + 2)).axes[0]
    assert len(axes.collections[0].get_offsets()) == 4115
    assert axes.get_title().startswith("4,115 of 12,345 examples: rmse 2,")


def test_one_value_and_none_finite_still_draw(drawn):
    assert drawn(predicted_over_true(np.ones(3), np.ones(3))).axes[0].get_title().endswith("r2 -")
    figure = drawn(predicted_over_true(Y, np.full(4, np.nan)))
    assert figure.texts[0].get_text() == "no predictions to draw: none is finite"
