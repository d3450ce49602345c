"""Imports point one way, from one floor of the house to those below it (docs/explanation/architecture.md)."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "nnjax"
# From the ground floor up: a room may import itself and the rooms before it.
FLOORS = (
    "errors",
    "system",
    "network",
    "data",
    "config",
    "training",
    "inference",
    "tracking",
    "reporting",
    "runs",
    "cli",
    "train",
    "__main__",
)
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


def room_of(name: str) -> str:
    """Return the room of a dotted name: `runs` for nnjax.runs.sweep.page, `__init__` for nnjax.load."""
    room = name.split(".")[1]
    return room if room in FLOORS else "__init__"


def test_every_room_has_its_floor():
    rooms = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or list(path.glob("*.py"))}
    assert rooms - {"__init__"} == {*FLOORS}


@pytest.mark.parametrize("room", FLOORS)
def test_rooms_import_only_the_floors_below(room):
    files = list((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"]
    names = {name for file in files for name in imports(file) if name.startswith("nnjax.")}
    below = {*FLOORS[: FLOORS.index(room) + 1]}
    assert {name for name in names if room_of(name) not in below} == set()


def test_there_are_no_circles():
    modules = {
        ".".join(("nnjax", *file.relative_to(PACKAGE).with_suffix("").parts)): imports(file)
        for file in PACKAGE.rglob("*.py")
    }
    needs = {
        name: {each for each in modules if each != name and any(f"{x}.".startswith(f"{each}.") for x in found)}
        for name, found in modules.items()
        if not name.endswith("__init__")
    }
    while free := [name for name, below in needs.items() if not below & needs.keys()]:
        for name in free:
            del needs[name]
    assert needs == {}


@pytest.mark.parametrize("library", HEAVY)
def test_heavy_libraries_stay_in_their_rooms(library):
    users = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if any(name.split(".")[0] == library for name in imports(file))
    }
    assert users
    assert users <= HEAVY[library]
