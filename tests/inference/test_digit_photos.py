"""Photographs get the form of MNIST's digits: light on dark, 20 x 20, centred by mass."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from nnjax.data.mnist.cropping import centre_ink
from nnjax.errors import InputError
from nnjax.inference import digit_photos


def seven(size=(420, 300), width=26, at=(150, 60)):
    """Return a hand-drawn 7 of 120 x 180 pixels, as the share of ink (h, w)."""
    image = Image.new("L", size, 0)
    x, y = at
    ImageDraw.Draw(image).line([(x, y), (x + 120, y), (x + 40, y + 180)], fill=255, width=width, joint="curve")
    return np.asarray(image, float) / 255


def photograph(ink, dark=True, noise=4.0):
    """Return grey levels (h, w) of ink that takes 80 % of the light, which decreases to the right and below."""
    y, x = np.mgrid[: ink.shape[0], : ink.shape[1]]
    light = 240 - 110 * x / ink.shape[1] - 40 * y / ink.shape[0]
    seen = light * (1 - 0.8 * ink) + np.random.default_rng(0).normal(0, noise, ink.shape)
    return (seen if dark else 255 - seen).clip(0, 255).astype(np.uint8)


def saved(path, picture, **options):
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path, **options)
    return path


def mass(image):
    steps = np.arange(image.shape[0])
    return [float(image.sum(axis=axis) @ steps / image.sum()) for axis in (1, 0)]


def box(image):
    return [int(np.ptp(np.flatnonzero(image.any(axis=axis)))) + 1 for axis in (1, 0)]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return digit_photos.read(saved(tmp_path_factory.mktemp("plain") / "7.png", photograph(seven())), 28)


def same(digit, plain):
    return np.abs(digit.astype(float) - plain).mean() < 3


def test_a_photograph_is_light_on_dark_in_20_by_20_centred_by_mass(plain):
    """LeCun 1998, III-A: MNIST's own centre of mass is pixel 14 on average."""
    assert plain.dtype == np.uint8
    assert plain.shape == (28, 28)
    assert mass(plain) == pytest.approx([14, 14], abs=0.51)
    assert max(box(plain)) == 20
    assert plain.max() == 255
    assert (plain == 0).mean() > 0.6, "the paper is black, whatever light fell on it"
    rows, columns = np.nonzero(plain)
    assert plain[rows.min() + 1, columns.min() + 2 : columns.max() - 2].min() > 150, "the bar of the 7"
    height, width = box(plain)
    assert width / height == pytest.approx((120 + 26) / (180 + 13), abs=0.12), "the proportions are kept"


def test_light_ink_on_dark_paper_is_the_same_digit(tmp_path, plain):
    assert same(digit_photos.read(saved(tmp_path / "7.png", photograph(seven(), dark=False)), 28), plain)


def test_a_picture_on_its_side_is_turned_by_its_exif(tmp_path, plain):
    """Orientation 6: a quarter turn to the right, as phones write it."""
    turned = Image.fromarray(photograph(seven())).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6
    assert same(digit_photos.read(saved(tmp_path / "7.jpg", turned, exif=exif, quality=95), 28), plain)
    assert not same(digit_photos.read(saved(tmp_path / "8.jpg", turned, quality=95), 28), plain)


@pytest.mark.parametrize("kind", ["colour", "16 bits", "transparent", "light on transparent", "palette"])
def test_all_types_of_pixels_are_the_same_digit(tmp_path, plain, kind):
    grey, ink = photograph(seven()), seven()
    alpha = Image.fromarray((255 * ink).astype(np.uint8))
    one_colour = Image.new("L", alpha.size, 255 if kind.startswith("light") else 30)
    picture = {
        "colour": Image.merge("RGB", [Image.fromarray(grey)] * 3),
        "16 bits": Image.fromarray(grey.astype(np.uint16) * 257),
        "palette": Image.fromarray(grey).convert("P"),
        "transparent": Image.merge("LA", [one_colour, alpha]),
        "light on transparent": Image.merge("LA", [one_colour, alpha]),
    }[kind]
    assert same(digit_photos.read(saved(tmp_path / "7.png", picture), 28), plain)


def test_dirt_and_the_edge_of_the_table_are_not_ink(tmp_path, plain):
    grey = photograph(seven())
    grey[20:26, 20:26] = 20  # a crumb
    grey[:, :30] = 15  # a table beside the paper
    assert same(digit_photos.read(saved(tmp_path / "7.png", grey), 28), plain)


def test_a_fine_stroke_is_widened(tmp_path):
    thin = digit_photos.read(saved(tmp_path / "7.png", photograph(seven(width=4))), 28)
    assert (thin > 128).sum() > 1.5 * sum(box(thin)), "more than a line of single pixels"


