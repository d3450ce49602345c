"""A cited fact of the lecture (L1 to L39) can be looked up in docs/lecture.md."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, all_pages

LECTURE = (ROOT / "docs" / "lecture.md").read_text(encoding="utf-8")
FACT = re.compile(r'^\* <a id="L(\d+)"></a>\*\*L(\d+)\*\* (\S.*)$', re.MULTILINE)
ROW = re.compile(
    r"^\| \[L(\d+)\]\(#L\d+\) \| \[(\w+)\]\(\.\./(\S+)\) \| \[(\w+)\]\(\.\./(\S+)\) \| (.*) \|$", re.MULTILINE
)
CITATION = re.compile(r"\bL(\d{1,2})\b")


def citing_files() -> Iterator[Path]:
    """Every text file of the project that may cite a fact."""
    for folder in ("nnjax", "tests", "conf", "experiments"):
        for suffix in ("*.py", "*.yaml"):
            yield from sorted((ROOT / folder).rglob(suffix))
    yield from (ROOT / page for page in all_pages())


def test_all_facts_are_there_once_and_under_their_own_anchor() -> None:
    facts = FACT.findall(LECTURE)
    assert sorted(int(number) for _, number, _ in facts) == list(range(1, 40))
    assert all(anchor == number for anchor, number, _ in facts)


def test_every_cited_fact_can_be_looked_up() -> None:
    known = {int(number) for _, number, _ in FACT.findall(LECTURE)}
    citations = {
        (path.relative_to(ROOT).as_posix(), int(number))
        for path in citing_files()
        for number in CITATION.findall(path.read_text(encoding="utf-8"))
    }
    assert citations, "nothing cites the lecture: the search is broken"
    assert {citation for citation in citations if citation[1] not in known} == set()


def test_links_inside_the_lecture_lead_to_facts() -> None:
    targets = re.findall(r"\]\(#(\w+)\)", LECTURE)
    assert targets
    assert [target for target in targets if f'<a id="{target}">' not in LECTURE] == []


@pytest.mark.parametrize("number", [18, 26, 28, 29, 37])
def test_the_choice_is_marked_where_the_lecture_contradicts_itself(number: int) -> None:
    assert "**Decided**" in LECTURE.split(f'<a id="L{number}">')[1].split("<a id=")[0]


def lines(file: str, first: int, last: int | None) -> str:
    """Lines of a file, the decorators above them too."""
    text = (ROOT / file).read_text().splitlines()
    while first and text[first - 1].strip():
        first -= 1
    return "\n".join(text[first:last])


def test_every_fact_has_a_row_in_the_table() -> None:
    numbers = [int(number) for number, *_ in ROW.findall(LECTURE)]
    assert numbers == [*range(1, 40)]


@pytest.mark.parametrize("row", ROW.findall(LECTURE), ids=lambda row: f"L{row[0]}")
def test_a_facts_function_test_and_run_are_there(row: tuple[str, ...]) -> None:
    number, function, file, test, test_file, run = row
    assert re.search(rf"^(def|class) {function}\b", (ROOT / file).read_text(), re.MULTILINE), "the function"
    tree = ast.parse((ROOT / test_file).read_text())
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == test]
    assert tests, "the test"
    text = "\n".join(
        filter(None, [ast.get_docstring(tree), lines(test_file, tests[0].lineno - 1, tests[0].end_lineno)])
    )
    cited = {int(each) for each in CITATION.findall(text)}
    spans = {n for a, b in re.findall(r"\bL(\d+)-L(\d+)\b", text) for n in range(int(a), int(b) + 1)}
    assert int(number) in cited | spans, "the test, or what its file is about, names the fact"
    for experiment in re.findall(r"\+experiment=(\w+)", run):
        assert (ROOT / "conf" / "experiment" / f"{experiment}.yaml").is_file()
    for preset in re.findall(r"model=(\w+)", run):
        assert (ROOT / "conf" / "preset" / f"{preset}.yaml").is_file()
    for module in re.findall(r"python -m (experiments\.\w+)", run):
        assert (ROOT / (module.replace(".", "/") + ".py")).is_file()
