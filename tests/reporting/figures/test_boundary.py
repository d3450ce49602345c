"""Truth tables and boundaries of the lecture's functions."""

import numpy as np
import pytest

from nnjax.reporting.figures.boundary import decision_boundary, truth_table

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)


pytestmark = pytest.mark.ci


def logical_and(x):
    """L10: h = g(-30 + 20 x1 + 20 x2)."""
    return 1 / (1 + np.exp(30 - 20 * x.astype(float).sum(axis=1)))


def rows(figure):
    """The drawn table as lists of words, from the top."""
    lines = {}
    for text in figure.axes[0].texts:
        x, y = text.get_position()
        lines.setdefault(y, []).append((x, text.get_text()))
    return [[word for _, word in sorted(line)] for _, line in sorted(lines.items())]


def test_the_table_of_and_is_the_lectures(drawn):
    figure = drawn(truth_table(INPUTS, np.array([0, 0, 0, 1]), logical_and(INPUTS)))
    assert rows(figure) == [
        ["x1", "x2", "y", "h(x)", ""],
        ["0", "0", "0", "0.0000", "right"],
        ["0", "1", "0", "0.0000", "right"],
        ["1", "0", "0", "0.0000", "right"],
        ["1", "1", "1", "1.0000", "right"],
    ]
    assert figure.axes[0].get_title() == "truth table: 4 of 4 rows right, 0 wrong"


def test_one_unit_is_wrong_somewhere_on_xor(drawn):
    """L12: no single unit separates XOR."""
    figure = drawn(truth_table(INPUTS, np.array([0, 1, 1, 0]), logical_and(INPUTS)))
    assert [row[-1] for row in rows(figure)[1:]] == ["right", "wrong", "wrong", "wrong"]


def test_rows_not_trained_on_are_in_the_table_and_say_so(drawn):
    outputs, trained = np.array([0, 1, 0.2, 0]), np.array([True, True, False, True])
    figure = drawn(truth_table(INPUTS, np.array([0, 1, 1, 0]), outputs, trained))
    assert [row[-2:] for row in rows(figure)] == [
        ["", "trained on"],
        ["right", "yes"],
        ["right", "yes"],
        ["wrong", "no"],
        ["right", "yes"],
    ]
    title = "truth table: 3 of 4 rows right, 1 wrong\nnot trained on: 0 of 1 right"
    assert figure.axes[0].get_title() == title
    everything = truth_table(INPUTS, np.array([0, 1, 1, 0]), outputs, np.ones(4, bool))
    assert rows(everything)[0][-1] == "", "no column where all were trained on"


def test_instances_not_trained_on_have_a_ring(drawn):
    trained = np.array([True, False, True, True])
    figure = drawn(decision_boundary(logical_and, INPUTS, np.array([0, 0, 0, 1]), trained=trained))
    np.testing.assert_array_equal(figure.axes[0].collections[-1].get_offsets(), [[0, 1]])
    assert "not trained on" in [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize("k", [1, 4, 6, 10])
def test_of_a_long_table_the_wrong_rows_come_first(drawn, k):
    inputs = (np.arange(2**k)[:, None] >> np.arange(k)[::-1]) & 1
    targets = inputs.sum(axis=1) % 2
    outputs = targets.astype(float)
    outputs[-1] = 1 - outputs[-1]
    figure = drawn(truth_table(inputs, targets, outputs))
    marks = [row[-1] for row in rows(figure)[1:]]
    assert len(marks) == min(16, 2**k)
    assert marks.count("wrong") == 1
    assert marks[0 if 2**k > 16 else -1] == "wrong"
    assert f"{2**k - 1} of {2**k} rows right, 1 wrong" in figure.axes[0].get_title()


def test_the_worst_rows_are_those_farthest_from_their_target():
    inputs = (np.arange(32)[:, None] >> np.arange(5)[::-1]) & 1
    outputs = np.linspace(0, 0.31, 32)
    outputs[[3, 9, 20]] = 0.9, np.nan, 0.6
    drawn_rows = rows(truth_table(inputs, np.zeros(32), outputs))[1:]
    assert [row[-2] for row in drawn_rows][:5] == ["nan", "0.9000", "0.6000", "0.3100", "0.3000"]
    assert [row[-1] for row in drawn_rows] == ["wrong"] * 3 + ["right"] * 13


def test_an_output_that_is_nan_is_wrong():
    figure = truth_table(INPUTS, np.array([1, 1, 0, 0]), np.full(4, np.nan))
    assert [row[-1] for row in rows(figure)[1:]] == ["wrong"] * 4


def test_the_boundary_of_and_is_its_line(drawn):
    axes = drawn(decision_boundary(logical_and, INPUTS, np.array([0, 0, 0, 1]))).axes[0]
    crossing = np.concatenate([path.vertices for path in axes.collections[0].get_paths()])
    np.testing.assert_allclose(crossing.sum(axis=1), 1.5, atol=1e-3)  # -30 + 20 x1 + 20 x2 = 0
    values = axes.images[0].get_array()
    assert values[0, 0] < 0.5 < values[-1, -1]  # x2 grows upwards
    assert axes.collections[1].get_offsets().shape == (3, 2)
    np.testing.assert_array_equal(axes.collections[2].get_offsets(), [[1, 1]])


def test_x1_runs_to_the_right_and_x2_upwards():
    axes = decision_boundary(lambda x: x[:, 0], INPUTS, np.zeros(4)).axes[0]
    values = axes.images[0].get_array()
    assert values[0, -1] == pytest.approx(1.5)
    assert values[-1, 0] == pytest.approx(-0.5)


def test_other_inputs_have_a_plane_around_them_and_their_names(drawn):
    inputs = np.random.default_rng(0).normal(size=(500, 2)) * [1, 50] + [7, 300]
    targets = (inputs[:, 1] > 300).astype(int)
    figure = drawn(
        decision_boundary(
            lambda x: 0.5 + (x[:, 1] - 300) / 900, inputs, targets, names=("age", "weight"), classes=("well", "ill")
        )
    )
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("age", "weight")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["y = well", "y = ill"]
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    np.testing.assert_allclose(axes.images[0].get_extent()[::2], low - 0.08 * (high - low), rtol=1e-5)
    crossing = np.concatenate([path.vertices for path in axes.collections[0].get_paths()])
    np.testing.assert_allclose(crossing[:, 1], 300, atol=1)


@pytest.mark.parametrize("value", [0.2, np.nan])
def test_a_network_that_says_the_same_everywhere_has_no_line(drawn, value):
    axes = drawn(decision_boundary(lambda x: np.full(len(x), value), INPUTS, np.array([0, 0, 0, 1]))).axes[0]
    assert len(axes.collections) == 2  # the instances alone
