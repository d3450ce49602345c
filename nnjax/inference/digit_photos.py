"""Photographs and drawings of a single digit as MNIST has them: light on dark, 20 x 20, centred by mass in 28 x 28.

LeCun, Bottou, Bengio & Haffner (1998), Gradient-based learning applied to document recognition, section III-A: the
digit keeps its proportions in a box of 20 x 20, whose centre of mass is the centre of a field of 28 x 28.
"""

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage

from nnjax.data.mnist.cropping import centred
from nnjax.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg")
LARGEST = 280  # pixels of a longer side at which ink is looked for
FAINTEST = 20  # grey levels of 256 between ink and paper, else there is no ink
SPECK = 0.05  # share of the largest piece of ink below which a piece is dirt
THINNEST = 0.09  # a stroke's width in digit heights: pens finer than that are made so, as MNIST's were blunt
SHADE = 40  # grey levels that paper has at least, or that it lacks of white under light ink
CLEAR = 2  # grey levels from black or white that the edge of a picture may have to be one of MNIST's as it is
GRAIN = 40  # pixels of 1 to FAINTEST that a digit of MNIST has at most, of all 70,000
LEAST = 12  # pixels of ink that a digit has


def read(path: Path, side: int) -> np.ndarray:
    """Return the digit in a picture as MNIST's are, uint8 (side, side); raise InputError where there is none.

    Ink may be darker or lighter than the paper, the light uneven, the picture large, turned by its EXIF, transparent or
    of 16 bits. A picture of side x side on black or white stays as it is, dark on light inverted; so does one of
    28 x 28 for a smaller side, of which `centred` then leaves the middle, as in training (L14).
    """
    try:
        with Image.open(path) as opened:
            picture = grey(opened)
    except UnidentifiedImageError:
        raise InputError(f"{path}: no picture that can be read{'' if path.stat().st_size else ': empty'}") from None
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"{path}: no picture that can be read: {reason}") from None
    own = 28 if 20 <= side < 28 and picture.shape != (side, side) else side
    if picture.shape == (own, own) and clear(picture):
        digit = (255 - picture if edge(picture) > 128 else picture).round().astype(np.uint8)
        if own == side:
            return digit
        if not grainy(digit):
            return centred(digit[None], side)[0]
    found = ink(shrunk(picture))
    if found is None:
        raise InputError(f"{path}: no ink on the paper: a picture must show one digit, dark on light or light on dark")
    return field(*found, side)


def edge(picture: np.ndarray) -> float:
    """Return the median grey level at the edge of a picture."""
    return float(np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])))


def clear(picture: np.ndarray) -> bool:
    """Return whether a picture is black or white all around, and something is on it."""
    light = edge(picture)
    inked = np.abs(picture - light) > FAINTEST
    return not CLEAR < light < 255 - CLEAR and inked.sum() >= LEAST


def grainy(digit: np.ndarray) -> bool:
    """Return whether there is more faint grey than in MNIST: what JPEG leaves around a digit would count as ink."""
    return int(((digit > 0) & (digit <= FAINTEST)).sum()) > GRAIN


def grey(opened: Image.Image) -> np.ndarray:
    """Return a picture as it is meant to be seen, float (h, w), 0 black to 255 white.

    Transparent parts become paper: black where what is opaque is light, else white.
    """
    upright = ImageOps.exif_transpose(opened)
    if upright.mode.startswith(("I", "F")):  # 16 bits a pixel, which Pillow may hold in 32
        values = np.asarray(upright, float)
        return values * (255 / 65535 if values.max() > 255 else 1)
    if not upright.has_transparency_data:
        return np.asarray(upright.convert("L"), float)
    light, opaque = (np.asarray(part, float) for part in upright.convert("LA").split())
    mean = (light * opaque).sum() / max(opaque.sum(), 1)
    paper = 0 if mean > 128 else 255
    return paper + (light - paper) * opaque / 255


def shrunk(picture: np.ndarray) -> np.ndarray:
    """Return the picture with a longer side of at most LARGEST pixels."""
    h, w = picture.shape
    scale = LARGEST / max(h, w)
    return resized(picture, max(1, round(h * scale)), max(1, round(w * scale))) if scale < 1 else picture


