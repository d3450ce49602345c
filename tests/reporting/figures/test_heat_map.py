"""A map of two settings: what a cell stands for."""

import numpy as np
import pytest

from nnjax.reporting.figures.heat_map import heat_map, pivot

NAN = float("nan")


pytestmark = pytest.mark.ci


def test_pivot_averages_the_finite_lanes_of_a_cell_and_counts_them():
    rows, columns, means, counts = pivot(
        [2, 2, 2, 10, 10, 10], [0.5, 0.5, 0.5, 0.1, 0.1, 0.5], np.array([1, 0, NAN, NAN, NAN, 1])
    )
    assert (rows, columns) == ([2, 10], [0.1, 0.5])
    np.testing.assert_array_equal(means, [[NAN, 0.5], [NAN, 1]])
    np.testing.assert_array_equal(counts, [[0, 2], [2, 1]])  # no lane; two that diverged


@pytest.mark.parametrize(
    ("settings", "order"),
    [
        ([10, 9, 0.5, 9], [0.5, 9, 10]),
        ([[300, 100], [500], [4], [], [30, 100]], [[], [4], [500], [30, 100], [300, 100]]),
        (["relu", "adam", "relu"], ["relu", "adam"]),
        ([None, 5, 1, None], [None, 5, 1]),
        ([[2], None, [1]], [[2], None, [1]]),
    ],
)
def test_settings_are_sorted_where_they_have_an_order(settings, order):
    rows, _, means, _ = pivot(settings, ["one"] * len(settings), np.arange(len(settings)))
    assert rows == order
    expected = [np.mean([i for i, setting in enumerate(settings) if setting == row]) for row in rows]
    np.testing.assert_array_equal(means[:, 0], expected)


def make_map(values, counts=None, rows=None, columns=None):
    values = np.asarray(values, float)
    rows, columns = rows or list(range(len(values))), columns or list(range(values.shape[1]))
    counts = np.full(values.shape, 32) if counts is None else np.asarray(counts)
    return heat_map(rows, columns, values, counts, "title", "hidden units", "learning rate", "share that learn")


def cells(axes):
    return {tuple(map(int, text.get_position()[::-1])): text.get_text() for text in axes.texts}


def test_a_cell_stands_at_its_settings_with_its_number(drawn):
    figure = drawn(make_map([[0, 0.25], [0.996, 1]], rows=[1, 8], columns=[0.1, 30.0]))
    axes, bar = figure.axes
    np.testing.assert_array_equal(axes.images[0].get_array(), [[0, 0.25], [0.996, 1]])
    assert cells(axes) == {(0, 0): "0", (0, 1): "0.25", (1, 0): "1.00", (1, 1): "1"}  # 0.996 is not all
    assert [text.get_color() for text in axes.texts] == ["white", "white", "black", "black"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1", "8"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.1", "30"]
    assert (axes.get_title(), axes.get_ylabel(), axes.get_xlabel()) == ("title", "hidden units", "learning rate")
    assert bar.get_ylabel() == "share that learn\neach cell: mean of 32 lanes"
    low, high = axes.get_ylim()
    assert low < high  # 8 above 1
    assert axes.images[0].get_clim() == (0, 1)


@pytest.mark.parametrize(
    ("values", "limits"),
    [([0.3, 0.55], (0.3, 0.6)), ([0, 0], (0, 0.1)), ([0.95, 0.98], (0.9, 1)), ([1, 1], (0.9, 1)), ([0.5, 2], (0.5, 2))],
)
def test_shares_have_their_scale_and_others_that_of_the_values(values, limits):
    assert make_map([values]).axes[0].images[0].get_clim() == limits


def test_losses_that_differ_much_have_a_logarithmic_scale(drawn):
    image = drawn(make_map([[1e-3, 5.0]])).axes[0].images[0]
    assert image.norm(np.sqrt(5e-3)) == pytest.approx(0.5)


def test_a_cell_without_a_lane_and_one_of_diverged_lanes_differ(drawn, legend):
    figure = drawn(make_map([[NAN, 0.5], [NAN, 0.75]], [[0, 32], [4, 7]]))
    axes = figure.axes[0]
    assert legend(figure) == ["no lane", "all lanes diverged"]
    np.testing.assert_array_equal(axes.collections[-1].get_offsets(), [[0, 1]])
    assert cells(axes) == {(0, 1): "0.50", (1, 1): "0.75\n7 lanes"}
    assert figure.axes[1].get_ylabel().endswith("each cell: mean of 7 to 32 lanes")


def test_what_is_not_there_is_not_explained(legend):
    assert legend(make_map([[NAN, 0.5]], [[4, 32]])) == ["all lanes diverged"]
    assert legend(make_map([[NAN, 0.5]], [[0, 32]])) == ["no lane"]
    assert legend(make_map([[0.1, 0.5]])) == []


@pytest.mark.parametrize(
    ("shape", "numbers"), [((1, 1), 1), ((12, 12), 144), ((12, 30), 0), ((70, 2), 0), ((2, 70), 0)]
)
def test_maps_of_any_size_fit(drawn, shape, numbers):
    axes = drawn(make_map(np.random.default_rng(0).random(shape))).axes[0]
    assert len(axes.texts) == numbers
    assert max(len(axes.get_xticks()), len(axes.get_yticks())) <= 30


def test_settings_are_written_as_typed_and_told_apart(drawn):
    rows = [[], [300, 100], "a word", None, True]
    axes = drawn(make_map(np.zeros((5, 2)), rows=rows, columns=[0.10001, 0.10002])).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["[]", "300, 100", "a word", "null", "true"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.10001", "0.10002"]
    axes = drawn(make_map(np.zeros((2, 2)), rows=["relu", "tanh"], columns=[1e-3 / 3, 60000])).axes[0]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["0.000333", "60000"]
    low, high = axes.get_ylim()
    assert low > high  # words are read downwards


@pytest.mark.parametrize("columns", [3, 4, 9])
def test_long_names_of_columns_never_overlap(drawn, columns):
    names = [f"an activation of many words, {i}" for i in range(columns)]
    axes = drawn(make_map(np.zeros((2, columns)), rows=names[:2], columns=names)).axes[0]
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_where_all_diverged_a_figure_says_so(drawn):
    figure = drawn(make_map([[NAN]], [[3]]))
    assert figure.texts[0].get_text() == "no map to draw: none of 3 lanes has a value of share that learn"
