"""environment.py and the Makefile: what is installed, when, by what; nothing is downloaded here.

Python and uv are short shell scripts that write down how they were called.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
DECIDING = ("pyproject.toml", "constraints.txt")
PYTHON = f"""#!/bin/sh
case "$*" in
  *_base_executable*) echo "{VERSION} $0" ;;
  "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo "venv" >> calls ;;
  "-m pip config list") cat pip.conf 2>/dev/null ;;
  *--target*) test -e uv.package && mkdir -p .uv/bin && cp uv.package .uv/bin/uv ;;
  "-m pip install "*) echo "pip $PIP_CONSTRAINT $*" >> calls; test ! -e pip.fails ;;
  environment.py*|"-c import json, tomllib"*) exec {sys.executable} "$@" ;;
  *) echo "python $*" >> calls ;;
esac
"""
UV = """#!/bin/sh
if test "$1" = --version; then echo "uv 0"; exit; fi
echo "uv $0 $*" >> calls
env | grep -E '^(UV_|SSL_|ALL_PROXY)' | sort > variables
sleep 0.05
test ! -e uv.fails
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


class Clone(NamedTuple):
    """A folder whose name has a space, with what the Makefile reads; `programs` are the first on its PATH."""

    folder: Path
    programs: Path

    def variables(self, **own: str) -> dict[str, str]:
        """Return the variables of a terminal: without those of a make that runs these tests, or of its packages."""
        ours = ("MAKE", "MFLAGS", "PYTHON", "PIP_", "UV_", "SSL_", "VIRTUAL_ENV")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return {**kept, "PATH": f"{self.programs}:/usr/bin:/bin", "PYENV_ROOT": str(self.programs), **own}

    def make(self, *words: str, **own: str) -> subprocess.CompletedProcess[str]:
        """Run make in the folder."""
        command = ["make", *words]
        return subprocess.run(
            command, cwd=self.folder, env=self.variables(**own), capture_output=True, text=True, timeout=60
        )

    def calls(self) -> list[str]:
        """Return the calls of the programs so far, and forget them."""
        place = self.folder / "calls"
        lines = place.read_text().splitlines() if place.exists() else []
        place.unlink(missing_ok=True)
        return lines

    def kinds(self) -> list[str]:
        """Return the first word of each call so far, and forget them."""
        return [line.split()[0] for line in self.calls()]


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """A clone in which nothing is installed; Python and uv are on the PATH."""
    folder, programs = tmp_path / "my clone", tmp_path / "programs"
    folder.mkdir()
    for name in ("Makefile", "environment.py", *DECIDING):
        shutil.copy(ROOT / name, folder)
    executable(programs / "python3", PYTHON)
    executable(programs / "uv", UV)
    return Clone(folder, programs)


@pytest.fixture
def finished(clone: Clone) -> Clone:
    """A clone with the environment of `make test`."""
    assert clone.make("test").returncode == 0
    assert clone.kinds() == ["venv", "uv", "python"]
    return clone


# --- when something is installed --------------------------------------------------------------------------------------


def test_make_alone_lists_every_target(clone: Clone) -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    listed = re.findall(r"^  make ([a-z-]+)", clone.make().stdout, re.MULTILINE)
    assert listed == phony[1].split()


@pytest.mark.parametrize("target", ["setup", "mnist", "xor", "sweep", "ui", "test"])
def test_make_installs_nothing_into_a_finished_environment(finished: Clone, target: str) -> None:
    assert finished.make(target).returncode == 0
    assert set(finished.kinds()) <= {"python"}


def test_make_runs_python_in_the_environment_with_the_given_words(finished: Clone) -> None:
    finished.make("xor", "ARGS=training.epochs=3 'model.hidden=[4]'")
    assert finished.calls() == ["python -m nnjax.train +experiment=xor training.epochs=3 model.hidden=[4]"]


@pytest.mark.parametrize(("name", "steps"), [("ready.json", ["venv", "uv"]), ("bin/python", ["venv", "uv"])])
def test_a_half_made_or_broken_environment_is_made_again(finished: Clone, name: str, steps: list[str]) -> None:
    (finished.folder / ".venv" / "old").touch()
    (finished.folder / ".venv" / name).unlink()
    finished.make("setup")
    assert finished.kinds() == steps
    assert not (finished.folder / ".venv" / "old").exists()


@pytest.mark.parametrize("name", DECIDING)
def test_other_requirements_are_installed_into_the_same_environment(finished: Clone, name: str) -> None:
    with (finished.folder / name).open("a") as file:
        file.write("\n# another line\n")
    finished.make("setup")
    (call,) = finished.calls()
    assert call.startswith("uv ") and "pytest" in call, "the groups that were there stay"
    finished.make("setup")
    assert finished.calls() == []


def test_a_newer_file_with_the_same_content_installs_nothing(finished: Clone) -> None:
    os.utime(finished.folder / "pyproject.toml")
    finished.make("setup")
    assert finished.calls() == []


def test_a_target_adds_its_groups_and_no_others(clone: Clone) -> None:
    clone.make("mnist")
    (_, runtime, _) = clone.calls()
    assert runtime.endswith("--editable .")
    clone.make("check")
    (lint, *_) = clone.calls()
    assert "ruff>=" in lint and "pytest>=" not in lint
    clone.make("test")
    (test, _) = clone.calls()
    assert "pytest>=" in test and "ruff>=" in test
    assert "hatchling>=" in test, "a group that a group includes"


def test_what_cannot_be_installed_leaves_the_environment_in_use(finished: Clone) -> None:
    for name in ("uv.fails", "pip.fails"):
        (finished.folder / name).touch()
    assert finished.make("check").returncode != 0
    assert finished.kinds() == ["uv", "pip"]
    assert finished.make("test").returncode == 0
    assert finished.kinds() == ["python"]


