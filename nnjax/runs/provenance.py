"""What a result depends on besides its settings: data, versions, device and code, as flat text that can be compared."""

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from nnjax.data.dataset import Dataset, digest_arrays
from nnjax.errors import InputError
from nnjax.system import atomic

LIBRARIES = ("nnjax", "jax", "jaxlib", "optax", "numpy", "mlflow", "hydra-core", "tensorflow-datasets", "safetensors")
GIT_PATIENCE = 2  # seconds
FILE = "provenance.json"  # in a run's folder
RESULT = "result_digest"  # its key for the result itself
DIRTY = "git.dirty"
PARTS = {  # in the order in which they are named where results differ
    "data": ("digest.train", "digest.validation", "digest.test"),
    "versions": tuple(f"version.{name}" for name in ("nnjax", "jax", "jaxlib", "numpy", "optax", "python")),
    "device": ("device", "processor", "cores", "XLA_FLAGS"),
    "code": ("mlflow.source.git.commit", DIRTY),
}
SHOWN = 12  # characters of a digest or a commit
UNKNOWN = "not recorded"


def of(dataset: Dataset, device: str) -> dict[str, str]:
    """What a training here would depend on; fit to be tags of a run."""
    return {**of_data(dataset), **of_program(device)}


def of_data(dataset: Dataset) -> dict[str, str]:
    """The digest of each part."""
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    return {f"digest.{name}": digest_arrays(x=part.x, y=part.y) for name, part in parts.items()}


def of_program(device: str) -> dict[str, str]:
    """Versions, device and code.

    device: the kind of device that trains, such as `cpu` or `NVIDIA H200`.
    """
    here = {"device": device, "processor": processor(), "cores": str(cores())}
    here["XLA_FLAGS"] = (
        os.environ.get("XLA_FLAGS") or "none"
    )  # those of training/compiler_options.py, unless JAX had started before
    return {**versions(), **here, **git_tags(Path(__file__).parent)}


def versions() -> dict[str, str]:
    """Python and the installed libraries, as tags `version.jax`: `0.10.2`."""
    found = {"version.python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[f"version.{library}"] = version(library)
        except PackageNotFoundError:
            continue
    return found


def git_tags(folder: str | Path) -> dict[str, str]:
    """The commit checked out around a folder, and whether files that git knows differ from it; {} outside of git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"mlflow.source.git.commit": commit, "git.dirty": "unknown" if changes is None else str(changes != "")}


def _git(folder: str | Path, *arguments: str) -> str | None:
    """What git prints, None without git, outside of a repository, or where it takes too long."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def processor() -> str:
    """What the processor is called: XLA compiles for its instructions, and other instructions round otherwise."""
    file = Path("/proc/cpuinfo")  # of Linux
    found = re.search(r"^model name\s*: (.+)$", file.read_text(), re.MULTILINE) if file.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def cores() -> int:
    """Cores that this process may use: XLA splits work between so many threads."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def digest(params: Sequence[tuple[np.ndarray, np.ndarray]], history: Mapping[str, np.ndarray]) -> str:
    """The sha256 (hex) of a result: of every bit of the parameters and of the metrics by epoch, by name."""
    layers = {f"{i}.Theta": Theta for i, (Theta, _) in enumerate(params)}
    layers |= {f"{i}.b": b for i, (_, b) in enumerate(params)}
    return digest_arrays(**layers, **dict(sorted(history.items())))


def write(folder: Path, facts: Mapping[str, str]) -> None:
    """Leaves them in a run's folder, whole or not at all."""
    with atomic.write_file(folder / FILE) as file:
        file.write_text(json.dumps(facts, indent=1) + "\n")


def read(file: Path) -> dict[str, str]:
    """What `write` left; InputError for a file that is something else."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file}: can't be read: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise InputError(f"{file}: must have names and texts alone")
    return found


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """For each of PARTS what differs, in words: "" where nothing does, UNKNOWN where nothing was recorded then."""
    return {part: difference(part, then, now) for part in PARTS}


def difference(part: str, then: Mapping[str, str], now: Mapping[str, str]) -> str:
    """`jax 0.10.1, now 0.10.2; numpy 2.3.0, now 2.4.1`."""
    known = [key for key in PARTS[part] if key in then and key != DIRTY]
    differing = [key for key in known if then[key] != now.get(key)]
    if not known:
        return UNKNOWN
    if part == "data":
        return " and ".join(f"its {key.removeprefix('digest.')} part" for key in differing)
    cut = SHOWN if part == "code" else None
    words = [f"{key.rpartition('.')[2]} {then[key][:cut]}, now {now.get(key, 'unknown')[:cut]}" for key in differing]
    dirty = [word for word, facts in (("then", then), ("now", now)) if facts.get(DIRTY) == "True"]
    changes = [f"changes that no commit has, {' and '.join(dirty)}"] if part == "code" and dirty else []
    return "; ".join([*words, *changes])
