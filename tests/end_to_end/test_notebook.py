"""docs/walk.ipynb runs from its first cell to its last, and what stands in it is what it prints.

`jupyter execute --inplace docs/walk.ipynb` writes its outputs again.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

WALK = Path(__file__).parents[2] / "docs" / "walk.ipynb"


def kinds(cells: list[Any]) -> list[list[str]]:
    """Of each code cell what it puts out, in order: text, a table, a picture; a stream may come in several pieces."""
    found = []
    for cell in (cell for cell in cells if cell["cell_type"] == "code"):
        shown = [each.get("name") or sorted(each.get("data", {"error": ""}))[0] for each in cell["outputs"]]
        found.append([*dict.fromkeys(shown)])
    return found


def test_its_outputs_are_those_of_one_run_on_any_machine() -> None:
    cells = json.loads(WALK.read_text(encoding="utf-8"))["cells"]
    counts = [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert {kind for shown in kinds(cells) for kind in shown} == {"stdout", "text/plain", "text/html", "image/png"}
    texts = [text for cell in cells for each in cell.get("outputs", ()) for text in each.get("text", ())]
    assert not [text for text in texts if re.search(r"/(tmp|home|root|usr)/", text)]


@pytest.mark.slow
def test_it_runs(tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(WALK, as_version=4)
    before = kinds(notebook.cells)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert kinds(notebook.cells) == before
    assert len([*tmp_path.glob("outputs/*/*/config.yaml")]) == 5
