"""Curves of several networks over each other."""

import numpy as np
import pytest

from nnjax.reporting.figures.several import MOST, several

EPOCHS = np.arange(4)
LOSS = {"epoch": EPOCHS, "train/loss": np.array([4.0, 3, 2, 1]), "validation/loss": np.array([np.nan, 5, 4, 4.5])}
ACCURATE = {**LOSS, "train/accuracy": np.linspace(0, 1, 4), "validation/accuracy": np.linspace(0.2, 0.9, 4)}
TRAINED = {"epoch": EPOCHS[:2], "train/loss": np.array([1.0, 0.5]), "validation/loss": np.full(2, np.nan)}


pytestmark = pytest.mark.ci


def drawn(figure):
    return [[tuple(line.get_ydata()) for line in axes.lines] for axes in figure.axes]


def test_the_validation_is_drawn_where_all_have_one():
    made = several(["a", "b"], [ACCURATE, ACCURATE], "cross_entropy")
    assert drawn(made)[0] == [(5, 4, 4.5)] * 2
    assert [axes.get_ylabel() for axes in made.axes] == [
        "validation cross_entropy (nats per example)",
        "validation accuracy (share of examples)",
    ]


def test_else_the_training_and_what_all_have_alone():
    made = several(["a", "b"], [ACCURATE, TRAINED], "")
    assert drawn(made) == [[(4, 3, 2, 1), (1, 0.5)]]
    assert made.axes[0].get_ylabel() == "train loss (mean per example)"


def test_every_line_looks_its_own_way():
    made = several([f"run {i} costs $3 and \\frac$" for i in range(MOST)], [LOSS] * MOST, "log_loss")
    made.draw_without_rendering()
    looks = {(line.get_color(), line.get_linestyle()) for line in made.axes[0].lines}
    assert len(looks) == MOST


def test_nothing_in_common_is_said():
    made = several(["a", "b"], [LOSS, {"epoch": EPOCHS, "train/rmse": EPOCHS * 1.0}], "")
    assert "no curves to draw" in made.texts[0].get_text()
