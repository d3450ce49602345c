"""A trained network by what a person calls it: a run's id or folder, the network's file, a lane of a sweep."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from nnjax.errors import InputError
from nnjax.inference import predictor
from nnjax.inference.predictor import Floats, Layers, Predictor

if TYPE_CHECKING:
    from nnjax.runs.sweep.storage import Lane
    from nnjax.tracking.mlflow_client import Found

SHORTEST = 6  # letters of a run's id that may stand for all of it
SHOWN = 5  # runs that a mistake is answered with
ABOUT = (
    "a run's id (or the first 6 letters), its folder, or model.safetensors; of a sweep ID:7 is lane 7, ID the best lane"
)
File = Callable[[str], Path | None]  # from a path below a run's folder to the file, None if there is none


class Trained(NamedTuple):
    """A network, what it is called, and the settings that it was trained with, by dotted key: {} if unknown.

    Attributes:
        file: finds what else is kept below the folder of its run or sweep.
        tags: of its run in the store, or of its sweep's; {} where a folder or file was meant.
        lane: what the sweep's table tells, None of a single run.
    """

    name: str
    predictor: Predictor
    settings: Mapping[str, Any]
    file: File
    tags: Mapping[str, str] = {}
    lane: "Lane | None" = None

    @property
    def params(self) -> Layers:
        """(Theta (n_out, n_in), b (n_out,)) of each layer, of a convolution (maps_out, maps_in, size, size)."""
        return self.predictor.params

    def predict(self, x: Any) -> Floats:
        """Raw rows (n, ...), or a table with the columns' names, to what MLflow's model answers (n, K).

        Probabilities by class (L5-L7); of a perceptron what it decides, of a regression numbers (L8, L17).
        """
        return self.predictor.predict(x)

    def classes(self, x: Any) -> list[str]:
        """What each of the rows is, by name (L38)."""
        names = self.predictor.metadata["classes"]
        return [names[i] for i in self.predictor.classes(x)]

    def forward(self, x: Any) -> tuple[Floats, list[Floats]]:
        """z (n, K), the logits (L2), and what each layer before makes of x: (n, units) or (n, maps, rows, columns)."""
        *kept, z = self.predictor.layers(self.predictor.preprocess(x))
        return z, kept

    def __repr__(self) -> str:
        numbers, answers = sum(Theta.size + b.size for Theta, b in self.params), ", ".join(self.predictor.output_names)
        return f"{self.name}: {numbers:,} parameters, answers {answers:.60}"


def find(wanted: str, uri: str | None, start_folder: Path) -> Trained:
    """The network that is meant by a file, a folder or the beginning of a run's id, each with `:7` for lane 7.

    Raises:
        InputError: there is no such run, lane or file, or no network in it.
    """
    with TemporaryDirectory() as copies:
        return with_files(wanted, uri, start_folder, Path(copies))


def with_files(wanted: str, uri: str | None, start_folder: Path, copies: Path) -> Trained:
    """The same; its files may be asked for as long as the folder is there to which those of the store are copied."""
    name, _, lane = (
        wanted.rpartition(":") if ":" in wanted and not _path(wanted, start_folder).exists() else (wanted, "", "")
    )
    path = _path(name, start_folder)
    if path.is_file():
        return of_file(name, path, lane)
    if path.is_dir():
        return of_folder(name, path, lane)
    if "/" in name or name.endswith(".safetensors"):
        raise InputError(f"{name}: no such file or folder; allowed: {ABOUT}")
    return of_store(name, lane, uri, start_folder, copies)


def of_file(name: str, path: Path, lane: str, of_run: bool = False) -> Trained:
    """The network in a file; its settings are those that stand beside it, if any.

    of_run: it lies in its run's folder; beside any other file a config.yaml may be anybody's.
    """
    lanes = about(path).get("lanes")
    if lanes is None and lane:
        raise InputError(f"{name}:{lane}: the file holds one network; allowed: {name}")
    if lanes is not None and not numbers(lane, lanes):
        raise InputError(f"{name}: holds {lanes} networks; allowed: {name}:0 to {name}:{lanes - 1}")
    network = load(path, int(lane or 0))
    found: Mapping[str, Any] = {}
    with nullcontext() if of_run else suppress(InputError):
        found = settings(path.with_name("config.yaml"))
    return Trained(f"{name}:{lane}" if lane else name, network, found, lambda file: _existing(path.parent / file))


def of_folder(name: str, path: Path, lane: str) -> Trained:
    """The network in a run's folder, or one of a sweep's."""
    if (path / "model.safetensors").is_file():
        if lane:
            raise InputError(f"{name}:{lane}: this is one run, not a sweep; allowed: {name}")
        return of_file(name, path / "model.safetensors", "", of_run=True)
    root = path.parent if path.name == "summary" else path
    if not (root / "lanes").is_dir():
        raise InputError(f"{name}: no trained network in this folder; allowed: {ABOUT}")
    from nnjax.runs.sweep import statistics, storage

    parts = list(storage.parts(root))
    if not parts:
        raise InputError(f"{name}: this sweep has no trained lanes yet")
    found = storage.unique_lanes(parts)
    objective = parts[-1].group.config["objective"]
    measured = any("validation/loss" in each.metrics for each in found)
    order = statistics.ranked(found, objective or ("validation/loss" if measured else "train/loss"))
    return of_lane(name, found, lane, order[0] if order else None, lambda file: _existing(root / file), {})


def of_store(name: str, lane: str, uri: str | None, start_folder: Path, copies: Path) -> Trained:
    """The network of a run in the store: from its folder, or if that is gone from the copy in the store."""
    from nnjax.tracking import mlflow_client

    run = one_run(name, uri, start_folder)
    if run.parent and "lane" in run.tags:
        if lane:
            raise InputError(f"{name}:{lane}: this is one lane of the sweep {run.parent}; allowed: {run.parent}:{lane}")
        lane, run = run.tags["lane"], one_run(run.parent, uri, start_folder)

    def file(path: str) -> Path | None:
        root, copy = run.tags.get(mlflow_client.ROOT), path.removeprefix("summary/")
        local = _existing(Path(root, path)) if root else None
        return local or mlflow_client.download(uri, start_folder, run.id, copy, copies)

    if "sweep" not in run.tags:
        if lane:
            raise InputError(f"{name}:{lane}: this is one run, not a sweep; allowed: {name}")
        return of_run(run, file)
    from nnjax.runs.sweep import storage

    table = file("summary/lanes.parquet")
    if table is None:
        raise InputError(f"{name}: this sweep has no table of lanes: it was interrupted or is still being trained")
    found, _ = storage.read_table(table)
    members = [each.facts["member"] for each in found]
    best = run.tags.get("best")
    return of_lane(run.name, found, lane, members.index(best) if best in members else None, file, run.tags)


def of_run(run: "Found", file: File) -> Trained:
    """The network of a single run."""
    network, configuration = file("model.safetensors"), file("config.yaml")
    if network is None:
        why = run.tags.get("stopped", "it failed or is still being trained")
        raise InputError(f"{run.id[:8]} ({run.name}): this run has no trained network: {why}")
    return Trained(run.name, load(network, 0), settings(configuration) if configuration else {}, file, run.tags)


def of_lane(
    name: str, lanes: Sequence["Lane"], wanted: str, best: int | None, file: File, tags: Mapping[str, str]
) -> Trained:
    """The network of a lane of a sweep, by its number in the table, the best if none is given."""
    if wanted and not numbers(wanted, len(lanes)):
        raise InputError(f"{name}, lane {wanted}: no such lane; allowed: 0 to {len(lanes) - 1}")
    place = int(wanted) if wanted else best
    if place is None:
        raise InputError(f"{name}: no lane of this sweep has a trained network: all diverged")
    facts = lanes[place].facts
    if facts["status"] != "finished":
        raise InputError(
            f"{name}, lane {place}: this lane has no trained network: it diverged; allowed: the best, without a number"
        )
    path = file(f"lanes/{facts['part']}.safetensors")
    if path is None:
        raise InputError(
            f"{name}, lane {place}: the networks of this sweep are gone: neither in its folder nor in the store"
        )
    network, lane = load(path, facts["lane"]), lanes[place]
    return Trained(f"{name}, lane {place}", network, lane.settings, file, tags, lane)


def one_run(name: str, uri: str | None, start_folder: Path) -> "Found":
    """The run in the store whose id is this, or alone begins so.

    Raises:
        InputError: there is none, or several.
    """
    from nnjax.tracking import mlflow_client

    hexadecimal = re.fullmatch(r"[0-9a-f]+", name)
    if hexadecimal and len(name) < SHORTEST:
        raise InputError(f"{name}: the beginning of a run's id has at least {SHORTEST} letters")
    found = mlflow_client.search(uri, start_folder, query=f"attributes.run_id LIKE '{name}%'") if hexadecimal else []
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{name}: begins the ids of {len(found)} runs; allowed: {_some(found)}")
    everything = [run for run in mlflow_client.search(uri, start_folder) if not run.parent]
    known = f"; the latest: {_some(everything)}" if everything else ""
    raise InputError(f"{name}: no such run, file or folder; allowed: {ABOUT}{known}")


def numbers(lane: str, lanes: int) -> bool:
    """Whether this is the number of one of so many lanes."""
    return re.fullmatch("[0-9]{1,9}", lane) is not None and int(lane) < lanes


def _some(runs: Sequence["Found"]) -> str:
    return ", ".join(f"{run.id} ({run.name})" for run in runs[:SHOWN])


def load(path: Path, lane: int) -> Predictor:
    """The network in a file; InputError if it is damaged or foreign."""
    try:
        return Predictor.load(path, lane)
    except ValueError as error:
        raise InputError(str(error)) from None


def about(path: Path) -> Mapping[str, Any]:
    """What a network's file says of itself; InputError if it is damaged or foreign."""
    try:
        return predictor.read_metadata(path)
    except ValueError as error:
        raise InputError(str(error)) from None


def settings(configuration: Path) -> dict[str, Any]:
    """The settings of a run by dotted key, {} where the file is missing; InputError for one that no run wrote."""
    if not configuration.is_file():
        return {}
    from nnjax.config import saved
    from nnjax.config.schema import flatten

    return flatten(saved.read_settings(configuration))


def _path(name: str, start_folder: Path) -> Path:
    return start_folder / os.path.expanduser(name)  # Path's own raises where there is no such user


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None
