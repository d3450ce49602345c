"""Imports point one way: network <- training <- pipeline; data, tracking and figures stand beside (README)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nnjax"
ALLOWED: dict[str, set[str]] = {  # room -> other rooms and modules of nnjax that it may import
    "system": {"errors"},
    "errors": set(),
}
HEAVY = {  # library -> where it may be imported
    "mlflow": {"tracking/mlflow_client.py", "tracking/mlflow_model.py"},
    "matplotlib": {f"reporting/figures/{path.name}" for path in (PACKAGE / "reporting" / "figures").glob("*.py")},
    "tensorflow_datasets": {"data/mnist/tfds_builder.py", "data/mnist/tfds_folder.py"},
    "pyarrow": {"runs/sweep/storage.py"},
    "jinja2": {"reporting/page.py"},
    "hydra_plugins": {"config/lanes.py", "train.py"},
}


def imports(file: Path) -> set[str]:
    """Dotted names of everything that a file imports, inside functions too, but for type checkers' sake alone."""
    found = set()
    tree = ast.parse(file.read_text())
    typing = [node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    only_types = {id(inner) for block in typing for inner in ast.walk(block)}
    for node in (node for node in ast.walk(tree) if id(node) not in only_types):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("room", ALLOWED)
def test_rooms_import_only_what_they_may(room):
    files = list((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"]
    inside = {name.split(".")[1] for file in files for name in imports(file) if name.startswith("nnjax.")}
    assert inside - {room} <= ALLOWED[room]


@pytest.mark.parametrize("library", HEAVY)
def test_heavy_libraries_stay_in_their_rooms(library):
    users = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] == library for name in imports(file))
    }
    assert users
    assert users <= HEAVY[library]
