"""A string of 2^k characters is a Boolean function of k inputs (L10-L13)."""

import numpy as np
import pytest

from nnjax.data.boolean.source import boolean
from nnjax.errors import InputError


def test_xor():
    """L12: XOR is 1 where the inputs differ."""
    xor = boolean(table="0110")
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
    split = boolean(table=table).train
    assert [bool(function(*row)) for row in split.x.astype(bool)] == [bool(y) for y in split.y]


def test_all_sixteen_functions_of_two_inputs_differ():
    digests = {boolean(table=f"{number:04b}").digest for number in range(16)}
    assert len(digests) == 16


@pytest.mark.parametrize("inputs", [1, 3, 12])
def test_rows_count_upwards_with_x1_most_significant(inputs):
    x = boolean(table="01" * 2 ** (inputs - 1)).train.x
    np.testing.assert_array_equal(x @ 2.0 ** np.arange(inputs)[::-1], np.arange(2**inputs))


def test_the_whole_table_trains_and_tests_and_none_validates():
    data = boolean(table="01101001")
    np.testing.assert_array_equal(data.train.x, data.test.x)
    np.testing.assert_array_equal(data.train.y, data.test.y)
    assert data.validation.x.shape == (0, 3)
    assert data.validation.y.shape == (0,)


@pytest.mark.parametrize(
    "table", ["", "0", "1", "011", "01101", "012x", "0 10", "6", 110, 72, "0" * 2**13, "\u0660\u0661\u0661\u0660"]
)
def test_a_bad_table_is_one_line_with_the_hint_to_quote(table):
    with pytest.raises(InputError, match=r"^data\.table=.*2\^k characters.*1 to 12") as error:
        boolean(table=table)
    assert "\n" not in str(error.value)
    assert """'data.table="0110"'""" in str(error.value)
    assert len(str(error.value)) < 250


def test_three_ways_to_say_xor_and_xor_unless_said():
    tables = [boolean(), boolean(function="xor"), boolean(expression="x1 ^ x2"), boolean(table="0110")]
    assert len({data.digest for data in tables}) == 1
    assert [data.source for data in tables[1:]] == ["truth table of xor", "truth table of x1 ^ x2", "truth table"]


def test_a_family_takes_its_inputs():
    parity = boolean(function="parity", inputs=5).train
    np.testing.assert_array_equal(parity.y, parity.x.sum(1) % 2)


def test_a_function_without_a_name_is_not_xor():
    with pytest.raises(InputError, match=r"^data\.function= is not a function\. Allowed: "):
        boolean(function="")


def test_a_slip_in_an_expression_names_the_setting():
    with pytest.raises(InputError, match=r'^data\.expression="x1 &", column 5: the end cannot stand here\. Allowed: '):
        boolean(expression="x1 &")


@pytest.mark.parametrize(
    "given",
    [{"function": "and", "table": "0110"}, {"expression": "x1", "table": "01"}, {"expression": "x1 & x2", "inputs": 2}],
)
def test_two_ways_at_once_are_one_line(given):
    with pytest.raises(InputError, match=r"^data[^\n]*$"):
        boolean(**given)


def test_samples_are_rows_of_the_table_and_the_test_is_all_of_it():
    data, again, other = (boolean(function="majority", inputs=5, samples=200, seed=seed) for seed in (1, 1, 2))
    assert data.train.x.shape == (200, 5)
    np.testing.assert_array_equal(data.train.y, data.train.x.sum(1) > 2.5)
    assert len(np.unique(data.train.x, axis=0)) == 32
    assert len(data.test.y) == 32
    assert data.digest == again.digest != other.digest


@pytest.mark.parametrize(("size", "expected"), [(8, 8), (0.25, 8)])
def test_held_out_rows_are_tested_and_never_trained_on(size, expected):
    data = boolean(function="parity", inputs=5, test_size=size, samples=100)
    assert len(data.test.y) == expected
    trained, tested = ({tuple(row) for row in part.x} for part in (data.train, data.test))
    assert not trained & tested
    every = boolean(function="parity", inputs=5, test_size=size).train
    assert len(every.y) == 32 - expected


@pytest.mark.parametrize("size", [4, 0.01, 1.0, 5])
def test_a_test_of_no_rows_or_of_all_is_one_line(size):
    with pytest.raises(InputError, match=r"^data\.test_size=.* has 4 rows\. Allowed: 0, a count from 1 to 3, or"):
        boolean(test_size=size)
