"""Hidden layers as pictures: each input where its activations put it (L12)."""

import numpy as np
import pytest

from nnjax.reporting.figures.representation import hidden_representation

INPUTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
XNOR = np.array([1, 0, 0, 1])
AND_NOR = np.array([[0, 1], [0, 0], [0, 0], [1, 0]], float)  # a = (AND, NOR) of the inputs


pytestmark = pytest.mark.ci


def logical_or(a):
    """L11: h = g(-10 + 20 a1 + 20 a2)."""
    return 1 / (1 + np.exp(10 - 20 * a.astype(float).sum(axis=1)))


def rows(k):
    return (np.arange(2**k)[:, None] >> np.arange(k)[::-1]) & 1


def mean(a):
    return a.mean(axis=1)


def test_two_units_make_xnor_a_matter_of_one_line(drawn):
    """L12: in the plane of AND and NOR the output is OR, and 01 and 10 are the same point."""
    axes = drawn(hidden_representation(logical_or, AND_NOR, INPUTS, XNOR)).axes[0]
    crossing = np.concatenate([path.vertices for path in axes.collections[0].get_paths()])
    np.testing.assert_allclose(crossing.sum(axis=1), 0.5, atol=1e-2)
    places = {text.get_text(): tuple(text.xy) for text in axes.texts}
    assert places == {"00": (0, 1), "01, 10": (0, 0), "11": (1, 0)}
    np.testing.assert_array_equal(axes.collections[1].get_offsets(), [[0, 0]] * 2)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("hidden unit 1, a1", "hidden unit 2, a2")


def test_inputs_at_one_place_share_its_words_and_crowds_have_none(drawn):
    x = rows(5)
    axes = drawn(hidden_representation(mean, np.ones((32, 2)), x, x[:, 0])).axes[0]
    assert [text.get_text() for text in axes.texts] == ["00000, 00001, 00010, 00011\nand 28 more"]
    spread = np.random.default_rng(0).random((32, 2))
    assert not drawn(hidden_representation(mean, spread, x, x[:, 0])).axes[0].texts


@pytest.mark.parametrize("units", [1, 3, 16])
def test_other_layers_are_a_map_of_inputs_by_units(drawn, units):
    x = rows(4)
    a = np.random.default_rng(0).random((16, units))
    axes = drawn(hidden_representation(mean, a, x, x[:, 0])).axes[0]
    np.testing.assert_array_equal(axes.images[0].get_array(), a)
    assert [text.get_text() for text in axes.texts] == [f"{value:.2f}" for value in a.flat]
    assert axes.get_yticklabels()[9].get_text() == f"1001   y = 1, h = {a[9].mean():.2f}"
    assert axes.images[0].get_clim() == (0, 1)


def test_of_many_rows_the_worst_and_of_many_units_the_liveliest_are_drawn(drawn):
    x = rows(6)
    a = np.zeros((64, 20))
    a[:, 3:19] = x[:, :1]  # all others never move
    a[17] = 1  # says 1, and is 0
    figure = drawn(hidden_representation(lambda a: a[:, 3], a, x, x[:, 0]))
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == [str(unit + 1) for unit in range(16)]
    figure = drawn(hidden_representation(lambda a: a[:, 3], np.where(np.arange(20) < 4, 0.5, a), x, x[:, 0]))
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == [str(unit + 1) for unit in range(4, 20)]
    assert figure.get_suptitle().endswith("16 of 64 inputs, worst first\n16 of 20 units, those that vary most")


def test_the_worst_row_stands_first():
    x = rows(6)
    outputs = x[:, 0] * 0.9
    outputs[[17, 40]] = 0.7, 0.1
    figure = hidden_representation(lambda a: outputs, np.zeros((64, 3)), x, x[:, 0])
    words = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert words[:2] == ["101000   y = 1, h = 0.10", "010001   y = 0, h = 0.70"]


def test_values_below_zero_have_a_scale_around_zero(drawn):
    a = np.array([[-0.5, 0.2, 0.9]] * 4)
    assert drawn(hidden_representation(mean, a, INPUTS, XNOR)).axes[0].images[0].get_clim() == (-1, 1)


def test_where_activations_diverged_a_figure_says_so(drawn):
    figure = drawn(hidden_representation(mean, np.full((4, 2), np.nan), INPUTS, XNOR))
    assert "not finite" in figure.texts[0].get_text()


@pytest.mark.parametrize("units", [2, 3])
def test_inputs_not_trained_on_have_a_star(drawn, units):
    a = np.array([[0, 1, 1], [0, 0, 0], [0, 0.5, 0], [1, 0, 1]], float)[:, :units]
    figure = drawn(hidden_representation(mean, a, INPUTS, XNOR, np.array([True, True, False, True])))
    axes = figure.axes[0]
    labels = axes.texts if units == 2 else axes.get_yticklabels()
    assert {text.get_text().split()[0] for text in labels} == {"00", "01", "10*", "11"}
    assert "*: not trained on" in axes.get_title() + axes.get_ylabel()
