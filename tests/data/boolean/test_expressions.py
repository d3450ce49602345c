"""Expressions become truth tables (L10-L12), and a slip of the pen is shown where it is."""

import subprocess
import sys

import numpy as np
import pytest

from nnjax.data.boolean.expressions import MAX_CHARACTERS, input_rows, truth_table
from nnjax.errors import InputError
from tests.data.boolean.random_expressions import draw


def characters(expression):
    return "".join("01"[int(value)] for value in truth_table(expression))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x1 & x2", "0001"),  # L10
        ("x1 | x2", "0111"),  # L11
        ("~x1", "10"),  # L11
        ("~x1 & ~x2", "1000"),  # L11
        ("x1 ^ x2", "0110"),  # L12
        ("x1 <-> x2", "1001"),  # L12
        ("(x1 & x2) | (~x1 & ~x2)", "1001"),  # L12: XNOR is AND or NOR
        ("x1 -> x2", "1101"),
        ("x2", "0101"),
        ("x1 & 1 | 0", "01"),
        ("\tx1&\nx2 ", "0001"),
    ],
)
def test_tables_of_the_lecture(expression, expected):
    assert characters(expression) == expected


def test_rows_count_upwards_with_x1_most_significant():
    np.testing.assert_array_equal(input_rows(3) @ [4, 2, 1], np.arange(8))
    np.testing.assert_array_equal(truth_table("x12"), np.arange(4096) % 2 == 1)
    np.testing.assert_array_equal(truth_table("x1 & (x12 | 1)"), np.arange(4096) >= 2048)


@pytest.mark.parametrize(
    ("loose", "bracketed"),
    [
        ("~x1 & x2", "(~x1) & x2"),
        ("x1 ^ x2 & x3", "x1 ^ (x2 & x3)"),
        ("x1 | x2 ^ x3", "x1 | (x2 ^ x3)"),
        ("x1 -> x2 | x3", "x1 -> (x2 | x3)"),
        ("x1 | x2 -> x3", "(x1 | x2) -> x3"),
        ("x1 <-> x2 -> x3", "x1 <-> (x2 -> x3)"),
        ("x1 -> x2 <-> x3", "(x1 -> x2) <-> x3"),
        ("x1 -> x2 -> x3", "x1 -> (x2 -> x3)"),
        ("~~x1 & ~~~x2", "x1 & ~x2"),
    ],
)
def test_precedence(loose, bracketed):
    assert characters(loose) == characters(bracketed)


@pytest.mark.parametrize(("left", "right"), [("(x1 -> x2) -> x3", "x1 -> (x2 -> x3)"), ("~(x1 & x2)", "~x1 & x2")])
def test_parentheses_matter(left, right):
    assert characters(left) != characters(right)


def test_equivalence_is_taken_in_pairs():
    assert characters("x1 <-> x2 <-> x3") == "01101001"  # and not 10000001, all three equal


def test_random_expressions_mean_what_python_means():
    generator = np.random.default_rng(0)
    for _ in range(300):
        text, meaning = draw(generator, int(generator.integers(1, 7)), 6)
        text = f"{text} & (x7 | 1)"
        np.testing.assert_array_equal(truth_table(text), meaning(input_rows(7)), err_msg=text)


def test_python_agrees_on_precedence():
    generator = np.random.default_rng(1)
    for _ in range(200):  # ~ & ^ | bind in Python as they do here
        parts = [f"{generator.choice(['', '~', '~~'])}x{generator.integers(1, 5)}" for _ in range(8)]
        text = " ".join(f"{part} {sign}" for part, sign in zip(parts, generator.choice(list("&^|"), 8), strict=True))
        text = f"{text} x5"
        names = {f"x{number + 1}": column for number, column in enumerate(input_rows(5).T)}
        np.testing.assert_array_equal(truth_table(text), eval(text, {}, names), err_msg=text)


def test_depth_does_not_count():
    deep = (MAX_CHARACTERS - 2) // 2
    assert characters("(" * deep + "x1" + ")" * deep) == "01"
    assert characters("~" * (MAX_CHARACTERS - 2) + "x1") == "01"
    assert characters(" -> ".join(["x1"] * 1_000) + " -> x2") == "1101"


@pytest.mark.parametrize(
    ("expression", "column", "allowed", "token"),
    [
        ("(x1 & ", 7, "x1..x12, 0, 1, ~ or (", "the end"),
        ("", 1, "x1..x12, 0, 1, ~ or (", "the end"),
        ("x1 && x2", 5, "x1..x12, 0, 1, ~ or (", "&"),
        ("x1 x2", 4, "& ^ | -> <-> or the end", "x2"),
        ("x1 ~x2", 4, "& ^ | -> <-> or the end", "~"),
        ("x1 and x2", 4, "& ^ | -> <-> or the end", "and"),
        ("(x1", 4, "& ^ | -> <-> or )", "the end"),
        ("x1)", 3, "& ^ | -> <-> or the end", ")"),
        ("()", 2, "x1..x12, 0, 1, ~ or (", ")"),
        ("x13", 1, "x1..x12, 0, 1, ~ or (", "x13"),
        ("x0", 1, "x1..x12, 0, 1, ~ or (", "x0"),
        ("x01", 1, "x1..x12, 0, 1, ~ or (", "x01"),
        ("x1 & x²", 6, "x1..x12, 0, 1, ~ or (", "x²"),
        ("x1 | 2", 6, "x1..x12, 0, 1, ~ or (", "2"),
        ("x1 = x2", 4, "& ^ | -> <-> or the end", "="),
        ("x1 - x2", 4, "& ^ | -> <-> or the end", "-"),
        ("x1\x00", 3, "& ^ | -> <-> or the end", r"'\x00'"),
    ],
)
def test_an_error_points_at_its_column(expression, column, allowed, token):
    with pytest.raises(InputError) as error:
        truth_table(expression)
    shown = expression.replace("\x00", " ")
    assert str(error.value) == f'"{shown}", column {column}: {token} cannot stand here. Allowed: {allowed}.'


def test_an_error_in_a_long_expression_stays_short():
    text = "\n& ".join(["x1"] * 500)  # 5 characters each, the last 2
    with pytest.raises(
        InputError, match=r'^"\.\.\. x1 &.* x2", column 2499: x2 cannot stand here\. Allowed: .*\.$'
    ) as error:
        truth_table(f"{text} x2")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1 & ~0", r'^"1 & ~0" contains no input\. Allowed: x1\.\.x12\.$'),
        ("x" * 10_001, r'^"x{20,30}\.\.\." has 10001 characters\. Allowed: at most 10000\.$'),
    ],
)
def test_no_input_and_too_long_a_text_are_one_line(expression, message):
    with pytest.raises(InputError, match=message):
        truth_table(expression)


def test_expressions_and_names_are_read_without_jax():
    script = "import sys, nnjax.data.boolean.expressions, nnjax.data.boolean.functions; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0
