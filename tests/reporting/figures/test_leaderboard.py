"""The best lanes: what a rank stands for."""

import numpy as np
import pytest

from nnjax.reporting.figures.leaderboard import leaderboard

NAN = float("nan")


pytestmark = pytest.mark.ci


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
    figure = leaderboard([str(i) for i in range(500)], {"accuracy": np.arange(500) % 2}, True, length=5)
    assert [row[1] for row in table(figure)[2:]] == ["1", "3", "5", "7", "9"]


def test_beside_the_best_stand_all_lanes_and_where_the_list_ends(drawn):
    values = np.random.default_rng(0).permutation(1000) / 1000
    figure = drawn(leaderboard([f"seed={i}" for i in range(1000)], {"accuracy": values}, True, length=10))
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


def test_where_all_diverged_a_figure_says_so(drawn):
    figure = drawn(leaderboard(["a"] * 3, {"train/loss": np.full(3, NAN)}, False))
    assert figure.texts[0].get_text() == "no lanes to rank: 3 lanes, all diverged"
