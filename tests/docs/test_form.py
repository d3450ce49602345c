"""The form of the pages: the README is short, prose has short lines, every link leads somewhere."""

import re

import pytest

from tests.docs.pages import DOCS, ROOT, all_pages, anchors, code_blocks, links, prose, read

LONGEST_README = 130  # lines
WIDEST = 100  # characters of a line
LANGUAGES = {"bash", "sh", "python", "py", "text", "yaml"}  # test_commands.py says which are run


def test_the_readme_is_short() -> None:
    lines = read("README.md").splitlines()
    assert len(lines) <= LONGEST_README
    assert [line for line in lines if len(line) > WIDEST] == []


@pytest.mark.parametrize("page", all_pages())
def test_prose_has_short_lines(page: str) -> None:
    assert [(number, len(line)) for number, line in prose(page) if len(line) > WIDEST] == []


@pytest.mark.parametrize("page", all_pages())
def test_every_link_leads_somewhere(page: str) -> None:
    broken = [(number, target) for number, target in links(page) if not leads_somewhere(page, target)]
    assert broken == []


def leads_somewhere(page: str, target: str) -> bool:
    """Return whether a link is an address, or a file of the project, with the anchor if it names one."""
    if re.match(r"https?://", target):
        return True
    path, _, anchor = target.partition("#")
    file = ((ROOT / page).parent / path).resolve() if path else ROOT / page
    if not file.is_relative_to(ROOT) or not file.exists():
        return False
    return not anchor or file.suffix != ".md" or anchor in anchors(str(file.relative_to(ROOT)))


@pytest.mark.parametrize("page", all_pages())
def test_every_code_block_says_its_language(page: str) -> None:
    assert {block.language for block in code_blocks(page)} <= LANGUAGES


def test_every_page_is_reached_from_the_index() -> None:
    reached, todo = set(), ["docs/README.md"]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        files = {((ROOT / page).parent / target.partition("#")[0]).resolve() for _, target in links(page)}
        todo += [str(file.relative_to(ROOT)) for file in files if file.suffix == ".md" and file.is_relative_to(DOCS)]
    assert {page for page in all_pages() if page.startswith("docs/")} <= reached
