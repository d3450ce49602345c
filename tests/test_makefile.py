"""The Makefile: it lists what it can do, and installs when something is missing or newer, never otherwise."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Make run in `folder` as from a terminal: without the variables of a make that runs these tests."""
    ours = ("MAKE", "MFLAGS", "PYTHON")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(["make", *words], cwd=folder, env=environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder whose name has a space, with what the Makefile reads and an environment that looks finished."""
    folder = tmp_path / "my clone"
    (folder / ".venv" / "bin").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
        os.utime(folder / name, (1, 1))
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / ".venv" / "ready").touch()
    return folder


def test_make_alone_lists_every_target(clone: Path) -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    listed = re.findall(r"^  make ([a-z-]+)", make(clone).stdout, re.MULTILINE)
    assert listed == phony[1].split()


@pytest.mark.parametrize("target", ["setup", "mnist", "xor", "test", "test-all", "check", "ui"])
def test_make_installs_nothing_into_a_finished_environment(clone: Path, target: str) -> None:
    done = make(clone, "-n", target)
    assert (done.returncode, "LOCKED" in done.stdout) == (0, False)


@pytest.mark.parametrize("damage", ["stamp", "interpreter", "constraints.txt", "pyproject.toml"])
def test_make_installs_again_when_something_is_missing_or_newer(clone: Path, damage: str) -> None:
    match damage:
        case "stamp":
            (clone / ".venv" / "ready").unlink()
        case "interpreter":
            (clone / ".venv" / "bin" / "python").unlink()
            (clone / ".venv" / "bin" / "python").symlink_to("gone")
        case newer:
            os.utime(clone / ".venv" / "ready", (2, 2))
            os.utime(clone / newer, (3, 3))
    assert "LOCKED" in make(clone, "-n", "test").stdout


def test_another_python_has_an_environment_of_its_own(clone: Path) -> None:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    commands = make(clone, "-n", "test", f"PYTHON={sys.executable}").stdout
    assert f".venv-{version}/bin/python -m pytest" in commands


def test_a_python_that_does_not_fit_is_one_line(clone: Path) -> None:
    done = make(clone, "setup", "PYTHON=nowhere")
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert done.returncode != 0
    assert len(lines) == 1
    assert "3.11 to 3.13" in lines[0] and "nowhere" in lines[0]


def test_servers_listen_on_this_machine_alone() -> None:
    """`make ui` is the only server; nothing in the product listens, and no address of all networks stands anywhere."""
    root = Path(__file__).parents[1]
    (line,) = [line for line in (root / "Makefile").read_text().splitlines() if "mlflow ui --" in line]
    assert "--host 127.0.0.1" in line
    texts = [root / "README.md", root / "Makefile", *root.glob("docs/*.md"), *root.glob("nnjax/**/*.py")]
    for place in texts:
        text = place.read_text(encoding="utf-8")
        assert "0.0.0.0" not in text, place
        assert not re.search(r"socketserver|http\.server|\.bind\(|mlflow[ .]server", text), place
