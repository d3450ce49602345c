"""Curves of several networks over each other."""

import numpy as np
import pytest

from nnjax.reporting.figures.several import MAX_LINES, several

EPOCHS = np.arange(4)
LOSS = {"epoch": EPOCHS, "train/loss": np.array([4.0, 3, 2, 1]), "validation/loss": np.array([np.nan, 5, 4, 4.5])}
ACCURATE = {**LOSS, "train/accuracy": np.linspace(0, 1, 4), "validation/accuracy": np.linspace(0.2, 0.9, 4)}
TRAINED = {"epoch": EPOCHS[:2], "train/loss": np.array([1.0, 0.5]), "validation/loss": np.full(2, np.nan)}


pytestmark = pytest.mark.ci


def heights(figure):
    return [[tuple(line.get_ydata()) for line in axes.lines] for axes in figure.axes]


def test_the_validation_is_drawn_where_all_have_one():
    figure = several(["a", "b"], [ACCURATE, ACCURATE], "cross_entropy")
    assert heights(figure)[0] == [(5, 4, 4.5)] * 2
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "validation cross_entropy (nats per example)",
        "validation accuracy (share of examples)",
    ]


def test_else_the_training_and_what_all_have_alone():
    figure = several(["a", "b"], [ACCURATE, TRAINED], "")
    assert heights(figure) == [[(4, 3, 2, 1), (1, 0.5)]]
    assert figure.axes[0].get_ylabel() == "train loss (mean per example)"


def test_every_line_looks_its_own_way():
    figure = several([f"run {i} costs $3 and \\frac$" for i in range(MAX_LINES)], [LOSS] * MAX_LINES, "log_loss")
    figure.draw_without_rendering()
    looks = {(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines}
    assert len(looks) == MAX_LINES


def test_nothing_in_common_is_said():
    figure = several(["a", "b"], [LOSS, {"epoch": EPOCHS, "train/rmse": EPOCHS * 1.0}], "")
    assert "no curves to draw" in figure.texts[0].get_text()


def test_long_names_stand_in_the_figure(drawn):
    names = [
        f"{i}  mlp 4-300-100-3 sgd flowers target=species learning_rate=0.0{i} epochs=30 seed {i}" for i in range(12)
    ]
    drawn(several(names, [LOSS] * 12, "log_loss"))
