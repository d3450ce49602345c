"""What a network saw: its pictures as it got them, with its answers."""

import numpy as np
import pytest

from nnjax.reporting.figures.seen import seen

pytestmark = pytest.mark.ci


@pytest.mark.parametrize("count", [1, 2, 5, 100])
def test_every_picture_has_its_answer(drawn, count):
    images = np.random.default_rng(0).random((count, 28, 28))
    figure = drawn(seen(images, [f"{k}, 0.5" for k in range(count)]))
    assert [text.get_text() for text in figure.axes[0].texts] == [f"{k}, 0.5" for k in range(count)]
    assert np.isfinite(figure.axes[0].images[0].get_array()).sum() == count * 784


def test_few_pictures_have_their_names_above(drawn):
    names = [f"a photograph with a long name {k}.jpg" for k in range(26)]
    texts = drawn(seen(np.eye(28)[None].repeat(13, 0), ["1, 0.9"] * 13, names)).axes[0].texts
    assert texts[12].get_text().startswith("a photogr")
    assert texts[12].get_text().endswith("12.jpg\n1, 0.9")
    crowd = drawn(seen(np.eye(28)[None].repeat(26, 0), ["1, 0.9"] * 26, names)).axes[0].texts
    assert {text.get_text() for text in crowd} == {"1, 0.9"}


def test_low_values_are_dark_as_the_network_has_them(drawn):
    image = drawn(seen(np.eye(28)[None], ["1"])).axes[0].images[0]
    assert image.get_cmap().name == "gray"
    assert image.get_clim() == (0, 1)


def test_more_than_a_hundred_say_so(drawn):
    figure = drawn(seen(np.zeros((150, 20, 20)), ["T-shirt/top, 1.000"] * 150))
    assert len(figure.axes[0].texts) == 100
    assert "100 of 150" in figure.get_suptitle()
