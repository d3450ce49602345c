"""The package as others get it: its pins, its wheel, an installation elsewhere."""

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterable
from email.message import Message
from email.parser import HeaderParser
from importlib.metadata import distributions, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import nnjax

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PYTHONS = ("3.11", "3.12", "3.13")
INSTALLED = {canonicalize_name(each.metadata["Name"]): each for each in distributions()}


def run(*command: str | Path, folder: Path) -> str:
    """What the command prints, both streams, run in `folder` without this test run's own variables."""
    ours = ("PYTHON", "MLFLOW_", "HYDRA_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


# --- pins -----------------------------------------------------------------------------------------------------------


def pins(python: str) -> dict[str, str]:
    """Name -> pinned version in constraints.txt for that Python."""
    lines = (line.partition("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines())
    requirements = [Requirement(line) for line in lines if line]
    here = {"python_version": python, "python_full_version": f"{python}.0"}
    chosen = [each for each in requirements if each.marker is None or each.marker.evaluate(here)]
    names = [canonicalize_name(each.name) for each in chosen]
    assert len(names) == len(set(names)), "a package is pinned twice for one Python"
    assert all([specifier.operator for specifier in each.specifier] == ["=="] for each in chosen)
    return {name: next(iter(each.specifier)).version for name, each in zip(names, chosen, strict=True)}


def group(name: str) -> list[str]:
    """Return the requirements of a dependency group, those of the groups that it includes among them."""
    entries = PROJECT["dependency-groups"][name]
    return [line for entry in entries for line in ([entry] if isinstance(entry, str) else group(*entry.values()))]


def requirements(*groups: str) -> list[Requirement]:
    """Return what pyproject.toml names for nnjax, for building it, and for these groups."""
    lines = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]
    return [Requirement(line) for line in [*lines, *(line for name in groups for line in group(name))]]


def needed(names: Iterable[str]) -> dict[str, str]:
    """Return name -> installed version of these packages and of all that they need here."""
    versions: dict[str, str] = {}
    left = [canonicalize_name(name) for name in names]
    while left:
        name = left.pop()
        if name not in versions and name in INSTALLED:
            versions[name] = INSTALLED[name].version
            lines = map(Requirement, INSTALLED[name].requires or [])
            left += [canonicalize_name(each.name) for each in lines if each.marker is None or each.marker.evaluate()]
    return versions


@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_pinned_inside_its_range(python: str) -> None:
    pinned, groups = pins(python), [name for name in PROJECT["dependency-groups"] if name != "peers"]
    unpinned = [
        str(each) for each in requirements(*groups) if not each.specifier.contains(pinned[canonicalize_name(each.name)])
    ]
    assert unpinned == []


def test_every_package_that_is_installed_for_the_tests_is_pinned() -> None:
    pinned = pins(f"{sys.version_info.major}.{sys.version_info.minor}")
    installed = needed(each.name for each in requirements("test"))
    assert len(installed) > 100, "the search is broken"
    assert {name: version for name, version in installed.items() if pinned.get(name) != version} == {}


# Each folder, and the groups whose packages it may import beside those of nnjax itself.
IMPORTING = {
    "nnjax": (),
    "hydra_plugins": (),
    "experiments": ("peers", "screenshots"),
    "tests": ("test", "notebook", "screenshots", "peers"),
}


@pytest.mark.parametrize("folder", IMPORTING)
def test_every_import_is_of_a_package_that_pyproject_names(folder: str) -> None:
    modules = {
        name.partition(".")[0]: path.relative_to(ROOT).as_posix()
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in ([each.name for each in node.names] if isinstance(node, ast.Import) else [])
        + ([node.module or ""] if isinstance(node, ast.ImportFrom) and node.level == 0 else [])
    }
    own = {*sys.stdlib_module_names, *IMPORTING}
    named = {canonicalize_name(each.name) for each in requirements(*IMPORTING[folder])}
    packages = packages_distributions()
    unnamed = {
        module: path
        for module, path in modules.items()
        if module not in own and not named & {canonicalize_name(name) for name in packages.get(module, [module])}
    }
    assert unnamed == {}


def test_pins_are_names_and_versions_only() -> None:
    value = (
        r"(python_full_version|sys_platform|implementation_name|platform_python_implementation) (<|>=|==|!=) '[\w.]+'"
    )
    pin = re.compile(rf"[A-Za-z0-9._-]+==[A-Za-z0-9.]+( ; \(?{value}\)?( (and|or) \(?{value}\)?)*)?")
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not pin.fullmatch(line)] == []


# --- wheel ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built with the build backend at hand: nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())


def test_wheel_carries_the_whole_configuration_and_nothing_of_the_workshop(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    configuration = {f"nnjax/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "conf").rglob("*.yaml")}
    packages = ("nnjax", "hydra_plugins")
    modules = {path.relative_to(ROOT).as_posix() for name in packages for path in (ROOT / name).rglob("*.py")}
    assert "nnjax/conf/config.yaml" in configuration
    templates = {path.relative_to(ROOT).as_posix() for path in (ROOT / "nnjax" / "reporting" / "templates").iterdir()}
    assert "nnjax/reporting/templates/run.html" in templates
    assert names >= configuration | modules | templates | {"nnjax/py.typed"}
    assert names >= {f"nnjax/data/mnist/{name}" for name in ("mnist_5k.npz", "mnist_5k.txt", "checksums.tsv")}
    assert {name.partition("/")[0] for name in names} == set(packages)
    assert "hydra_plugins/__init__.py" not in names, "other plugins share this namespace"


def test_wheel_carries_licence_and_commands(wheel: Path) -> None:
    folder = f"nnjax-{nnjax.__version__}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(f"{folder}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        assert "nnjax-train = nnjax.train:main" in archive.read(f"{folder}/entry_points.txt").decode()


def test_metadata_says_the_tested_ranges(wheel: Path) -> None:
    headers = metadata(wheel)
    everyone = [each for each in map(Requirement, headers.get_all("Requires-Dist", [])) if each.marker is None]
    requirements = {each.name: each.specifier for each in everyone}
    assert headers["Version"] == nnjax.__version__
    assert set(headers["Requires-Python"].split(",")) == {">=3.11", "<3.14"}
    assert not requirements["hydra-core"].contains("1.4.0rc3", prereleases=True)
    assert all(requirements["jax"].contains(tested) for tested in ("0.10.0", "0.10.2", "0.12.0.1"))
    assert not any(requirements["jax"].contains(untested) for untested in ("0.9.2", "0.13.0"))
    assert requirements["jaxlib"] == requirements["jax"]
    assert set(headers.get_all("Provides-Extra", [])) == {"cuda12", "cuda13", "joblib", "optuna", "tpu"}


# --- installed elsewhere --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment with the wheel; all other packages are borrowed from the running one."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    (packages,) = (folder / "lib").glob("python*/site-packages")
    # A .pth inside a borrowed folder is not read, so that the checkout's editable installation is not borrowed.
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--force-reinstall", wheel, folder=folder)
    return python


@pytest.mark.slow
def test_installed_package_is_the_one_that_runs(installed: Path, tmp_path: Path) -> None:
    where = run(installed, "-c", "import nnjax; print(nnjax.__file__)", folder=tmp_path).strip()
    assert Path(where).is_relative_to(installed.parents[1])
    assert "experiment" in run(installed, "-m", "nnjax.train", "--help", folder=tmp_path)


@pytest.mark.slow
def test_installed_package_trains_xor_in_another_folder(installed: Path, tmp_path: Path) -> None:
    run(installed, "-m", "nnjax.train", "+experiment=xor", folder=tmp_path)
    assert (tmp_path / "mlflow.db").is_file()


@pytest.mark.slow
def test_installed_package_runs_an_own_experiment(installed: Path, tmp_path: Path) -> None:
    own = tmp_path / "own" / "experiment" / "mine.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("# @package _global_\ndefaults:\n  - xor\nseed: 7\n")
    output = run(installed, "-m", "nnjax.train", "--config-dir", "own", "+experiment=mine", folder=tmp_path)
    assert "seed 7" in output
