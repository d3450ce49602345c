"""The page of a comparison: the best marked, curves where they are in reach, nothing from outside as markup."""

import numpy as np
import pytest

from nnjax.reporting.comparison_page import Entry, best, settings_table, write
from tests.reporting import Page

EVIL = "<script>alert(1)</script>"
CURVE = {"epoch": np.arange(3), "train/loss": np.array([3.0, 2, 1])}
ENTRIES = [
    Entry("one", "a1a1a1a1b1b1", {"seed": "0"}, {"test/loss": 0.25, "test/accuracy": 0.9, "rest": 1.0}, None),
    Entry(EVIL, "b2", {"seed": EVIL}, {"test/loss": 0.5, "test/accuracy": 0.95}, None),
    Entry("three", "c3c3c3c3c3:7", {}, {}, None),
]
METRICS = ["test/loss", "test/accuracy"]


@pytest.fixture
def write_page(tmp_path):
    """write_page(histories, settings, entries left out): the page of ENTRIES."""

    def page(histories, keys=("seed",), more=0):
        write(tmp_path / "comparison.html", ENTRIES, ["sub/report.html", "", ""], histories, keys, METRICS, more)
        return Page(tmp_path / "comparison.html")

    return page


def test_of_a_loss_the_smallest_is_best_of_an_accuracy_the_largest():
    assert best("test/loss", ENTRIES) == 0.25
    assert best("test/accuracy", ENTRIES) == 0.95
    assert best("validation/rmse", ENTRIES) is None


def test_each_entry_has_a_row_with_its_id_and_the_best_values_are_marked(write_page, tmp_path):
    page = write_page([])
    page.check_alone()
    assert page.said("h1") == ["3 runs compared"]
    assert {"a1a1a1a1", "b2", "c3c3c3c3:7"} <= {*page.said("code")}
    assert [attributes["href"] for attributes in page.of("a")] == ["sub/report.html"]
    classes = [attributes.get("class") for attributes in page.of("td")]
    assert classes.count("number best") == 2
    text = (tmp_path / "comparison.html").read_text()
    assert 'best">0.25<' in text
    assert 'best">0.95<' in text


def test_markup_in_names_and_settings_is_text(write_page):
    page = write_page([CURVE, CURVE])
    page.check_alone()
    assert EVIL in page.said("td")
    assert EVIL in page.said("code")


def test_with_more_settings_than_entries_each_setting_has_a_line():
    entries = [entry._replace(settings={"a": "1", "b": str(i)}) for i, entry in enumerate(ENTRIES[::2])]
    assert settings_table(entries, ["b"]) == [["", "b"], ["1  one", "0"], ["2  three", "1"]]
    assert settings_table(entries[:1], ["a", "b"]) == [["", "1  one"], ["a", "1"], ["b", "0"]]
    assert settings_table(entries, []) == []


def test_curves_are_drawn_if_two_entries_have_a_history(write_page):
    assert len(write_page([CURVE, None, CURVE]).of("img")) == 1
    assert write_page([CURVE, None, None]).of("img") == []


def test_equal_settings_and_entries_that_are_left_out_have_a_sentence(write_page):
    page = write_page([], keys=(), more=1200)
    assert "None. All settings that results depend on are the same." in page.text
    assert "1,200 more are not shown" in page.text
    assert "b2" in page.said("code"), "the id is there all the same"
