"""What may be asked of a network: arrays of its raw shape and range, and pictures."""

import numpy as np
import pytest
from PIL import Image

from nnjax.data import inputs
from nnjax.errors import InputError

DIGITS = {"scale": 1 / 255, "shift": 0.0, "shape": [784]}
BITS = {"scale": 1.0, "shift": 0.0, "shape": [2]}
GREY = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)


def saved(path, array):
    np.save(path, array)
    return path


@pytest.mark.parametrize(
    ("array", "about", "rows"),
    [
        (GREY, DIGITS, 3),
        (GREY[0], DIGITS, 1),
        (GREY.reshape(3, 784), DIGITS, 3),
        (GREY[0].reshape(784), DIGITS, 1),
        (GREY.astype(float), DIGITS, 3),
        (np.zeros((2, 28, 28)), DIGITS, 2),  # nothing drawn: no scale to doubt
        (np.eye(2), BITS, 2),
        (np.ones(2), BITS, 1),
        (np.ones(5), {**BITS, "shape": [1]}, 5),
    ],
    ids=lambda value: str(value.shape) if isinstance(value, np.ndarray) else None,
)
def test_a_batch_or_a_row(tmp_path, array, about, rows):
    found = inputs.read(saved(tmp_path / "x.npy", array), about)
    assert len(found.rows) == rows
    assert found.rows.reshape(-1).tolist() == array.reshape(-1).tolist()
    assert found.names == tuple(map(str, range(rows)))


@pytest.mark.parametrize(
    ("array", "about", "line"),
    [
        (GREY[:, :20, :20], DIGITS, r"takes \(n, 28, 28\) or \(28, 28\), got \(3, 20, 20\)"),
        (np.eye(3), BITS, r"takes \(n, 2\) or \(2,\), got \(3, 3\)"),
        (GREY / 255, DIGITS, r"takes 0 to 255, got 0 to 1: multiply by 255"),
        (GREY > 128, DIGITS, r"takes 0 to 255, got 0 to 1: multiply by 255"),
        (GREY - 100.0, DIGITS, r"takes 0 to 255, got -100"),
        (np.full((1, 28, 28), np.nan), DIGITS, "finite"),
        (np.zeros((0, 28, 28)), DIGITS, "no rows"),
        (np.array(["a", "b"]), BITS, "must hold numbers, got <U1"),
        (np.array([None, 1], object), BITS, "no array that can be read"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_does_not_fit_is_one_line(tmp_path, array, about, line):
    with pytest.raises(InputError, match=line) as raised:
        inputs.read(saved(tmp_path / "x.npy", array), about)
    assert "\n" not in str(raised.value)


def test_an_npz_has_one_array_or_x(tmp_path):
    np.savez(tmp_path / "one.npz", pixels=GREY)
    np.savez(tmp_path / "two.npz", x=GREY[:2], y=np.arange(2))
    np.savez(tmp_path / "neither.npz", a=GREY, b=GREY)
    assert len(inputs.read(tmp_path / "one.npz", DIGITS).rows) == 3
    assert len(inputs.read(tmp_path / "two.npz", DIGITS).rows) == 2
    with pytest.raises(InputError, match="an array x or only one array, its arrays: a, b"):
        inputs.read(tmp_path / "neither.npz", DIGITS)


def test_a_folder_is_its_pictures_by_name(tmp_path):
    for name in ("b.png", "a.PNG"):
        Image.fromarray(np.pad(GREY[0, 4:24, 4:24], 4)).save(tmp_path / name, format="png")
    (tmp_path / "notes.txt").write_text("")
    found = inputs.read(tmp_path, DIGITS)
    assert found.names == ("a.PNG", "b.png")
    np.testing.assert_array_equal(found.rows[1], np.pad(GREY[0, 4:24, 4:24], 4))


def test_files_that_are_not_there_or_of_no_use_are_one_line(tmp_path):
    (tmp_path / "x.txt").write_text("")
    (tmp_path / "x.npy").write_text("no array")
    (tmp_path / "empty").mkdir()
    Image.fromarray(GREY[0]).save(tmp_path / "x.png")
    for name, about, line in (
        ("missing.npy", DIGITS, "no such file; allowed: .npy"),
        ("x.txt", DIGITS, "no such kind of file; allowed: .npy"),
        ("x.npy", DIGITS, "no array that can be read"),
        ("empty", DIGITS, "no pictures in this folder"),
        ("x.png", BITS, r"this one takes \(n, 2\) or \(2,\)"),
    ):
        with pytest.raises(InputError, match=line):
            inputs.read(tmp_path / name, about)


def test_which_networks_take_pictures():
    assert inputs.picture_side(DIGITS) == 28
    assert inputs.picture_side({**DIGITS, "shape": [400]}) == 20
    assert inputs.picture_side({**DIGITS, "shape": [1, 28, 28]}) == 28
    assert inputs.picture_side({**DIGITS, "scale": 1.0}) is None
    assert inputs.picture_side({**DIGITS, "scale": [1 / 255] * 784}) is None
    assert inputs.picture_side({**DIGITS, "shape": [4]}) is None
