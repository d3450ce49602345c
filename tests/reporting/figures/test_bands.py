"""Bands over the epochs: what a line and the area around it stand for."""

import numpy as np
import pytest

from nnjax.reporting.figures.bands import bands

NAN = float("nan")
EPOCHS = np.arange(4)


pytestmark = pytest.mark.ci


def lines(axes):
    return {line.get_label(): list(line.get_ydata()) for line in axes.get_lines() if line.get_label()[0] != "_"}


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
    assert figure.get_suptitle() == "3 lanes: median (thin lines: single lanes)\nnot drawn: 1 lane without a value"
    assert figure.axes[0].get_ylabel() == "perceptron"


def test_a_lane_that_started_at_infinity_waits_for_its_first_value():
    loss = np.array([[np.inf, 4], [2, 2]])
    assert lines(bands(EPOCHS[:2], {"train/loss": loss}, "log_loss").axes[0]) == {"train": [2, 3]}


def test_few_lanes_are_lines_and_many_a_band(drawn):
    for lanes, thin in ((1, 0), (2, 2), (7, 7), (8, 0)):
        axes = drawn(bands(EPOCHS, {"train/loss": np.ones((lanes, 4))}, "log_loss")).axes[0]
        assert (len(axes.get_lines()) - 1, len(axes.collections)) == (thin, 2 if lanes == 8 else 0)


def test_loss_and_accuracy_stand_side_by_side_train_solid_validation_dashed(drawn, legend):
    history = {
        f"{name}/{metric}": np.ones((9, 4)) for name in ("train", "validation") for metric in ("accuracy", "loss")
    }
    figure = drawn(bands(EPOCHS, history | {"gradient/norm": np.ones((9, 4))}, "log_loss"))
    loss, accuracy = figure.axes
    assert accuracy.get_ylabel() == "accuracy (share of examples)"
    assert [line.get_linestyle() for line in loss.get_lines()] == ["-", "--"]
    assert legend(figure) == ["train", "validation"]


def test_groups_have_a_colour_each_and_show_validation_alone(drawn, legend):
    loss = np.repeat([[1.0], [2], [3]], 10, axis=0) * np.ones(4)
    groups = np.repeat(["b", "a", "c"], 10).tolist()
    figure = drawn(bands(EPOCHS, {"train/loss": loss + 9, "validation/loss": loss}, "log_loss", groups))
    assert lines(figure.axes[0]) == {f"{word} (10 lanes)": [i + 1] * 4 for i, word in enumerate("bac")}
    looks = [(line.get_color(), line.get_linestyle()) for line in figure.axes[0].get_lines()]
    assert [len({*each}) for each in zip(*looks, strict=True)] == [3, 3]  # told apart in print too
    assert figure.get_suptitle().startswith("validation of 30 lanes")


@pytest.mark.parametrize(("different", "areas"), [(2, 2), (3, 3), (4, 0), (6, 0)])
def test_more_than_three_groups_have_no_bands_and_the_title_says_so(drawn, different, areas):
    groups = [f"hidden={i % different}" for i in range(84)]
    figure = drawn(bands(EPOCHS, {"train/loss": np.ones((84, 4))}, "log_loss", groups))
    assert len(figure.axes[0].collections) == areas
    assert len(figure.axes[0].get_lines()) == different
    assert figure.get_suptitle() == "train of 84 lanes: median" + (" (shaded: 10-90 %)" if areas else "")


def test_without_bands_the_axis_is_that_of_the_medians():
    loss, groups = np.ones((80, 4)), np.repeat(list("abcd"), 20).tolist()
    loss[::5] = 1e-9
    loss[1::5] = 1e9
    axes = bands(EPOCHS, {"train/loss": loss}, "log_loss", groups).axes[0]
    assert axes.get_yscale() == "linear"
    assert axes.get_ylim()[1] < 2


@pytest.mark.parametrize(("different", "drawn_lines"), [(1, 1), (2, 2), (6, 6), (7, 1)])
def test_one_group_or_more_than_six_are_not_told_apart(different, drawn_lines, legend):
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
    figure = drawn(bands(EPOCHS, {"train/loss": np.full((3, 4), NAN)}, "log_loss"))
    assert figure.texts[0].get_text() == "no curves to draw: none of 3 lanes has a value"
