"""Figures in a page: which, in which order, under which words."""

import ast
from pathlib import Path

import nnjax
from nnjax.reporting import page

PACKAGE = Path(nnjax.__file__).parent


def drawn(file: str) -> set[str]:
    """The names of the figures that a module yields."""
    yields = [node.value for node in ast.walk(ast.parse((PACKAGE / file).read_text())) if isinstance(node, ast.Yield)]
    names = [each.elts[0] for each in yields if isinstance(each, ast.Tuple)]
    return {name.value for name in names if isinstance(name, ast.Constant)}


def test_every_figure_has_a_title_and_a_caption():
    names = drawn("reporting/run_figures.py") | drawn("runs/sweep/summary.py")
    assert {"learning_curves", "confusion_matrix", "bands"} <= names, "the search is broken"
    assert names - page.CAPTIONS.keys() == set()


def test_figures_stand_in_the_order_of_the_captions_and_unknown_ones_last(tmp_path):
    for name in ("zebra_crossing", "confusion_matrix", "learning_curves"):
        (tmp_path / f"{name}.png").write_bytes(name.encode())
    (tmp_path / "notes.txt").touch()
    found = page.pictures(tmp_path)
    assert [each.title for each in found] == ["Learning curves", "Confusion matrix", "Zebra crossing"]
    assert [each.png for each in found] == [b"learning_curves", b"confusion_matrix", b"zebra_crossing"]


def test_a_folder_without_figures_has_none(tmp_path):
    assert page.pictures(tmp_path / "figures") == []
