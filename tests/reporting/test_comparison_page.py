"""The page of a comparison: the best marked, curves where they are in reach, nothing from outside as markup."""

import numpy as np
import pytest

from nnjax.reporting.comparison_page import Compared, best, differing, write
from tests.reporting import Page

EVIL = "<script>alert(1)</script>"
CURVE = {"epoch": np.arange(3), "train/loss": np.array([3.0, 2, 1])}
RUNS = [
    Compared(
        "one", "a1a1a1a1b1b1", "sub/report.html", {"seed": "0"}, {"test/loss": 0.25, "test/accuracy": 0.9, "rest": 1.0}
    ),
    Compared(EVIL, "b2", "", {"seed": EVIL}, {"test/loss": 0.5, "test/accuracy": 0.95}),
    Compared("three", "c3c3c3c3c3:7", "", {}, {}),
]
METRICS = ["test/loss", "test/accuracy"]


@pytest.fixture
def compared(tmp_path):
    def page(histories, keys=("seed",), more=0):
        write(tmp_path / "comparison.html", RUNS, histories, keys, METRICS, more)
        return Page(tmp_path / "comparison.html")

    return page


def test_of_a_loss_the_smallest_is_best_of_an_accuracy_the_largest():
    assert best("test/loss", RUNS) == 0.25
    assert best("test/accuracy", RUNS) == 0.95
    assert best("validation/rmse", RUNS) is None


def test_a_row_a_run_with_its_id_and_the_best_marked(compared, tmp_path):
    found = compared([])
    found.check_alone()
    assert found.said("h1") == ["3 runs compared"]
    assert {"a1a1a1a1", "b2", "c3c3c3c3:7"} <= {*found.said("code")}
    assert [each["href"] for each in found.of("a")] == ["sub/report.html"]
    marked = [each.get("class") for each in found.of("td")]
    assert marked.count("number best") == 2
    text = (tmp_path / "comparison.html").read_text()
    assert 'best">0.25<' in text
    assert 'best">0.95<' in text


def test_markup_in_names_and_settings_is_text(compared):
    found = compared([CURVE, CURVE])
    found.check_alone()
    assert EVIL in found.said("td")
    assert EVIL in found.said("code")


def test_what_there_is_more_of_runs_down_the_page():
    few = [each._replace(settings={"a": "1", "b": str(i)}) for i, each in enumerate(RUNS[::2])]
    assert differing(few, ["b"]) == [["", "b"], ["1  one", "0"], ["2  three", "1"]]
    assert differing(few[:1], ["a", "b"]) == [["", "1  one"], ["a", "1"], ["b", "0"]]
    assert differing(few, []) == []


def test_curves_are_drawn_where_two_are_in_reach(compared):
    assert len(compared([CURVE, None, CURVE]).of("img")) == 1
    assert compared([CURVE, None, None]).of("img") == []


def test_equal_settings_are_said_to_be_equal_and_what_is_left_out_is_counted(compared):
    found = compared([], keys=(), more=1200)
    assert "None: all settings that results depend on are the same." in found.text
    assert "1,200 more are left out" in found.text
    assert "b2" in found.said("code"), "the id is there all the same"
