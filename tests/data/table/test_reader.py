"""A file of one's own is read as it is, or refused with its line."""

from pathlib import Path

import numpy as np
import pytest

from nnjax.data.table import csv as csv_table
from nnjax.data.table.reader import read
from nnjax.errors import InputError

GOOD = "age,tall,name\n1,true,b\n2.5,False,a\n"


def csv(folder: Path, text: str) -> Path:
    (folder / "t.csv").write_text(text)
    return folder / "t.csv"


def npz(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "t.npz", **arrays)
    return folder / "t.npz"


def test_a_csv_file_has_features_in_its_order_and_a_target_of_text(tmp_path):
    found = read(csv(tmp_path, GOOD), "name")
    np.testing.assert_array_equal(found.x, [[1, 1], [2.5, 0]])
    assert (found.x.dtype, found.features, found.y.tolist()) == (np.float32, ("age", "tall"), ["b", "a"])


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1", "-2"], "i", [1, -2]),
        (["1", "2.5"], "f", [1, 2.5]),
        (["TRUE", "false"], "b", [True, False]),
        (["NA", "no"], "U", ["NA", "no"]),  # text that other readers take for a missing value
    ],
)
def test_a_target_is_what_all_its_cells_are(tmp_path, cells, kind, values):
    y = read(csv(tmp_path, "x,y\n" + "".join(f"0,{cell}\n" for cell in cells)), "y").y
    assert (y.dtype.kind, y.tolist()) == (kind, values)