def ink(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the share of the paper's light that ink takes or adds, float (h, w), and where it is, bool (h, w).

    None where nothing stands out. Dirt and what reaches in from the edge, such as a table, is no ink.
    """
    light = paper(picture)
    difference = picture - light
    spread = deviation(difference)
    dark = difference[np.abs(difference) > 3 * spread].sum() <= 0
    against = np.clip(-difference if dark else difference, 0, None)
    # Half the light makes half the difference: shares of it are the same all over the paper.
    share = (against / np.maximum(light if dark else 255 - light, SHADE)).clip(0, 1)
    there = share > otsu(share)
    if not there.any() or against[there].mean() < max(FAINTEST, 3 * spread):
        return None
    kept = pieces(there)
    return (share, kept) if kept.sum() >= LEAST else None


def paper(picture: np.ndarray) -> np.ndarray:
    """Return what the paper alone would be, float (h, w): a quadratic in x and y, as a lamp's light falls on it.

    Least squares, again and again without the pixels that lie far off: those are ink.
    """
    y, x = (np.linspace(-1, 1, length) for length in picture.shape)
    X, Y = np.meshgrid(x, y)
    terms = np.stack([np.ones_like(X), X, Y, X * X, X * Y, Y * Y], axis=-1)
    A, values = terms.reshape(-1, 6), picture.reshape(-1)
    step = max(1, len(values) // 5_003)
    sample, target = A[::step], values[::step]
    kept = np.abs(target - np.median(target)) <= max(2 * deviation(target), 8)
    for _ in range(10):
        coefficients = np.linalg.lstsq(sample[kept], target[kept])[0]
        residual = target - sample @ coefficients
        kept = np.abs(residual) <= max(2.5 * deviation(residual), 4)
    return (A @ coefficients).reshape(picture.shape)


def deviation(values: np.ndarray) -> float:
    """Return a standard deviation that the ink does not change: 1.4826 times the median distance from the median."""
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def otsu(values: np.ndarray) -> float:
    """Return the threshold that parts the values most clearly (Otsu 1979): the greatest variance between both sides."""
    counts, edges = np.histogram(values, 256)
    middle = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middle)
    means = sums / np.maximum(below, 1), (sums[-1] - sums) / np.maximum(above, 1)
    return float(edges[1:][np.argmax(below * above * (means[0] - means[1]) ** 2)])


def pieces(there: np.ndarray) -> np.ndarray:
    """Return the pieces of ink that are no dirt, those away from the edge if there are any; bool (h, w)."""
    labels, _ = ndimage.label(there, np.ones((3, 3)))
    areas = np.bincount(labels.reshape(-1))
    areas[0] = 0
    at_edge = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    inside = areas.copy()
    inside[at_edge] = 0
    areas = inside if inside.max() > 0.1 * areas.max() else areas
    return (areas > SPECK * areas.max())[labels]


def field(share: np.ndarray, there: np.ndarray, side: int) -> np.ndarray:
    """Return the ink in a field uint8 (side, side): 20 of 28 pixels hold the digit, its centre of mass is the middle.

    A side from 20 to 27 is what data.image_size leaves of such a field (L14).
    """
    if 20 <= side < 28:
        return centred(field(share, there, 28)[None], side)[0]
    rows, columns = (np.flatnonzero(there.any(axis=axis)) for axis in (1, 0))
    height, width = rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1
    size = round(side * 20 / 28)
    stroke = 2 * there.sum() / (there & ~ndimage.binary_erosion(there)).sum()  # area over half the length of its edge
    thicker = round(THINNEST * max(height, width) - stroke)
    margin = 2 + max(thicker, 0)
    around = ndimage.binary_dilation(there, iterations=2)  # soft edges
    drawn = np.pad(np.where(around, share, 0) / np.median(share[there]), margin).clip(0, 1)
    if thicker >= 1:
        drawn = ndimage.grey_dilation(drawn, (thicker + 1, thicker + 1))
    box = drawn[rows[0] : rows[-1] + 1 + 2 * margin, columns[0] : columns[-1] + 1 + 2 * margin]
    box = trimmed(box)
    scale = size / max(box.shape)
    small = resized(box, *(max(1, min(size, round(length * scale))) for length in box.shape))
    return placed((small / small.max() * 255).round().astype(np.uint8), side)


def trimmed(drawn: np.ndarray) -> np.ndarray:
    """Return the part of a picture that is more than half as strong as ink."""
    rows, columns = (np.flatnonzero((drawn > 0.5).any(axis=axis)) for axis in (1, 0))
    return drawn[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def placed(small: np.ndarray, side: int) -> np.ndarray:
    """Return the field with a picture in it: its centre of mass in the middle, as far as it then stays whole."""
    total = small.sum(dtype=float)
    whole = np.zeros((side, side), small.dtype)
    corner = []
    for axis, length in enumerate(small.shape):
        mass = small.sum(axis=1 - axis) @ np.arange(length) / total
        corner.append(min(max(math.floor(side / 2 - mass + 0.5), 0), side - length))
    whole[corner[0] : corner[0] + small.shape[0], corner[1] : corner[1] + small.shape[1]] = small
    return whole


def resized(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the picture in another size, every pixel counted."""
    image = Image.fromarray(picture.astype(np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), float)