def test_two_at_once_install_once(clone: Clone) -> None:
    command, environment = ["make", "setup"], clone.variables()
    both = [subprocess.Popen(command, cwd=clone.folder, env=environment, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert clone.kinds() == ["venv", "uv"]


# --- which Python -----------------------------------------------------------------------------------------------------


def test_another_python_has_an_environment_of_its_own(clone: Clone) -> None:
    executable(clone.programs / "another", PYTHON)
    assert clone.make("setup", "PYTHON=another").stdout.endswith(f".venv-{VERSION} is ready.\n")
    assert (clone.folder / f".venv-{VERSION}" / "ready.json").exists()


def test_a_python_that_does_not_fit_is_one_line(clone: Clone) -> None:
    done = clone.make("setup", "PYTHON=nowhere")
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert done.returncode != 0
    assert lines == ["nnjax needs Python 3.11 to 3.13, tried: nowhere. Name one: make setup PYTHON=/path/of/python3.12"]


def test_a_python_behind_pyenvs_failing_command_is_taken(clone: Clone) -> None:
    executable(clone.programs / "python3.12", "#!/bin/sh\nexit 127\n")
    executable(clone.programs / "versions" / "3.12.1" / "bin" / "python3.12", PYTHON)
    assert clone.make("setup", "PYTHON=python3.12").returncode == 0
    assert clone.kinds() == ["venv", "uv"]


# --- by what ----------------------------------------------------------------------------------------------------------


def test_uv_is_the_one_on_the_path_and_installs_the_pinned_versions(clone: Clone) -> None:
    clone.make("setup")
    (_, call) = clone.calls()
    assert call.startswith(f"uv {clone.programs}/uv pip install")
    assert "--constraints constraints.txt --build-constraints constraints.txt" in call


@pytest.mark.parametrize(("setting", "compiled"), [("", False), ("1", True)])
def test_bytecode_is_compiled_at_once_where_imports_may_not_keep_it(clone: Clone, setting: str, compiled: bool) -> None:
    clone.make("setup", PYTHONDONTWRITEBYTECODE=setting)
    (_, call) = clone.calls()
    assert ("--compile-bytecode" in call) == compiled


def test_without_uv_pip_brings_it_into_a_folder_of_the_project(clone: Clone) -> None:
    (clone.programs / "uv").rename(clone.folder / "uv.package")
    clone.make("setup")
    (_, call) = clone.calls()
    assert call.startswith("uv .uv/bin/uv pip install")


@pytest.mark.parametrize(("obstacle", "words"), [("none", "uv can't be had"), ("fails", "uv failed")])
def test_without_uv_or_where_it_fails_pip_installs_and_says_so(clone: Clone, obstacle: str, words: str) -> None:
    if obstacle == "none":
        (clone.programs / "uv").unlink()
    else:
        (clone.folder / "uv.fails").touch()
    done = clone.make("setup")
    assert done.returncode == 0
    assert f"{words}, so pip installs the packages" in done.stdout
    assert re.fullmatch("pip constraints.txt -m pip install .* --editable .", clone.calls()[-1])


Told = Callable[..., dict[str, str]]


@pytest.fixture
def told(clone: Clone) -> Told:
    """told(pip.conf's lines, variables) -> the variables that uv is started with."""

    def run(*lines: str, **own: str) -> dict[str, str]:
        (clone.folder / "pip.conf").write_text("\n".join(lines) + "\n")
        assert clone.make("setup", **own).returncode == 0
        return dict(line.split("=", 1) for line in (clone.folder / "variables").read_text().splitlines())

    return run


def test_uv_is_told_what_pip_was_told_about_indexes(told: Told) -> None:
    assert told(
        "global.index-url='https://example.org/simple'",
        "global.extra-index-url='file:///a\\nfile:///b'",
        "global.cert='/global.pem'",
        "install.find-links='/wheels /more'",
        ":env:.cert='/own.pem'",
        "user.name='nobody'",
    ) == {
        "UV_DEFAULT_INDEX": "https://example.org/simple",
        "UV_INDEX": "file:///a file:///b",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels,/more",
        "SSL_CERT_FILE": "/own.pem",
        "UV_PYTHON_DOWNLOADS": "never",
    }


def test_what_uv_is_told_already_wins(told: Told) -> None:
    own = {"UV_INDEX_URL": "https://own.example.org", "UV_INDEX_STRATEGY": "first-index", "UV_FIND_LINKS": ""}
    pip = ("global.index-url='https://example.org'", "global.extra-index-url='file:///a'", "global.find-links='/w'")
    assert told(*pip, **own) == {**own, "UV_INDEX": "file:///a", "UV_PYTHON_DOWNLOADS": "never"}


def test_without_settings_uv_is_told_nothing(told: Told) -> None:
    assert told() == {"UV_PYTHON_DOWNLOADS": "never"}


# --- servers ----------------------------------------------------------------------------------------------------------


def test_servers_listen_on_this_machine_alone() -> None:
    """`make ui` is the only server; nothing in the product listens, and no address of all networks stands anywhere."""
    (line,) = [line for line in (ROOT / "Makefile").read_text().splitlines() if "mlflow ui --" in line]
    assert "--host 127.0.0.1" in line
    texts = [ROOT / "README.md", ROOT / "Makefile", *ROOT.glob("docs/**/*.md"), *ROOT.glob("nnjax/**/*.py")]
    for place in texts:
        text = place.read_text(encoding="utf-8")
        assert "0.0.0.0" not in text, place
        assert not re.search(r"socketserver|http\.server|\.bind\(|mlflow[ .]server", text), place
