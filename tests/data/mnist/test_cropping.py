"""20 x 20 pixels, unrolled to d = 400 (L14)."""

import numpy as np

from nnjax.data import sources
from nnjax.data.mnist.cropping import centre_ink


def drawn(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Images 28 x 28 with a box of ink each: first row, first column, height, width."""
    images = np.zeros((len(boxes), 28, 28), np.uint8)
    for image, (top, left, height, width) in zip(images, boxes, strict=True):
        image[top : top + height, left : left + width] = (
            np.arange(1, height * width + 1).reshape(height, width) % 255 + 1
        )
    return images


def test_the_inks_middle_is_the_middle_of_the_square():
    boxes = [(0, 0, 6, 4), (22, 24, 6, 4), (4, 4, 20, 20), (8, 27, 11, 1)]
    images = drawn(*boxes)
    small = centre_ink(images, 20)
    assert (small.shape, small.dtype) == ((4, 20, 20), np.uint8)
    for image, (top, left, height, width), original in zip(small, boxes, images, strict=True):
        rows, columns = np.flatnonzero(image.any(1)), np.flatnonzero(image.any(0))
        assert (len(rows), len(columns)) == (height, width)
        assert abs(rows.mean() - 9.5) <= 0.5
        assert abs(columns.mean() - 9.5) <= 0.5
        ink = original[top : top + height, left : left + width]
        np.testing.assert_array_equal(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], ink)


def test_of_a_larger_box_the_middle_is_kept_and_an_empty_image_stays_empty():
    images = np.concatenate([drawn((0, 0, 28, 28)), np.zeros((1, 28, 28), np.uint8)])
    small = centre_ink(images, 20)
    np.testing.assert_array_equal(small[0], images[0, 4:24, 4:24])
    assert not small[1].any()


def test_bundled_digits_of_400_inputs_lose_no_ink():
    """L14: 20 x 20 pixels are d = 400 features."""
    whole, small = (sources.load("mnist", source="bundled", image_size=side) for side in (28, 20))
    assert small.preprocessing.shape == (400,)
    assert small.digest != whole.digest
    for part in ("train", "test"):
        before, after = getattr(whole, part), getattr(small, part)
        np.testing.assert_array_equal(before.x.sum((1, 2), dtype=int), after.x.sum((1, 2), dtype=int))
        np.testing.assert_array_equal(before.y, after.y)
