"""Photographs and drawings of one digit in MNIST's form: light on dark, 20 x 20, centred by mass in 28 x 28 pixels.

LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document recognition, section III-A: the
digit keeps its proportions in a box of 20 x 20, whose centre of mass is the centre of a field of 28 x 28.
"""

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage

from nnjax.data.mnist.cropping import centre_ink
from nnjax.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg")
MAX_SIDE = 280  # pixels of the longer side: larger pictures are shrunk before ink is searched
MIN_CONTRAST = 20  # grey levels of 256 between ink and paper
MIN_PIECE = 0.05  # of the area of the largest piece of ink: smaller pieces are dirt
MIN_STROKE = 0.09  # width of a stroke in heights of the digit: finer strokes are widened, as MNIST's pens were blunt
MIN_LIGHT = 40  # grey levels of paper under dark ink, or of darkness under light ink
MAX_EDGE = 2  # grey levels between black or white and the edge of a picture that is in MNIST's form already
MAX_GRAIN = 40  # pixels from 1 to MIN_CONTRAST of a digit, the maximum of all 70,000 of MNIST
MIN_INK = 12  # pixels of ink that a digit has


def read(path: Path, side: int) -> np.ndarray:
    """Return the digit in a picture in MNIST's form, uint8 (side, side); raise InputError if there is none.

    Ink may be darker or lighter than the paper, and the light uneven. The picture may be large, rotated by its EXIF,
    transparent or of 16 bits. A picture of side x side on black or white is not changed, except that dark on light is
    inverted. The same holds for a picture of 28 x 28 and a smaller side; `centre_ink` then crops it, as for training
    (L14).
    """
    try:
        with Image.open(path) as image:
            picture = to_grey(image)
    except UnidentifiedImageError:
        reason = "it is not a picture" if path.stat().st_size else "it is empty"
        raise InputError(f"{path} cannot be read: {reason}", f"a picture {', '.join(SUFFIXES)}") from None
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"{path} cannot be read: {reason}", f"a picture {', '.join(SUFFIXES)}") from None
    own_side = 28 if 20 <= side < 28 and picture.shape != (side, side) else side
    if picture.shape == (own_side, own_side) and _is_clear(picture):
        digit = (255 - picture if _edge_level(picture) > 128 else picture).round().astype(np.uint8)
        if own_side == side:
            return digit
        if not _is_grainy(digit):
            return centre_ink(digit[None], side)[0]
    ink = find_ink(_shrink(picture))
    if ink is None:
        allowed = "a picture of one digit, dark on light or light on dark"
        raise InputError(f"{path} has no ink on the paper", allowed)
    return draw_digit(*ink, side)


def _edge_level(picture: np.ndarray) -> float:
    """Return the median grey level at the edge of a picture."""
    return float(np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])))


def _is_clear(picture: np.ndarray) -> bool:
    """Return whether the edge of a picture is black or white, and something else is on it."""
    level = _edge_level(picture)
    ink = np.abs(picture - level) > MIN_CONTRAST
    return not MAX_EDGE < level < 255 - MAX_EDGE and ink.sum() >= MIN_INK


def _is_grainy(digit: np.ndarray) -> bool:
    """Return whether a digit has more faint grey than MNIST's: JPEG leaves grain, which would be cropped as ink."""
    return int(((digit > 0) & (digit <= MIN_CONTRAST)).sum()) > MAX_GRAIN


def to_grey(image: Image.Image) -> np.ndarray:
    """Return the grey levels of a picture as a viewer shows it, float (h, w), from 0 black to 255 white.

    Transparent parts become paper: black if the opaque parts are light, otherwise white.
    """
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith(("I", "F")):  # 16 bits a pixel, which Pillow may hold in 32
        values = np.asarray(upright, float)
        return values * (255 / 65535 if values.max() > 255 else 1)
    if not upright.has_transparency_data:
        return np.asarray(upright.convert("L"), float)
    light, opaque = (np.asarray(part, float) for part in upright.convert("LA").split())
    mean = (light * opaque).sum() / max(opaque.sum(), 1)
    paper = 0 if mean > 128 else 255
    return paper + (light - paper) * opaque / 255


def _shrink(picture: np.ndarray) -> np.ndarray:
    """Return the picture with a longer side of at most MAX_SIDE pixels."""
    h, w = picture.shape
    scale = MAX_SIDE / max(h, w)
    return _resize(picture, max(1, round(h * scale)), max(1, round(w * scale))) if scale < 1 else picture


