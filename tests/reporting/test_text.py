"""Numbers, facts and tables as plain text (`nnjax.reporting.text`)."""

import pytest

from nnjax.reporting import text


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.93123, "0.9312"),
        (1, "1"),
        (9999.7, "10,000"),
        (34_944.2, "34,940"),
        (-2e7, "-20,000,000"),
        (1e-9, "1e-09"),
        (1e300, "1e+300"),
        (float("nan"), "-"),
        (float("inf"), "inf"),
    ],
)
def test_a_number_has_four_digits(value, words):
    assert text.number(value) == words


def test_things_are_counted_in_words():
    assert [text.count(number, "lane") for number in (0, 1, 2000)] == ["0 lanes", "1 lane", "2,000 lanes"]


def test_of_a_loss_the_lower_is_better_of_an_accuracy_the_higher():
    assert [text.higher_is_better(name) for name in ("test/loss", "test/rmse", "test/r2", "train/accuracy")] == [
        False,
        False,
        True,
        True,
    ]
