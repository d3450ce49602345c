"""Hooks of mkdocs.yml: links that leave docs/, and the notebook as a page.

The pages are read in two places: in the repository, where a link such as ../../nnjax/network/ leads to a folder, and
as a site, which has the pages of docs/ alone. On the site such a link leads to the repository if NNJAX_REPOSITORY names
its address, and is plain text otherwise. A link to a file that does not exist fails the build in both cases.
"""

import base64
import json
import logging
import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = "walk.ipynb"
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
log = logging.getLogger("mkdocs.plugins.nnjax")  # below mkdocs, so that a warning counts in a strict build


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the notebook as a page, with its pictures as files, in place of the notebook's own file."""
    file = files.get_file_from_path(NOTEBOOK)
    assert file is not None, f"docs/{NOTEBOOK} is missing"
    files.remove(file)
    cells = json.loads(Path(config.docs_dir, NOTEBOOK).read_text(encoding="utf-8"))["cells"]
    pictures: dict[str, bytes] = {}
    text = "\n\n".join(shown(cell, pictures) for cell in cells) + "\n"
    files.append(File.generated(config, Path(NOTEBOOK).with_suffix(".md").name, content=text))
    for name, content in pictures.items():
        files.append(File.generated(config, name, content=content))
    return files


def shown(cell: dict[str, Any], pictures: dict[str, bytes]) -> str:
    """Return a cell as Markdown: its text, or its code and what it printed; collect its pictures by name."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return source
    parts, printed = [f"```python\n{source}\n```"], ""
    for output in [*cell["outputs"], {}]:  # what is printed in several pieces is one block
        data = output.get("data", {})
        if "text" in output:
            printed += "".join(output["text"])
            continue
        parts += [text_block(printed)] if printed else []
        printed = ""
        if "image/png" in data:
            name = f"walk_{len(pictures) + 1}.png"
            pictures[name] = base64.b64decode("".join(data["image/png"]))
            parts.append(f"![What the code above draws]({name})")
        elif data:
            parts.append(text_block("".join(data["text/plain"])))
    return "\n\n".join(parts)


def text_block(text: str) -> str:
    """Return text as a code block."""
    return "```text\n{}\n```".format(text.strip("\n"))


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links that leave docs/, outside of code blocks."""
    folder = Path(config.docs_dir, page.file.src_uri).parent
    lines, inside = [], False
    for line in markdown.split("\n"):
        inside ^= line.lstrip().startswith("```")
        lines.append(line if inside else LINK.sub(lambda link: rewritten(link, folder, page, config), line))
    return "\n".join(lines)


def rewritten(link: re.Match[str], folder: Path, page: Page, config: MkDocsConfig) -> str:
    """Return a link as the site has it."""
    text, target = link.groups()
    if re.match(r"\w+:|#", target):
        return link[0]
    path, _, anchor = target.partition("#")
    file = Path(os.path.normpath(folder / path))
    if file == Path(config.docs_dir, NOTEBOOK):
        return f"[{text}]({Path(path).with_suffix('.md')})"
    if file.is_relative_to(config.docs_dir):
        return link[0]
    if not file.is_relative_to(ROOT) or not file.exists():
        log.warning("%s: the link %s leads to no file of the project", page.file.src_uri, target)
        return text
    name = file.relative_to(ROOT)
    if config.repo_url:
        kind = "tree" if file.is_dir() else "blob"
        return f"[{text}]({config.repo_url.rstrip('/')}/{kind}/main/{name}{'#' * bool(anchor)}{anchor})"
    return f'<span title="{name}">{text}</span>'
