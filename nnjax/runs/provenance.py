"""The provenance of a result: the data, versions, device and code that it depends on besides its settings."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from nnjax.data.dataset import Dataset, digest_arrays
from nnjax.errors import InputError
from nnjax.system import atomic

LIBRARIES = ("nnjax", "jax", "jaxlib", "optax", "numpy", "mlflow", "hydra-core", "tensorflow-datasets", "safetensors")
GIT_TIMEOUT = 2  # seconds
FILE = "provenance.json"  # in a run's folder
RESULT = "result_digest"  # key of the result's own digest
DIRTY = "git.dirty"
PARTS = {  # part -> its keys, in the order in which differences are reported
    "data": ("digest.train", "digest.validation", "digest.test"),
    "versions": tuple(f"version.{name}" for name in ("nnjax", "jax", "jaxlib", "numpy", "optax", "python")),
    "device": ("device", "processor", "cores", "XLA_FLAGS"),
    "code": ("mlflow.source.git.commit", DIRTY),
}
SHOWN = 12  # characters of a digest or a commit
UNKNOWN = "not recorded"


def collect(dataset: Dataset, device: str) -> dict[str, str]:
    """Return the provenance of a training on this machine, as tags of a run; device: as for `collect_program`."""
    return {**digest_data(dataset), **collect_program(device)}


def digest_data(dataset: Dataset) -> dict[str, str]:
    """Return the digests of the training, validation and test part."""
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return {f"digest.{name}": digest_arrays(x=part.x, y=part.y) for name, part in parts.items()}


def collect_program(device: str) -> dict[str, str]:
    """Return versions, device and code; device: the kind that trains, such as `cpu` or `NVIDIA H200`."""
    flags = os.environ.get("XLA_FLAGS") or "none"  # those of training/compiler_options.py, unless JAX started before
    machine = {"device": device, "processor": processor_name(), "cores": str(usable_cores()), "XLA_FLAGS": flags}
    return {**versions(), **machine, **git_tags(Path(__file__).parent)}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed libraries, as tags `version.jax`: `0.10.2`."""
    tags = {"version.python": platform.python_version()}
    for library in LIBRARIES:
        with suppress(PackageNotFoundError):
            tags[f"version.{library}"] = version(library)
    return tags


def git_tags(folder: str | Path) -> dict[str, str]:
    """Return the commit of the repository around a folder, and whether tracked files differ from it; {} outside git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"mlflow.source.git.commit": commit, "git.dirty": "unknown" if changes is None else str(changes != "")}


def _git(folder: str | Path, *arguments: str) -> str | None:
    """Return what git prints; None without git, outside of a repository, or if git takes too long."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def processor_name() -> str:
    """Return the processor's name: XLA compiles for its instructions, and other instructions round differently."""
    file = Path("/proc/cpuinfo")  # on Linux
    name = re.search(r"^model name\s*: (.+)$", file.read_text(), re.MULTILINE) if file.exists() else None
    return name[1] if name else platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return the number of cores that this process may use: XLA splits work between so many threads."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def digest_result(params: Sequence[tuple[np.ndarray, np.ndarray]], history: Mapping[str, np.ndarray]) -> str:
    """Return the sha256 (hex) of a result: of all bits of its parameters and of its metrics by epoch."""
    layers = {f"{i}.Theta": Theta for i, (Theta, _) in enumerate(params)}
    layers |= {f"{i}.b": b for i, (_, b) in enumerate(params)}
    return digest_arrays(**layers, **dict(sorted(history.items())))


def write(folder: Path, facts: Mapping[str, str]) -> None:
    """Write provenance.json into a run's folder."""
    with atomic.write_file(folder / FILE) as file:
        file.write_text(json.dumps(facts, indent=1) + "\n")


def read(file: Path) -> dict[str, str]:
    """Return the facts in a provenance.json; raise InputError for another file."""
    try:
        facts = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file} can't be read: {' '.join(str(error).split())}.") from None
    if not isinstance(facts, dict) or not all(isinstance(value, str) for value in facts.values()):
        raise InputError(f"{file} is not a provenance file. Allowed: names and texts.")
    return facts


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Return for each of PARTS what differs, in words: "" for nothing, UNKNOWN if nothing was recorded then."""
    return {part: difference(part, then, now) for part in PARTS}


def difference(part: str, then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return what differs in one part, such as `jax 0.10.1, now 0.10.2; numpy 2.3.0, now 2.4.1`."""
    recorded = [key for key in PARTS[part] if key in then and key != DIRTY]
    differing = [key for key in recorded if then[key] != now.get(key)]
    if not recorded:
        return UNKNOWN
    if part == "data":
        return " and ".join(f"its {key.removeprefix('digest.')} part" for key in differing)
    end = SHOWN if part == "code" else None
    changes = [f"{key.rpartition('.')[2]} {then[key][:end]}, now {now.get(key, 'unknown')[:end]}" for key in differing]
    dirty = [time for time, facts in (("then", then), ("now", now)) if facts.get(DIRTY) == "True"]
    if part == "code" and dirty:
        changes.append(f"changes that no commit has, {' and '.join(dirty)}")
    return "; ".join(changes)
