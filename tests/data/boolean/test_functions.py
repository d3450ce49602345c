"""Named functions have the tables that their names promise (L10-L12)."""

import numpy as np
import pytest

from nnjax.data.boolean import expressions
from nnjax.data.boolean.functions import FUNCTIONS, named_table
from nnjax.errors import InputError

MEANINGS = {
    "false": "0 & x2",
    "and": "x1 & x2",
    "not_implies": "~(x1 -> x2)",
    "x1": "x1 & (x2 | 1)",
    "not_implied_by": "~(x2 -> x1)",
    "x2": "x2",
    "xor": "x1 ^ x2",
    "or": "x1 | x2",
    "nor": "~(x1 | x2)",
    "xnor": "~(x1 ^ x2)",
    "not_x2": "~x2",
    "implied_by": "x2 -> x1",
    "not_x1": "~x1 | 0 & x2",
    "implies": "x1 -> x2",
    "nand": "~(x1 & x2)",
    "true": "1 | x2",
}


def values(name, inputs=None):
    return np.array([int(value) for value in named_table(name, inputs)])


@pytest.mark.parametrize("name", MEANINGS)
def test_the_sixteen_functions_of_two_inputs(name):
    np.testing.assert_array_equal(values(name), expressions.truth_table(MEANINGS[name]))
    assert named_table(name.upper(), 2) == named_table(name)


def test_they_are_sixteen():
    assert {named_table(name) for name in MEANINGS} == {f"{number:04b}" for number in range(16)}


def test_not_has_one_input():
    assert named_table("not") == named_table("not", 1) == "10"  # L11


@pytest.mark.parametrize("inputs", range(1, 13))
def test_parity_and_majority(inputs):
    ones = np.array([bin(row).count("1") for row in range(2**inputs)])
    np.testing.assert_array_equal(values("parity", inputs), ones % 2)
    np.testing.assert_array_equal(values("majority", inputs), ones > inputs / 2)


def test_of_an_even_number_half_is_no_majority():
    assert named_table("majority", 2) == named_table("and")


@pytest.mark.parametrize(
    ("inputs", "expression"),
    [
        (3, "~x1 & x2 | x1 & x3"),
        (6, "~x1&~x2&x3 | ~x1&x2&x4 | x1&~x2&x5 | x1&x2&x6"),
    ],
)
def test_a_multiplexer_written_out(inputs, expression):
    np.testing.assert_array_equal(values("multiplexer", inputs), expressions.truth_table(expression))


def test_the_multiplexer_of_eleven_reads_the_address_first():
    for row, value in enumerate(named_table("multiplexer", 11)):
        bits = f"{row:011b}"
        assert value == bits[3 + int(bits[:3], 2)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ("xxor",),
            r"^data\.function=xxor is not a function\. Did you mean xor\? Allowed: false, and, .*, multiplexer\.$",
        ),
        (
            ("and", 3),
            r"^data\.inputs=3 is impossible for data\.function=and\. Allowed: 2, or data\.expression for another ",
        ),
        (("not", 2), r"^data\.inputs=2 is impossible for data\.function=not\. Allowed: 1, or "),
        (("parity",), r"^data\.inputs=null is impossible for data\.function=parity\. Allowed: 1, 2, .*, 12\.$"),
        (("parity", 0), r"^data\.inputs=0 is impossible for data\.function=parity\. Allowed: 1, 2, .*, 12\.$"),
        (("majority", 13), r"^data\.inputs=13 is impossible for data\.function=majority\. Allowed: 1, 2, .*, 12\.$"),
        (("multiplexer", 4), r"^data\.inputs=4 is impossible for data\.function=multiplexer\. Allowed: 3, 6, 11\.$"),
    ],
)
def test_a_name_or_number_that_is_not_there_is_one_line(given, message):
    with pytest.raises(InputError, match=message):
        named_table(*given)


def test_every_name_has_a_table():
    for name, function in FUNCTIONS.items():
        assert set(named_table(name, None if isinstance(function, str) else 3)) <= {"0", "1"}
