"""Figures of sweeps: what a band, a cell and a rank stand for."""

import numpy as np
import pytest

from nnjax.figures.sweeps import bands, heat_map, leaderboard, pivot, shorten

NAN = float("nan")
EPOCHS = np.arange(4)


def lines(axes):
    return {line.get_label(): list(line.get_ydata()) for line in axes.get_lines() if line.get_label()[0] != "_"}


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()] if figure.legends else []


def test_a_band_is_the_lanes_quantiles_around_their_median(drawn):
    loss = np.linspace(0, 100, 101)[:, None] + [1000, 900, 800, 700]
    axes = drawn(bands(EPOCHS * 10, {"train/loss": loss}, "log_loss")).axes[0]
    assert lines(axes) == {"train": [1050, 950, 850, 750]}
    assert list(axes.get_lines()[-1].get_xdata()) == [0, 10, 20, 30]
    edges = [np.unique(band.get_paths()[0].vertices[1:-1], axis=0) for band in axes.collections]
    assert [sorted({y for x, y in edge if x == 30}) for edge in edges] == [[710, 790], [725, 775]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch (0 = untrained)", "log_loss (nats per example)")


def test_a_lane_that_stopped_keeps_its_value_and_one_without_any_is_left_out(drawn):
    loss = np.array([[NAN, 4, 2, NAN], [NAN, 6, np.inf, NAN], [NAN] * 4, [NAN, 8, 8, 8]])
    figure = drawn(bands(EPOCHS, {"train/loss": loss}, "perceptron"))
    assert lines(figure.axes[0]) == {"train": [6, 6, 6]}  # of 4 6 8, of 2 6 8, and again
    assert list(figure.axes[0].get_lines()[-1].get_xdata()) == [1, 2, 3]  # epoch 0 was measured by none
    assert figure.get_suptitle() == "3 lanes: median, each lane thin\n1 lane without a value left out"
    assert figure.axes[0].get_ylabel() == "perceptron"


def test_a_lane_that_started_at_infinity_waits_for_its_first_value():
    loss = np.array([[np.inf, 4], [2, 2]])
    assert lines(bands(EPOCHS[:2], {"train/loss": loss}, "log_loss").axes[0]) == {"train": [2, 3]}


def test_few_lanes_are_lines_and_many_a_band(drawn):
    for lanes, thin in ((1, 0), (2, 2), (7, 7), (8, 0)):
        axes = drawn(bands(EPOCHS, {"train/loss": np.ones((lanes, 4))}, "log_loss")).axes[0]
        assert (len(axes.get_lines()) - 1, len(axes.collections)) == (thin, 2 if lanes == 8 else 0)


def test_loss_and_accuracy_stand_side_by_side_train_solid_validation_dashed(drawn):
    history = {
        f"{name}/{metric}": np.ones((9, 4)) for name in ("train", "validation") for metric in ("accuracy", "loss")
    }
    figure = drawn(bands(EPOCHS, history | {"gradient/norm": np.ones((9, 4))}, "log_loss"))
    loss, accuracy = figure.axes
    assert accuracy.get_ylabel() == "accuracy (share of examples)"
    assert [line.get_linestyle() for line in loss.get_lines()] == ["-", "--"]
    assert legend(figure) == ["train", "validation"]


def test_groups_have_a_colour_each_and_show_validation_alone(drawn):
    loss = np.repeat([[1.0], [2], [3]], 10, axis=0) * np.ones(4)
    groups = np.repeat(["b", "a", "c"], 10).tolist()
    figure = drawn(bands(EPOCHS, {"train/loss": loss + 9, "validation/loss": loss}, "log_loss", groups))
    assert lines(figure.axes[0]) == {f"{word} (10 lanes)": [i + 1] * 4 for i, word in enumerate("bac")}
    assert len({line.get_color() for line in figure.axes[0].get_lines()}) == 3
    assert figure.get_suptitle().startswith("validation of 30 lanes")


@pytest.mark.parametrize(("different", "drawn_lines"), [(1, 1), (2, 2), (6, 6), (7, 1)])
def test_one_group_or_more_than_six_are_not_told_apart(different, drawn_lines):
    groups = [f"hidden={i % different}" for i in range(84)]
    figure = bands(EPOCHS, {"train/loss": np.ones((84, 4))}, "log_loss", groups)
    assert len(lines(figure.axes[0])) == drawn_lines
    assert ("train" in legend(figure)) == (drawn_lines == 1)


@pytest.mark.parametrize(("last", "scale"), [(1e-4, "log"), (0.5, "linear"), (0.0, "linear")])
def test_a_loss_that_falls_far_gets_a_logarithmic_axis(last, scale):
    figure = bands(np.arange(50), {"train/loss": np.tile(np.linspace(1, last, 50), (9, 1))}, "log_loss")
    assert figure.axes[0].get_yscale() == scale


def test_lanes_that_diverge_do_not_press_the_others_flat(drawn):
    loss = np.ones((100, 4))
    loss[:20, 2:] = 1e20
    assert drawn(bands(EPOCHS, {"train/loss": loss}, "log_loss")).axes[0].get_ylim()[1] == 50


def test_the_untrained_accuracy_does_not_flatten_the_trained_ones():
    accuracy = np.tile([0.1, 0.95, 0.96, 0.97], (9, 1))
    axes = bands(EPOCHS, {"validation/accuracy": accuracy}, "log_loss").axes[0]
    assert 0.94 < axes.get_ylim()[0] < 0.95
    assert "0.100" in axes.get_xlabel()


def test_where_all_diverged_a_figure_says_so(drawn):
    none = np.full((3, 4), NAN)
    assert "none of 3 lanes" in drawn(bands(EPOCHS, {"train/loss": none}, "log_loss")).texts[0].get_text()
    figure = drawn(heat_map([1], [1], none[:1, :1], np.array([[3]]), "t", "r", "c", "share"))
    assert "none of 3 lanes" in figure.texts[0].get_text()
    figure = drawn(leaderboard(["a"] * 3, {"train/loss": none[:, 0]}, False))
    assert figure.texts[0].get_text() == "no lanes to rank: 3 lanes, all diverged"


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
    assert bar.get_ylabel() == "share that learn\nmean of 32 lanes a cell"
    low, high = axes.get_ylim()
    assert low < high  # 8 above 1
    assert axes.images[0].get_clim() == (0, 1)


@pytest.mark.parametrize(
    ("values", "limits"), [([0.3, 0.5], (0, 1)), ([0.95, 0.98], (0.9, 1)), ([1, 1], (0.9, 1)), ([0.5, 2], (0.5, 2))]
)
def test_shares_have_their_scale_and_others_that_of_the_values(values, limits):
    assert make_map([values]).axes[0].images[0].get_clim() == limits


def test_losses_that_differ_much_have_a_logarithmic_scale(drawn):
    image = drawn(make_map([[1e-3, 5.0]])).axes[0].images[0]
    assert image.norm(np.sqrt(5e-3)) == pytest.approx(0.5)


def test_a_cell_without_a_lane_and_one_of_diverged_lanes_differ(drawn):
    figure = drawn(make_map([[NAN, 0.5], [NAN, 0.75]], [[0, 32], [4, 7]]))
    axes = figure.axes[0]
    assert legend(figure) == ["no lane", "all lanes diverged"]
    np.testing.assert_array_equal(axes.collections[-1].get_offsets(), [[0, 1]])
    assert cells(axes) == {(0, 1): "0.50", (1, 1): "0.75\n7 lanes"}
    assert figure.axes[1].get_ylabel().endswith("mean of 7 to 32 lanes a cell")


def test_what_is_not_there_is_not_explained():
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


def table(figure):
    return [text.get_text().split() for text in figure.axes[0].texts]


@pytest.mark.parametrize(("higher", "order"), [(True, "dbca"), (False, "abcd")])
def test_lanes_are_ranked_by_the_first_metric_without_the_diverged(drawn, higher, order):
    first = np.array([0.25, NAN, 0.5, 0.5, np.inf, 0.75])
    second = np.array([1e-9, 1, NAN, 2, 3, 4])
    figure = drawn(leaderboard(list("axbcyd"), {"validation/accuracy": first, "loss": second}, higher))
    assert table(figure)[:2] == [["validation"], ["#", "lane", "accuracy", "loss"]]
    written = {"a": "1.00e-09", "b": "-", "c": "2.00e+00", "d": "4.00e+00"}
    value = {"a": "0.2500", "b": "0.5000", "c": "0.5000", "d": "0.7500"}
    assert table(figure)[2:] == [[str(i), name, value[name], written[name]] for i, name in enumerate(order, 1)]
    assert figure.get_suptitle() == "best 4 of 6 lanes, 2 diverged"


def test_equal_lanes_keep_their_order():
    figure = leaderboard([str(i) for i in range(500)], {"accuracy": np.arange(500) % 2}, True, count=5)
    assert [row[1] for row in table(figure)[2:]] == ["1", "3", "5", "7", "9"]


def test_beside_the_best_stand_all_lanes_and_where_the_list_ends(drawn):
    values = np.random.default_rng(0).permutation(1000) / 1000
    figure = drawn(leaderboard([f"seed={i}" for i in range(1000)], {"accuracy": values}, True, count=10))
    histogram = figure.axes[1]
    assert sum(bar.get_height() for bar in histogram.patches) == 1000
    assert histogram.get_lines()[0].get_xdata()[0] == 0.99
    assert (histogram.get_xlabel(), histogram.get_ylabel()) == ("accuracy", "lanes")
    assert len(table(figure)) == 2 + 10


@pytest.mark.parametrize("metrics", [1, 3, 5])
@pytest.mark.parametrize("lanes", [1, 30])
def test_long_names_leave_the_histogram_its_room(drawn, metrics, lanes):
    names = [f"model.hidden=[300, 100] optimizer.learning_rate=0.{i:04} training.batch_size=128" for i in range(lanes)]
    values = {f"validation/metric{i}": np.full(lanes, 1e-5) for i in range(metrics)}
    figure = drawn(leaderboard(names, values, True))
    left = figure.axes[1].get_tightbbox().x0
    assert all(0 <= text.get_window_extent().x0 < text.get_window_extent().x1 < left for text in figure.axes[0].texts)
    assert len(table(figure)[1]) == 2 + min(metrics, 3)
    assert figure.axes[1].get_position().width * 800 > 100


def test_a_name_is_shortened_in_its_middle():
    assert shorten("abcdefghij", 10) == "abcdefghij"
    assert shorten("abcdefghijk", 10) == "abcde…hijk"
    assert shorten("abcdefghijk", 5) == "ab…jk"
