"""Equal units stay equal: a line each, one inside the other (L33)."""

import numpy as np
import pytest

from experiments.hidden_weights import hidden_weights

RANDOM = np.random.default_rng(0).normal(size=(11, 4, 2)).cumsum(axis=0)
EQUAL = np.repeat(RANDOM[:, :1], 4, axis=1)


pytestmark = pytest.mark.ci


def test_a_line_a_weight_and_equal_units_lie_in_each_other(drawn, legend):
    """L33: with zeros all hidden units stay equal."""
    figure = drawn(hidden_weights({"zeros": EQUAL, "random": RANDOM}))
    for axes, weights in zip(figure.axes, (EQUAL, RANDOM), strict=True):
        lines = [line.get_ydata() for line in axes.get_lines()]
        np.testing.assert_array_equal(lines, weights.reshape(11, 8).T)
    widths = [line.get_linewidth() for line in figure.axes[0].get_lines()[::2]]
    assert widths == sorted(set(widths), reverse=True)  # the later, the thinner: all can be seen
    spread = np.ptp(RANDOM[-1], axis=0).max()
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["zeros: at the end\nall units are equal", f"random: at the end\nunits differ by {spread:.2g}"]
    assert legend(figure) == ["unit 1", "unit 2", "unit 3", "unit 4", "from x1", "from x2"]
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()


def test_of_many_units_and_inputs_some_are_drawn_and_the_spread_is_of_all(drawn, legend):
    weights = np.zeros((5, 20, 400))
    weights[1:, 19, 399] = 8
    weights[1:, :, [7, 200]] += 1
    figure = drawn(hidden_weights({"zeros": weights}))
    assert len(figure.axes[0].get_lines()) == 6 * 3
    assert legend(figure)[6:] == ["from x8", "from x201", "from x400"]
    assert figure.axes[0].get_title().endswith("differ by 8")
