"""docs/explanation/reliability.md: every fault that it lists has a test."""

import re

import pytest

from tests.docs.pages import DOCS, ROOT

RELIABILITY = DOCS / "explanation" / "reliability.md"
FAULT = re.compile(r"^\| (?!fault|--)(.+) \| (.+) \| (.+) \|$", re.MULTILINE)
ROWS = FAULT.findall(RELIABILITY.read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:50])
def test_every_fault_has_its_test(row: tuple[str, ...]) -> None:
    tests = re.findall(r"\[(\w+|\w+\.py)\]\(\.\./\.\./(tests/\S+)\)", row[2])
    assert tests, "a row needs a test"
    for name, file in tests:
        assert (ROOT / file).exists(), file
        if name.startswith("test_") and not name.endswith(".py"):
            assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8"), name
