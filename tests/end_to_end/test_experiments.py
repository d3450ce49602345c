"""The experiments show what the lecture says of them."""

import html.parser
import re
from pathlib import Path

import pytest

from experiments import lecture, local_minima, zero_initialisation
from tests.end_to_end.conftest import command

REAL_MNIST = Path(__file__).parents[3] / "shared" / "mnist"


def test_the_walk_has_every_fact() -> None:
    facts = {fact for section in lecture.SECTIONS for fact in section.facts}
    assert facts == {*range(1, 40)}


def test_hidden_units_stay_equal_from_zeros_alone() -> None:
    """L33: for ever from zeros, not from random weights."""
    numbers = zero_initialisation.run().numbers
    assert numbers["zeros: largest difference of units in any epoch"] == 0
    assert numbers["random: largest difference of units in any epoch"] > 1
    assert max(numbers["zeros: loss at the end"], numbers["random: loss at the end"]) < 0.1


@pytest.mark.slow
def test_different_starts_end_in_different_minima() -> None:
    """J is not convex (L24)."""
    numbers = local_minima.run().numbers
    assert numbers["different losses at the end to two digits"] >= 2
    assert numbers["lowest loss"] < 0.01 < 0.3 < numbers["median loss of the others"]


@pytest.mark.slow
def test_each_function_is_learnt_by_95_of_100_seeds(tmp_path: Path) -> None:
    """L13, with the settings committed in conf/experiment."""
    done = command(tmp_path, module="experiments.boolean_functions")
    rows = re.findall(r"^(\w+) [\d-]+ +(\d+)$", done.out, re.MULTILINE)
    assert [name for name, _ in rows] == ["and", "or", "not", "nor", "xor", "xnor", "parity", "multiplexer"]
    assert min(int(right) for _, right in rows) >= 95


@pytest.mark.slow
def test_no_single_unit_learns_xor(tmp_path: Path) -> None:
    """L12: of 1,000 starts none has more than three rows right, or a loss below log 2."""
    done = command(tmp_path, module="experiments.single_unit")
    numbers = {name: float(value) for name, value in re.findall(r"^(.*?)  +([\d.]+)$", done.out, re.MULTILINE)}
    assert numbers["and: most rows right in any epoch"] == numbers["or: most rows right in any epoch"] == 4
    assert numbers["xor: most rows right in any epoch"] == 3
    assert numbers["xor: lowest loss in any epoch"] == pytest.approx(numbers["log 2"], abs=1e-6)


@pytest.mark.slow
def test_the_walk_writes_one_page_with_a_section_each(tmp_path: Path) -> None:
    done = command(tmp_path, module="experiments.lecture")
    page = (tmp_path / "lecture.html").read_text(encoding="utf-8")
    html.parser.HTMLParser().feed(page)
    assert done.code == 0, done.err
    assert re.findall(r"<h2 id=[^>]*>(.*?)</h2>", page) == [
        section.title.replace("'", "&#x27;") for section in lecture.SECTIONS
    ]
    assert page.count('<img alt="') >= 10


@pytest.mark.slow
@pytest.mark.skipif(not REAL_MNIST.is_dir(), reason="the four real files are not in ../shared/mnist")
@pytest.mark.parametrize(
    ("words", "metric", "least"),
    [
        ("+experiment=softmax", "test/accuracy", 0.922),
        ("+experiment=one_vs_rest", "test/accuracy", 0.915),
        ("+experiment=mnist_lenet5", "test/accuracy", 0.987),
        ("+experiment=digits data.train_size=5000", "train/accuracy", 0.953),
        ("+experiment=digits data.train_size=5000 model.hidden=[]", "train/accuracy", 0.945),
    ],
)
def test_digits_are_learnt_as_well_as_stated(tmp_path: Path, words: str, metric: str, least: float) -> None:
    """Softmax, one-vs-rest (L6, L7) and LeNet-5 (L16) on MNIST, the exercise's networks on 20 x 20 pixels (L14)."""
    done = command(tmp_path, *words.split(), f"data.mirror={REAL_MNIST}")
    assert done.run().data.metrics[metric] >= least