def find_ink(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the share of the paper's light that ink takes or adds, float (h, w), and where ink is, bool (h, w).

    None if nothing differs from the paper. Dirt is not ink, nor is an object at the edge of the picture, such as a
    table.
    """
    light = estimate_paper(picture)
    difference = picture - light
    noise = robust_deviation(difference)
    is_dark = difference[np.abs(difference) > 3 * noise].sum() <= 0
    contrast = np.clip(-difference if is_dark else difference, 0, None)
    # Half the light makes half the difference, so the share of the light is the same in all parts of the paper.
    share = (contrast / np.maximum(light if is_dark else 255 - light, MIN_LIGHT)).clip(0, 1)
    ink = share > otsu_threshold(share)
    if not ink.any() or contrast[ink].mean() < max(MIN_CONTRAST, 3 * noise):
        return None
    digit = remove_dirt(ink)
    return (share, digit) if digit.sum() >= MIN_INK else None


def estimate_paper(picture: np.ndarray) -> np.ndarray:
    """Return the grey levels of the paper without ink, float (h, w): a quadratic in x and y, like a lamp's light.

    Least squares are repeated without the pixels that lie far from the fit, which are ink.
    """
    y, x = (np.linspace(-1, 1, length) for length in picture.shape)
    X, Y = np.meshgrid(x, y)
    terms = np.stack([np.ones_like(X), X, Y, X * X, X * Y, Y * Y], axis=-1)
    A, values = terms.reshape(-1, 6), picture.reshape(-1)
    step = max(1, len(values) // 5_003)
    sample, target = A[::step], values[::step]
    is_paper = np.abs(target - np.median(target)) <= max(2 * robust_deviation(target), 8)
    for _ in range(10):
        coefficients = np.linalg.lstsq(sample[is_paper], target[is_paper])[0]
        residual = target - sample @ coefficients
        is_paper = np.abs(residual) <= max(2.5 * robust_deviation(residual), 4)
    return (A @ coefficients).reshape(picture.shape)


def robust_deviation(values: np.ndarray) -> float:
    """Return a standard deviation that ink does not change: 1.4826 times the median distance from the median."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def otsu_threshold(values: np.ndarray) -> float:
    """Return the threshold with the greatest variance between the values below and above it (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    middle = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middle)
    means = sums / np.maximum(below, 1), (sums[-1] - sums) / np.maximum(above, 1)
    return float(edges[1:][np.argmax(below * above * (means[0] - means[1]) ** 2)])


def remove_dirt(ink: np.ndarray) -> np.ndarray:
    """Return the ink bool (h, w) without small pieces, and without pieces at the edge if there are others."""
    labels, _ = ndimage.label(ink, np.ones((3, 3)))
    areas = np.bincount(labels.reshape(-1))
    areas[0] = 0
    at_edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    inside = areas.copy()
    inside[at_edge] = 0
    areas = inside if inside.max() > 0.1 * areas.max() else areas
    return (areas > MIN_PIECE * areas.max())[labels]


def draw_digit(share: np.ndarray, ink: np.ndarray, side: int) -> np.ndarray:
    """Return a digit in MNIST's form, uint8 (side, side): 20 of 28 pixels are the digit, its centre of mass the middle.

    share, ink: from `find_ink`. A side from 20 to 27 is cropped as data.image_size crops (L14).
    """
    if 20 <= side < 28:
        return centre_ink(draw_digit(share, ink, 28)[None], side)[0]
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    size = round(side * 20 / 28)
    stroke = 2 * ink.sum() / (ink & ~ndimage.binary_erosion(ink)).sum()  # area over half the length of its edge
    widening = round(MIN_STROKE * max(height, width) - stroke)
    margin = 2 + max(widening, 0)
    soft = ndimage.binary_dilation(ink, iterations=2)  # the soft edges of the ink, too
    drawn = np.pad(np.where(soft, share, 0) / np.median(share[ink]), margin).clip(0, 1)
    if widening >= 1:
        drawn = ndimage.grey_dilation(drawn, (widening + 1, widening + 1))
    box = _trim(drawn[rows[0] : rows[-1] + 1 + 2 * margin, columns[0] : columns[-1] + 1 + 2 * margin])
    scale = size / max(box.shape)
    small = _resize(box, *(max(1, min(size, round(length * scale))) for length in box.shape))
    return centre_mass((small / small.max() * 255).round().astype(np.uint8), side)


def _trim(drawn: np.ndarray) -> np.ndarray:
    """Return the box of a picture that contains all pixels with more than half the strength of ink."""
    rows, columns = (np.flatnonzero((drawn > 0.5).any(axis=axis)) for axis in (1, 0))
    return drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def centre_mass(small: np.ndarray, side: int) -> np.ndarray:
    """Return a field uint8 (side, side) with a picture whose centre of mass is the middle, unless it would be cut."""
    total = small.sum(dtype=float)
    field = np.zeros((side, side), small.dtype)
    corner = []
    for axis, length in enumerate(small.shape):
        mass = small.sum(axis=1 - axis) @ np.arange(length) / total
        corner.append(min(max(math.floor(side / 2 - mass + 0.5), 0), side - length))
    field[corner[0] : corner[0] + small.shape[0], corner[1] : corner[1] + small.shape[1]] = small
    return field


def _resize(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the picture in another size; every pixel counts."""
    image = Image.fromarray(picture.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), float)
