"""Learning curves show the values they are given, at their epochs."""

import numpy as np
import pytest

from nnjax.reporting.figures.curves import learning_curves

NAN = float("nan")
HISTORY = {
    "train/loss": np.array([NAN, 0.9, 0.5, 0.4]),
    "validation/loss": np.array([2.3, 1.0, NAN, 0.6]),
    "test/loss": np.array([NAN, NAN, NAN, 0.55]),
    "train/accuracy": np.array([NAN, 0.7, 0.8, 0.9]),
    "validation/accuracy": np.array([0.1, 0.6, NAN, 0.8]),
}


pytestmark = pytest.mark.ci


def lines(axes):
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()}


def test_points_stand_at_their_epochs_and_what_was_not_measured_is_left_out(drawn):
    loss, accuracy = drawn(learning_curves(HISTORY, "cross_entropy", best_epoch=2)).axes
    assert lines(loss)["train"] == ([1, 2, 3], [0.9, 0.5, 0.4])
    assert lines(loss)["validation"] == ([0, 1, 3], [2.3, 1.0, 0.6])
    assert lines(loss)["test 0.55"] == ([3], [0.55])
    assert lines(accuracy)["validation"] == ([0, 1, 3], [0.1, 0.6, 0.8])
    assert lines(loss)["best epoch 2"][0] == lines(accuracy)["best epoch 2"][0] == [2, 2]
    assert loss.get_ylabel() == "cross_entropy (nats per example)"
    assert accuracy.get_ylabel() == "accuracy (share of examples)"


def test_the_untrained_accuracy_does_not_flatten_the_trained_ones(drawn):
    accuracy = np.r_[0.1, np.linspace(0.95, 0.98, 9)]
    history = {"train/loss": np.linspace(2, 0.1, 10), "train/accuracy": accuracy}
    _, axes = drawn(learning_curves(history, "cross_entropy", None)).axes
    low, high = axes.get_ylim()
    assert 0.9 < low < 0.95 < 0.98 < high
    assert "0.100" in axes.get_xlabel()


def test_the_axis_of_an_accuracy_of_1_ends_there(drawn):
    """As of a boolean function that is learnt in the first epoch."""
    history = {"train/loss": np.ones(9), "train/accuracy": np.r_[0.5, np.ones(8)]}
    _, axes = drawn(learning_curves(history, "log_loss", None)).axes
    low, high = axes.get_ylim()
    assert low < 1 < high
    assert max(tick for tick in axes.get_yticks() if tick <= high + 1e-6) <= 1 + 1e-9


@pytest.mark.parametrize(("last", "scale"), [(1e-4, "log"), (0.5, "linear"), (0.0, "linear")])
def test_a_loss_that_falls_far_gets_a_logarithmic_axis(drawn, last, scale):
    history = {"train/loss": np.linspace(1, last, 5001), "train/accuracy": np.ones(5001)}
    loss, accuracy = drawn(learning_curves(history, "log_loss", None)).axes
    assert (loss.get_yscale(), accuracy.get_yscale()) == (scale, "linear")


def test_regression_shows_its_error_and_no_accuracy(drawn):
    history = {"train/loss": np.ones(3), "train/rmse": np.ones(3)}
    loss, error = drawn(learning_curves(history, "squared_error", None)).axes
    assert error.get_ylabel().startswith("root mean squared error")
    assert len(drawn(learning_curves({"train/loss": np.ones(3)}, "perceptron", None)).axes) == 1
    assert loss.get_ylabel() == "squared_error (mean per example)"
    absent = {"train/accuracy": np.full(3, NAN), "validation/r2": np.ones(3)}
    _, error = drawn(learning_curves(history | absent, "squared_error", None)).axes
    assert error.get_ylabel().startswith("root mean squared error")


def test_a_run_that_ended_at_once_still_draws(drawn):
    drawn(learning_curves({key: np.full(2, NAN) for key in HISTORY}, "cross_entropy", None))