def test_a_picture_in_mnists_form_is_not_changed(tmp_path, plain):
    np.testing.assert_array_equal(digit_photos.read(saved(tmp_path / "a.png", plain), 28), plain)
    np.testing.assert_array_equal(digit_photos.read(saved(tmp_path / "b.png", 255 - plain), 28), plain)


@pytest.mark.parametrize("paper", [250, 220, 30, 5])
def test_grey_paper_of_mnists_digit_becomes_black(tmp_path, plain, paper):
    shade = paper - plain * ((paper - 20) / 255) if paper > 128 else paper + plain * ((235 - paper) / 255)
    digit = digit_photos.read(saved(tmp_path / "7.png", shade.round().astype(np.uint8)), 28)
    assert digit[0].max() == 0
    assert np.corrcoef(digit.ravel(), plain.ravel())[0, 1] > 0.9
    assert mass(digit) == pytest.approx([14, 14], abs=0.51)


@pytest.mark.parametrize("side", [20, 24, 27])
def test_a_picture_in_mnists_form_is_cropped_as_in_training(tmp_path, plain, side):
    """L14: bit by bit, although the middle of the box is not the centre of mass."""
    expected = centre_ink(plain[None], side)[0]
    for name, picture in (("a.png", plain), ("b.png", 255 - plain)):
        np.testing.assert_array_equal(digit_photos.read(saved(tmp_path / name, picture), side), expected)
    np.testing.assert_array_equal(digit_photos.read(saved(tmp_path / "c.png", expected), side), expected)


def test_grain_of_jpeg_is_not_cropped_as_ink(tmp_path, plain):
    """The box of all pixels that are not black would be the whole picture, whose middle is not the digit's."""
    digit = digit_photos.read(saved(tmp_path / "7.jpg", plain, quality=90), 20)
    assert np.corrcoef(digit.ravel(), centre_ink(plain[None], 20)[0].ravel())[0, 1] > 0.95


def test_the_centre_of_mass_is_pixel_14_to_half_a_pixel():
    """LeCun 1998, III-A: dots in row 9 and 10, and column 9 and 10, of which the second pulls."""
    for weight in range(0, 21, 4):
        small = np.zeros((20, 20), np.uint8)
        small[9, 9], small[10, 10] = 20 - weight, weight
        assert mass(small) == pytest.approx([9 + weight / 20] * 2)
        assert mass(digit_photos.centre_mass(small, 28)) == pytest.approx([14, 14], abs=0.5)


def test_a_smaller_side_is_the_middle_of_the_field(tmp_path, plain):
    """L14: 20 x 20."""
    small = digit_photos.read(saved(tmp_path / "7.png", photograph(seven())), 20)
    np.testing.assert_array_equal(small, centre_ink(plain[None], 20)[0])
    assert max(box(small)) == 20


@pytest.mark.parametrize("noise", [0.0, 4.0])
def test_empty_paper_is_refused_in_one_line(tmp_path, noise):
    with pytest.raises(
        InputError, match=r"paper\.png has no ink on the paper\. Allowed: a picture of one digit"
    ) as raised:
        digit_photos.read(saved(tmp_path / "paper.png", photograph(np.zeros((300, 420)), noise=noise)), 28)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("side", [28, 200])
@pytest.mark.parametrize("paper", [255, 235])
def test_a_dark_pixel_is_not_a_digit(tmp_path, side, paper):
    dot = np.full((side, side), paper, np.uint8)
    dot[side // 2, side // 3] = 0
    with pytest.raises(InputError, match="has no ink"):
        digit_photos.read(saved(tmp_path / "dot.png", dot), 28)


def test_paper_of_one_colour_is_refused(tmp_path):
    for side in (28, 300):
        with pytest.raises(InputError, match="has no ink"):
            digit_photos.read(saved(tmp_path / "white.png", np.full((side, side), 255, np.uint8)), 28)


def test_a_file_that_is_not_a_picture_is_refused(tmp_path):
    (tmp_path / "x.png").write_text("no picture")
    with pytest.raises(InputError, match=r"x\.png cannot be read: it is not a picture\. Allowed: a picture \.png"):
        digit_photos.read(tmp_path / "x.png", 28)
    whole = saved(tmp_path / "7.png", photograph(seven())).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"half\.png cannot be read: .*truncated"):
        digit_photos.read(tmp_path / "half.png", 28)


def test_otsus_threshold_separates_two_groups_of_values():
    """Otsu 1979."""
    values = np.concatenate([np.linspace(0, 1, 50), np.linspace(5, 6, 9)])
    assert 1 <= digit_photos.otsu_threshold(values) < 5
