"""Filters as they are, around 0, and the layers of a few images in order (L16)."""

import numpy as np
import pytest

from nnjax.reporting.figures.maps import filters, layers_seen

RNG = np.random.default_rng(0)


pytestmark = pytest.mark.ci


def test_a_filter_is_a_column_of_its_layer_a_row_each_map_below(drawn):
    first, second = RNG.normal(size=(6, 1, 5, 5)), RNG.normal(size=(16, 6, 5, 5))
    figure = drawn(filters([first, second]))
    papers = [axes.images[0].get_array() for axes in figure.axes[:2]]
    np.testing.assert_array_equal(papers[0][:5, 6:11], first[1, 0])
    np.testing.assert_array_equal(papers[1][12:17, 6:11], second[1, 2])
    assert [axes.get_title() for axes in figure.axes[:2]] == [
        "convolution 1: 6 maps, each 5 x 5 from 1 map",
        "convolution 2: 16 maps, each 5 x 5 from 6 maps",
    ]
    for axes in figure.axes[:2]:
        low, high = axes.images[0].get_clim()
        assert low == -high < 0


@pytest.mark.parametrize("n", [1, 5])
def test_each_layer_has_a_column_and_each_image_a_row(drawn, n):
    shapes = [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (120,), (84,)]
    layers = [RNG.normal(size=(n, *shape)) for shape in shapes]
    h = RNG.dirichlet(np.ones(10), n)
    figure = drawn(layers_seen(RNG.random((n, 28, 28)), layers, h, ["a"] * n, [f"class {i}" for i in range(10)]))
    titles = [axes.get_title().split("\n")[0] for axes in figure.axes]
    assert titles == ["image", "6 maps", "pooled", "16 maps", "pooled", "120 units", "84 units", "output"]
    assert [len(axes.images) for axes in figure.axes[:-1]] == [n] * 7
    np.testing.assert_array_equal(figure.axes[1].images[-1].get_array()[:28, 30:58], layers[0][-1, 1])
    np.testing.assert_array_equal(figure.axes[6].images[0].get_array()[1, 2], layers[5][0, 14])
    words = [text.get_text() for text in figure.axes[-1].texts]
    assert words == [f"class {row.argmax()}: {row.max():.2f}" for row in h]


def test_diverged_weights_say_so(drawn):
    """As after a training that ended in nan."""
    assert "not finite" in drawn(filters([np.full((6, 1, 5, 5), np.nan)])).texts[0].get_text()
    layers = [np.full((1, 6, 4, 4), np.inf)]
    figure = drawn(layers_seen(np.ones((1, 8, 8)), layers, np.ones((1, 2)), ["a"], ["a", "b"]))
    assert "not finite" in figure.texts[0].get_text()
