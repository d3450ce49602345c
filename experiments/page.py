"""A static HTML page in sections: facts of the lecture, the code that computes them, what it prints, pictures."""

import base64
import html
import inspect
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from nnjax.reporting.page import TEMPLATES

FACTS = Path(__file__).parents[1] / "docs" / "lecture.md"
STYLE = (TEMPLATES / "style.css").read_text(encoding="utf-8")  # as the pages of runs have it


class Section(NamedTuple):
    """A part of the lecture.

    Attributes:
        title: its heading.
        facts: numbers of those that it shows.
        functions: the code that computes them.
        show: prints numbers and yields pictures.
    """

    title: str
    facts: Sequence[int]
    functions: Sequence[Any]
    show: Callable[[], Iterator[Figure]]

    @property
    def anchor(self) -> str:
        """Its address within the page."""
        return re.sub(r"\W+", "-", self.title.lower())


def page(title: str, sections: Sequence[Section], bodies: Sequence[str]) -> str:
    """The whole page: a heading, links to the sections, and their bodies."""
    links = " ".join(f'<a href="#{section.anchor}">{html.escape(section.title)}</a>' for section in sections)
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
    body = f"<h1>{html.escape(title)}</h1>\n<nav>{links}</nav>\n" + "\n".join(bodies)
    return f"{head}<style>{STYLE}</style>\n{body}\n</html>\n"


def written(section: Section) -> str:
    """A section that is run now, as HTML; numbers are printed with four digits."""
    said = io.StringIO()
    with redirect_stdout(said), np.printoptions(precision=4, suppress=True):
        pictures = [picture(figure, section.title) for figure in section.show()]
    parts = [f'<h2 id="{section.anchor}">{html.escape(section.title)}</h2>']
    parts += [f"<blockquote>{fact(number)}</blockquote>" for number in section.facts]
    parts += [source(function) for function in section.functions]
    return "\n".join([*parts, f"<pre>{html.escape(said.getvalue())}</pre>", *pictures])


def fact(number: int) -> str:
    """The text of a fact of docs/lecture.md, as HTML."""
    text = FACTS.read_text(encoding="utf-8")
    found = re.search(rf'^\* <a id="L{number}"></a>(.*?)(?=^\* <a id|^#|^\s*$)', text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"{FACTS} has no L{number}")
    line = html.escape(" ".join(found[1].split()), quote=False)
    line = re.sub(r"\[(L\d+)\]\(#L\d+\)", r"\1", re.sub(r"`([^`]*)`", r"<code>\1</code>", line))
    return re.sub(r"\*\*([^*]*)\*\*", r"<b>\1</b>", line)


def source(function: Any) -> str:
    """The code of a function, folded under its name."""
    name = f"{function.__module__}.{function.__name__}"
    code = html.escape(inspect.getsource(function))
    return f"<details><summary><code>{name}</code></summary><pre>{code}</pre></details>"


def picture(figure: Figure, alternative: str) -> str:
    """A figure inside the page."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<figure><img alt="{html.escape(alternative)}" src="data:image/png;base64,{data}"></figure>'
