"""What may be asked of a network: arrays of its raw shape and range, and pictures."""

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
        (np.zeros((2, 28, 28)), DIGITS, 2),  # nothing drawn: no scale to doubt
        (GREY[:1], {**DIGITS, "shape": [1, 28, 28]}, 1),
        (GREY[0], {**DIGITS, "shape": [1, 28, 28]}, 1),
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
        (GREY[0].reshape(14, 56), DIGITS, r"takes \(n, 28, 28\) or \(28, 28\), got \(14, 56\)"),
        (np.ones((2, 1)), BITS, r"takes \(n, 2\) or \(2,\), got \(2, 1\)"),
        (GREY / 255, DIGITS, r"takes 0 to 255, got 0 to 1: multiply by 255"),
        (GREY > 128, DIGITS, r"takes 0 to 255, got 0 to 1: multiply by 255"),
        (GREY - 100.0, DIGITS, r"takes 0 to 255, got -100"),
        (np.full((1, 28, 28), np.nan), DIGITS, "finite"),
        (np.zeros((0, 28, 28)), DIGITS, "no rows"),
        (np.array(["a", "b"]), BITS, "must hold numbers, got <U1"),
        (np.array([None, 1], object), BITS, "holds Python objects, which are not loaded"),
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


def test_bad_pictures_of_a_folder_cost_none_of_the_others(tmp_path):
    whole = tmp_path / "b.png"
    Image.fromarray(np.pad(GREY[0, 4:24, 4:24], 4)).save(whole)
    (tmp_path / "a.png").write_bytes(whole.read_bytes()[:300])
    (tmp_path / "c.png").touch()
    (tmp_path / "d.png").mkdir()
    found = inputs.read(tmp_path, DIGITS)
    assert found.names == ("b.png",)
    np.testing.assert_array_equal(found.rows[0], np.pad(GREY[0, 4:24, 4:24], 4))
    truncated, empty = found.refused
    assert truncated.startswith(f"{tmp_path / 'a.png'}: no picture that can be read: ")
    assert empty == f"{tmp_path / 'c.png'}: no picture that can be read: empty"
    whole.unlink()
    with pytest.raises(InputError) as raised:
        inputs.read(tmp_path, DIGITS)
    assert str(raised.value) == f"{truncated}; {empty}"


def test_a_table_has_the_networks_columns_by_name_in_any_order(tmp_path):
    (tmp_path / "t.csv").write_text("name,rooms,size\na,3,70.5\n\nb,4,80\n")
    found = inputs.read(tmp_path / "t.csv", BITS, ["size", "rooms"])
    assert found.rows.tolist()[0] == [70.5, 3]
    assert found.names == ("line 2", "line 4")


@pytest.mark.parametrize(
    ("text", "about", "line"),
    [
        ("x1,x3\n0,1\n", BITS, "has no column x2; the network takes x1, x2"),
        ("x1,x2\n0,1\n0,no\n", BITS, "t.csv, line 3, column x2: 'no' is no number"),
        ("x1,x2\n", BITS, "no rows below the header"),
        ("x1,x2\n0,1\n", DIGITS, r"a table is for a network of columns, this one takes \(n, 28, 28\)"),
    ],
)
def test_a_table_that_does_not_fit_is_one_line(tmp_path, text, about, line):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=line) as raised:
        inputs.read(tmp_path / "t.csv", about)
    assert "\n" not in str(raised.value)


def test_what_the_system_refuses_to_open_is_one_line(tmp_path, monkeypatch):
    saved(tmp_path / "x.npy", np.eye(2))

    def refuse(*given):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(inputs, "array", refuse)
    with pytest.raises(InputError, match=r"x\.npy: can't be read: Permission denied$"):
        inputs.read(tmp_path / "x.npy", BITS)


def test_files_that_are_not_there_or_of_no_use_are_one_line(tmp_path):
    (tmp_path / "x.txt").write_text("")
    (tmp_path / "x.npy").write_text("no array")
    (tmp_path / "empty").mkdir()
    Image.fromarray(GREY[0]).save(tmp_path / "x.png")
    for name, about, line in (
        ("missing.npy", DIGITS, r"no such file; allowed: \.csv, \.npy, \.npz"),
        ("x.txt", DIGITS, r"no such kind of file; allowed: \.csv, \.npy, \.npz"),
        ("x.npy", DIGITS, r"no \.npy file that can be read"),
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