def test_blank_lines_a_byte_order_mark_and_quotes_are_no_matter(tmp_path):
    path = csv(tmp_path, '\ufeff"a, b" ,y\n1,2\n\n3,4\n\n')
    assert read(path, "y").x.tolist() == [[1], [3]]
    assert read(path, "y").features == ("a, b",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age,y\n1,0\n\n,1\n", "{}, line 4, column age: the cell is empty"),
        ("age,y\n1,0\n2\n", "{}, line 3, column y: the cell is empty"),
        ("age,y\n1,0\nold,1\n3,1\n", "{}, line 3, column age: 'old' is not a number"),
        ("age,y\n1,0\nnan,1\n", "{}, line 3, column age: 'nan' is not a number"),
        ("age,y\n1,0\n1e999,1\n", "{}, line 3, column age: '1e999' is not a number"),
        (
            "kind,y\na,0\nb,1\n",
            "line 2, column kind: 'a' is not a number. Allowed: a number, since only the target (data.target) may",
        ),
        (
            "x,y\n1,1.5\n1,2.5\n1,?\n",
            "{}, line 4, column y: '?' is not a number. Allowed: a number, as in most rows of",
        ),
        ("x,y\n1,2\n1,2,3\n", "{}, line 3: the line has 3 columns. Allowed: 2, as in the lines above"),
        ("x,x,y\n1,2,3\n", "{}, line 1: 2 columns have the name x"),
        (
            ",x,y\n0,1,2\n",
            "{}, line 1: column 1 has no name. Allowed: a name for each column; pandas writes no index with",
        ),
        ("a;y\n1;2\n", "{}, line 1: the columns are separated by ';'. Allowed: commas"),
        ("a,Y\n1,2\n", "data.target=y is not a column of {}. Allowed: a, Y"),
        ("a,yy\n1,2\n", "data.target=y is not a column of {}. Did you mean yy?"),
        ("y\n1\n", "{} has no column except the target y"),
        ("x,y\n", "{} has no rows below the header"),
        ("", "{} is empty"),
        ('x,y\n1,2\n"1,2\n', "{}, line 3: a quote is never closed"),
        (
            f"x,y\n1,7\n1,{10**25}\n",
            "{}, line 3, column y: '10000000000000000000000000' is too large for a whole number",
        ),
        ("x,y\n1e300,1\n2,1\n", "{}, column x: 1e+300 is too large for float32. Allowed: at most"),
        ('x,"a\nb",y\n1,2,3\n1,2,\n', "{}, line 4, column y: the cell is empty"),
        ('x,"a\r\nb",y\n1,,3\n', "{}, line 3, column a b: the cell is empty"),
        ('x,"a\nb",y\n1,?,3\n', "{}, line 3, column a b: '?' is not a number"),
        ('x,y\n"1\n\n",2\n1,2,3\n', "{}, line 5: the line has 3 columns. Allowed: 2, as in the lines above"),
        ('x,y\n"1\n",2\n"1,2\n', "{}, line 4: a quote is never closed"),
        ('"x,y\n1,2\n', "{}, line 1: a quote is never closed"),
        (
            f"x,y\n{2**60},1\n{2**60 + 1},2\n",
            "{}, column x: float32 does not distinguish values about 0.5 apart at 1.15292e+18",
        ),
        (
            "x,y\n16777216,1\n16777217,2\n",
            "{}, column x: float32 does not distinguish values about 0.5 apart at 1.67772e+07",
        ),
    ],
)
def test_a_csv_file_is_refused_in_one_line(tmp_path, text, message):
    path = csv(tmp_path, text)
    with pytest.raises(InputError) as error:
        read(path, "y")
    assert message.format(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_labels_may_be_numbers_and_words(tmp_path):
    assert read(csv(tmp_path, "x,y\n1,1\n1,2\n1,A\n"), "y", labels=True).y.tolist() == ["1", "2", "A"]


def test_labels_too_large_for_a_number_stay_apart(tmp_path):
    """Both are 1e25 in float64."""
    text = f"x,y\n1,{10**25}\n1,{10**25 + 1}\n"
    assert read(csv(tmp_path, text), "y", labels=True).y.tolist() == [str(10**25), str(10**25 + 1)]


def test_what_the_system_refuses_to_open(tmp_path, monkeypatch):
    def refuse(*given):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(csv_table, "_read_cells", refuse)
    with pytest.raises(InputError, match=r"^data.path=.*t\.csv cannot be read: Permission denied$"):
        read(csv(tmp_path, GOOD), "name")


def test_bytes_that_are_no_utf8(tmp_path):
    (tmp_path / "t.csv").write_bytes("x,y\n1,caf\xe9\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"t\.csv, line 2: the text is not UTF-8\. "):
        read(tmp_path / "t.csv", "y")


@pytest.mark.parametrize("path", ["none.csv", "folder.csv", "t.xlsx"])
def test_what_is_no_file_or_of_another_kind(tmp_path, path):
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "t.xlsx").touch()
    with pytest.raises(InputError, match=r"^data\.path=.*\. Allowed: data\.path=FILE\.csv or data\.path=FILE\.npz\.$"):
        read(tmp_path / path, "y")


def test_arrays_by_name(tmp_path):
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    found = read(npz(tmp_path, x=images, label=np.array([b"a", b"b"])), "label")
    np.testing.assert_array_equal(found.x, images)
    assert (found.x.dtype, found.y.tolist(), found.features) == (np.uint8, ["a", "b"], ())
    one = read(npz(tmp_path, x=np.array([1, 2]), y=np.array([[0.5], [1.5]])), "y")
    assert (one.x.tolist(), one.x.dtype, one.y.tolist(), one.features) == ([[1], [2]], np.float32, [0.5, 1.5], ("x1",))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": np.ones(2)}, "data.target=y is not an array of {}. Allowed: x"),
        ({"X": np.ones(2), "y": np.ones(2)}, "x is not an array of {}. Allowed: X, y"),
        (
            {"x": np.ones((2, 1)), "y": np.ones((2, 3))},
            "array y has the shape (2, 3). Allowed: (2,), one value per row of x",
        ),
        ({"x": np.array([[1.0, np.nan]]), "y": np.ones(1)}, "array x, at [0, 1]: nan is not finite"),
        ({"x": np.ones((2, 1)), "y": np.array([1, np.inf])}, "array y, at [1]: inf is not finite"),
        ({"x": np.array([["a"]]), "y": np.ones(1)}, "array x is <U1 (1, 1). Allowed: numbers (n, features)"),
        ({"x": np.ones(2), "y": np.array([b"a", b"caf\xe9"])}, "{}, array y: the text is not UTF-8"),
        (
            {"x": np.stack([np.arange(3) + 2**60] * 2, axis=1), "y": np.ones(3)},
            "{}, array x, column 0: float32 does not distinguish values about 0.82 apart at 1.15292e+18",
        ),
        ({"x": np.ones((0, 3)), "y": np.ones(0)}, "array x is empty: (0, 3)"),
        ({"x": np.array([[{}]]), "y": np.ones(1)}, "array x holds Python objects, which are not loaded"),
        (
            {"x": np.ones(1), "y": np.array(["2020-01-01"], "M8[D]")},
            "array y is datetime64[D]. Allowed: numbers or text",
        ),
    ],
)
def test_an_npz_file_is_refused_in_one_line(tmp_path, arrays, message):
    path = npz(tmp_path, **arrays)
    with pytest.raises(InputError) as error:
        read(path, "y")
    assert message.format(path) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no archive", b"\x93NUMPY"])
def test_a_damaged_npz_file(tmp_path, content):
    (tmp_path / "t.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"t\.npz cannot be read: .*\. Allowed: a whole \.npz file"):
        read(tmp_path / "t.npz", "y")


def test_labels_in_bytes_that_are_no_utf8(tmp_path):
    with pytest.raises(InputError, match=r"t\.npz, array y: the text is not UTF-8\. "):
        read(npz(tmp_path, x=np.ones(2), y=np.array([b"\xff", b"a"])), "y")
