"""A string of 2^k characters is a Boolean function of k inputs (L10-L13)."""

import numpy as np
import pytest

from nnjax.data.boolean import boolean
from nnjax.errors import InputError


def test_xor():
    """L12: XOR is 1 where the inputs differ."""
    xor = boolean("0110")
    np.testing.assert_array_equal(xor.train.x, [[0, 0], [0, 1], [1, 0], [1, 1]])
    np.testing.assert_array_equal(xor.train.y, xor.train.x[:, 0] != xor.train.x[:, 1])
    assert (xor.train.x.dtype, xor.train.y.dtype) == (np.float32, np.int32)
    assert (xor.name, xor.task, xor.classes) == ("boolean", "binary", ("0", "1"))
    assert xor.preprocessing == (1.0, 0.0, (2,))


@pytest.mark.parametrize(
    ("table", "function"),
    [
        ("0001", lambda x1, x2: x1 and x2),  # L10
        ("0111", lambda x1, x2: x1 or x2),  # L11
        ("1000", lambda x1, x2: not x1 and not x2),  # L11
        ("1001", lambda x1, x2: x1 == x2),  # L12
        ("0011", lambda x1, x2: x1),
        ("0101", lambda x1, x2: x2),
    ],
)
def test_tables_of_the_lecture(table, function):
    split = boolean(table).train
    assert [bool(function(*row)) for row in split.x.astype(bool)] == [bool(y) for y in split.y]


def test_all_sixteen_functions_of_two_inputs_differ():
    digests = {boolean(f"{number:04b}").digest for number in range(16)}
    assert len(digests) == 16


@pytest.mark.parametrize("inputs", [1, 3, 12])
def test_rows_count_upwards_with_x1_most_significant(inputs):
    x = boolean("01" * 2 ** (inputs - 1)).train.x
    np.testing.assert_array_equal(x @ 2.0 ** np.arange(inputs)[::-1], np.arange(2**inputs))


def test_the_whole_table_trains_and_tests_and_none_validates():
    data = boolean("01101001")
    np.testing.assert_array_equal(data.train.x, data.test.x)
    np.testing.assert_array_equal(data.train.y, data.test.y)
    assert data.validation.x.shape == (0, 3)
    assert data.validation.y.shape == (0,)


@pytest.mark.parametrize(
    "table", ["", "0", "1", "011", "01101", "012x", "0 10", "6", 110, 72, None, "0" * 2**13, "\u0660\u0661\u0661\u0660"]
)
def test_a_bad_table_is_one_line_with_the_hint_to_quote(table):
    with pytest.raises(InputError, match=r"^data\.table=.*2\^k characters.*1 to 12") as error:
        boolean(table)
    assert "\n" not in str(error.value)
    assert """'data.table="0110"'""" in str(error.value)
    assert len(str(error.value)) < 250
