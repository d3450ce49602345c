"""Inputs of a network: arrays of its raw shape and range, tables and pictures."""

import numpy as np
import pytest
from PIL import Image

from nnjax.errors import InputError
from nnjax.inference import inputs

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
        (np.zeros((2, 28, 28)), DIGITS, 2),  # an empty drawing fits any scale
        (GREY[:1], {**DIGITS, "shape": [1, 28, 28]}, 1),
        (GREY[0], {**DIGITS, "shape": [1, 28, 28]}, 1),
        (np.eye(2), BITS, 2),
        (np.ones(2), BITS, 1),
        (np.ones(5), {**BITS, "shape": [1]}, 5),
    ],
    ids=lambda value: str(value.shape) if isinstance(value, np.ndarray) else None,
)
def test_an_array_is_a_batch_or_a_row(tmp_path, array, about, rows):
    read = inputs.read(saved(tmp_path / "x.npy", array), about)
    assert len(read.rows) == rows
    assert read.rows.reshape(-1).tolist() == array.reshape(-1).tolist()
    assert read.names == tuple(map(str, range(rows)))


@pytest.mark.parametrize(
    ("array", "about", "line"),
    [
        (GREY[:, :20, :20], DIGITS, r"has the shape \(3, 20, 20\)\. Allowed: \(n, 28, 28\) or \(28, 28\)\."),
        (np.eye(3), BITS, r"has the shape \(3, 3\)\. Allowed: \(n, 2\) or \(2,\)\."),
        (GREY[0].reshape(14, 56), DIGITS, r"has the shape \(14, 56\)\. Allowed: \(n, 28, 28\) or \(28, 28\)\."),
        (np.ones((2, 1)), BITS, r"has the shape \(2, 1\)\. Allowed: \(n, 2\) or \(2,\)\."),
        (
            GREY / 255,
            DIGITS,
            "has values from 0 to 1. Allowed: grey levels from 0 to 255, so multiply the values by 255.",
        ),
        (
            GREY > 128,
            DIGITS,
            "has values from 0 to 1. Allowed: grey levels from 0 to 255, so multiply the values by 255.",
        ),
        (GREY - 100.0, DIGITS, "has values from -100 to .*Allowed: grey levels from 0 to 255."),
        (np.full((1, 28, 28), np.nan), DIGITS, "has values that are not finite"),
        (np.zeros((0, 28, 28)), DIGITS, "has no rows"),
        (np.array(["a", "b"]), BITS, "has the type <U1. Allowed: numbers."),
        (np.array([None, 1], object), BITS, "holds Python objects, which are not loaded"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_array_that_does_not_fit_is_refused_in_one_line(tmp_path, array, about, line):
    with pytest.raises(InputError, match=line) as raised:
        inputs.read(saved(tmp_path / "x.npy", array), about)
    assert "\n" not in str(raised.value)


def test_an_npz_file_has_the_array_x_or_only_one(tmp_path):
    np.savez(tmp_path / "one.npz", pixels=GREY)
    np.savez(tmp_path / "two.npz", x=GREY[:2], y=np.arange(2))
    np.savez(tmp_path / "neither.npz", a=GREY, b=GREY)
    assert len(inputs.read(tmp_path / "one.npz", DIGITS).rows) == 3
    assert len(inputs.read(tmp_path / "two.npz", DIGITS).rows) == 2
    with pytest.raises(
        InputError, match=r"neither\.npz has the arrays a, b\. Allowed: an array x, or only one array\."
    ):
        inputs.read(tmp_path / "neither.npz", DIGITS)


def test_the_pictures_of_a_folder_are_read_in_the_order_of_their_names(tmp_path):
    for name in ("b.png", "a.PNG"):
        Image.fromarray(np.pad(GREY[0, 4:24, 4:24], 4)).save(tmp_path / name, format="png")
    (tmp_path / "notes.txt").write_text("")
    read = inputs.read(tmp_path, DIGITS)
    assert read.names == ("a.PNG", "b.png")
    np.testing.assert_array_equal(read.rows[1], np.pad(GREY[0, 4:24, 4:24], 4))


def test_bad_pictures_of_a_folder_are_reported_and_the_others_read(tmp_path):
    whole = tmp_path / "b.png"
    Image.fromarray(np.pad(GREY[0, 4:24, 4:24], 4)).save(whole)
    (tmp_path / "a.png").write_bytes(whole.read_bytes()[:300])
    (tmp_path / "c.png").touch()
    (tmp_path / "d.png").mkdir()
    read = inputs.read(tmp_path, DIGITS)
    assert read.names == ("b.png",)
    np.testing.assert_array_equal(read.rows[0], np.pad(GREY[0, 4:24, 4:24], 4))
    truncated, empty = read.refused
    assert truncated.startswith(f"{tmp_path / 'a.png'} cannot be read: ")
    assert empty == f"{tmp_path / 'c.png'} cannot be read: it is empty. Allowed: a picture .png, .jpg, .jpeg."
    whole.unlink()
    with pytest.raises(InputError) as raised:
        inputs.read(tmp_path, DIGITS)
    assert str(raised.value) == f"{truncated} {empty}"


def test_the_columns_of_a_table_are_found_by_name(tmp_path):
    (tmp_path / "t.csv").write_text("name,rooms,size\na,3,70.5\n\nb,4,80\n")
    read = inputs.read(tmp_path / "t.csv", BITS, ["size", "rooms"])
    assert read.rows.tolist()[0] == [70.5, 3]
    assert read.names == ("line 2", "line 4")


@pytest.mark.parametrize(
    ("text", "about", "line"),
    [
        ("x1,x3\n0,1\n", BITS, "has no column x2. Allowed: a table with the columns x1, x2."),
        ("x1,x2\n0,1\n0,no\n", BITS, "t.csv, line 3, column x2: 'no' is not a number. Allowed: a number."),
        ("x1,x2\n", BITS, "has no rows below the header"),
        ("x1,x2\n0,1\n", DIGITS, r"is a table, and this network takes arrays \(n, 28, 28\) or"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_in_one_line(tmp_path, text, about, line):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=line) as raised:
        inputs.read(tmp_path / "t.csv", about)
    assert "\n" not in str(raised.value)


def test_a_file_that_may_not_be_opened_is_refused(tmp_path, monkeypatch):
    saved(tmp_path / "x.npy", np.eye(2))

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(inputs, "read_array", refuse)
    with pytest.raises(InputError, match=r"x\.npy cannot be read: Permission denied$"):
        inputs.read(tmp_path / "x.npy", BITS)


def test_missing_files_and_files_of_another_kind_are_refused(tmp_path):
    (tmp_path / "x.txt").write_text("")
    (tmp_path / "x.npy").write_text("no array")
    (tmp_path / "empty").mkdir()
    Image.fromarray(GREY[0]).save(tmp_path / "x.png")
    for name, about, line in (
        ("missing.npy", DIGITS, r"missing\.npy does not exist\. Allowed: \.csv, \.npy, \.npz"),
        ("x.txt", DIGITS, r"x\.txt is a file of another kind\. Allowed: \.csv, \.npy, \.npz"),
        ("x.npy", DIGITS, r"x\.npy cannot be read: "),
        ("empty", DIGITS, r"empty has no pictures\. Allowed: \.png, \.jpg, \.jpeg\."),
        ("x.png", BITS, r"x\.png is a picture, and this network takes arrays \(n, 2\) or \(2,\)\."),
    ):
        with pytest.raises(InputError, match=line):
            inputs.read(tmp_path / name, about)


def test_networks_of_square_grey_inputs_take_pictures():
    assert inputs.picture_side(DIGITS) == 28
    assert inputs.picture_side({**DIGITS, "shape": [400]}) == 20
    assert inputs.picture_side({**DIGITS, "shape": [1, 28, 28]}) == 28
    assert inputs.picture_side({**DIGITS, "scale": 1.0}) is None
    assert inputs.picture_side({**DIGITS, "scale": [1 / 255] * 784}) is None
    assert inputs.picture_side({**DIGITS, "shape": [4]}) is None
