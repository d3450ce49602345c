"""The pages of the documentation as data: their prose, their links, their code blocks."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^( *)```(\w*)(.*)$")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)[^)]*\)|^\[[^\]]+\]: (\S+)|<a href=\"([^\"]+)\"|<img src=\"([^\"]+)\"")
COMMENT = re.compile(r"<!-- (\w+): (.*) -->")


class Block(NamedTuple):
    """A fenced code block.

    Attributes:
        page: the page, from the project's root.
        line: the number of its first line of code.
        language: the word behind the opening fence, such as bash.
        text: the code.
        notes: what HTML comments on the lines above say, such as {"exit": "2"} of <!-- exit: 2 -->.
        output: the text block that follows under the same heading, "" if another block or none does.
    """

    page: str
    line: int
    language: str
    text: str
    notes: Mapping[str, str]
    output: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def all_pages() -> list[str]:
    """Return README.md, CONTRIBUTING.md and every page in docs/, from the project's root."""
    return ["README.md", "CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in sorted(DOCS.rglob("*.md")))]


def read(page: str) -> str:
    """Return the text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def code_blocks(page: str) -> list[Block]:
    """Return the code blocks of a page in their order, a text block as the output of the block before it."""
    found: list[Block] = []
    notes: dict[str, str] = {}
    inside: list[str] | None = None
    language, first, behind = "", 0, False
    for number, line in enumerate(read(page).splitlines(), start=1):
        fence = FENCE.match(line)
        if inside is not None and not fence:
            inside.append(line)
        elif inside is not None:
            text = "\n".join(inside) + "\n"
            if language != "text":
                found.append(Block(page, first, language, text, notes, ""))
            elif behind:
                found[-1] = found[-1]._replace(output=text)
            inside, notes, behind = None, {}, language != "text"
        elif fence:
            inside, language, first = [], fence[2], number + 1
        elif comment := COMMENT.match(line):
            notes = {**notes, comment[1]: comment[2]}
        elif line.strip():
            notes, behind = {}, behind and not line.startswith("#")
    assert inside is None, f"{page}: a code block is never closed"
    return found


def outside_of_code(page: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line that is in no code block."""
    inside = False
    for number, line in enumerate(read(page).splitlines(), start=1):
        if FENCE.match(line):
            inside = not inside
        elif not inside:
            yield number, line


def prose(page: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line of prose: no code, no table, no picture, no HTML, no definition of a link."""
    for number, line in outside_of_code(page):
        if not line.lstrip().startswith(("|", "![", "<!--", "<img", "<a href", "[")) or line.startswith("[x]"):
            yield number, line


def links(page: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the target of each link and picture."""
    for number, line in outside_of_code(page):
        for found in LINK.finditer(re.sub(r"`[^`]*`", "", line)):
            yield number, next(filter(None, found.groups()))


def anchors(page: str) -> set[str]:
    """Return what can stand behind # in a link to a page: its headings as GitHub names them, and its own anchors."""
    names = set(re.findall(r'<a id="([^"]+)">', read(page)))
    for _, line in outside_of_code(page):
        if heading := re.match(r"#+ (.+)", line):
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
            names.add(re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-"))
    return names
