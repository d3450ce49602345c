"""The loss over a plane, and the local minima that trainings end in (L24)."""

import numpy as np
import pytest

from experiments.loss_surface import loss_surface

ALPHA, BETA = np.linspace(-2, 2, 41), np.linspace(-1, 3, 21)
BOWL = 0.1 + ALPHA**2 + BETA[:, None] ** 2
NAN = float("nan")


pytestmark = pytest.mark.ci


def down_to(*end):
    return np.linspace((2, 3), end, 5)


def words(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_a_loss_stands_at_its_alpha_and_beta(drawn):
    axes = drawn(loss_surface(ALPHA, BETA, BOWL, names=("Theta 1", "Theta 2"))).axes[0]
    mesh = axes.collections[0]
    np.testing.assert_allclose(mesh.get_array().reshape(BOWL.shape), BOWL)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("Theta 1", "Theta 2")
    assert (axes.get_xlim(), axes.get_ylim()) == ((-2, 2), (-1, 3))
    assert not axes.figure.legends


def test_minima_are_listed_with_their_losses_the_lowest_first(drawn):
    """L24: gradient descent finds a local optimum; which one depends on the start."""
    paths = [down_to(1, 1), down_to(0, 0), down_to(1, 1), down_to(9, 9)]
    figure = drawn(loss_surface(ALPHA, BETA, BOWL, paths, [0.50001, 0.1, 0.5, 7.0]))
    assert words(figure) == ["0.1 (1 of 4)", "0.5 (2 of 4)", "7 (1 of 4)"]
    lines = figure.axes[0].get_lines()
    for line, path in zip(lines, paths, strict=True):
        np.testing.assert_array_equal(line.get_xydata(), path)
    assert lines[0].get_color() == lines[2].get_color() != lines[1].get_color()
    assert figure.axes[0].get_xlim() == (-2, 2)  # a path that leaves doesn't widen the plane


def test_more_than_six_minima_are_the_lowest_six_and_the_rest(drawn):
    figure = drawn(loss_surface(ALPHA, BETA, BOWL, [down_to(0, 0)] * 20, [*range(10), *range(10)]))
    assert words(figure) == [*(f"{loss} (2 of 20)" for loss in range(6)), "higher (8 of 20)"]


@pytest.mark.parametrize(("lowest", "scale"), [(1e-3, "log"), (1.0, "linear"), (0.0, "linear")])
def test_losses_that_differ_much_have_a_logarithmic_scale(drawn, lowest, scale):
    figure = drawn(loss_surface(ALPHA, BETA, BOWL - 0.1 + lowest))
    assert figure.axes[1].get_yscale() == scale


def test_flat_and_diverged_losses_still_draw(drawn):
    drawn(loss_surface(ALPHA, BETA, np.ones_like(BOWL)))
    drawn(loss_surface(ALPHA, BETA, np.where(BOWL > 3, np.inf, BOWL)))
    assert "no loss is finite" in drawn(loss_surface(ALPHA, BETA, BOWL * NAN)).texts[0].get_text()
