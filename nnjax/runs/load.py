"""Find a trained network by what a person calls it: a run's id or folder, the network's file, a lane of a sweep."""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from nnjax.errors import InputError
from nnjax.inference import predictor
from nnjax.inference.predictor import Floats, Layers, Predictor

if TYPE_CHECKING:
    from nnjax.runs.sweep.storage import Lane
    from nnjax.tracking.mlflow_client import Found

MIN_LETTERS = 6  # of a run's id that may stand for all of it
MAX_LISTED = 5  # runs that an error lists
RUN_FORMS = (
    "a run's id (or the first 6 letters), its folder, or model.safetensors; of a sweep ID:7 is lane 7, ID the best lane"
)
FindFile = Callable[[str], Path | None]  # takes a path below a run's folder; returns the file, or None


class Trained(NamedTuple):
    """A trained network.

    Attributes:
        name: of its run or lane.
        settings: that it was trained with, by dotted key; {} if unknown.
        file: finds other files below the folder of its run or sweep.
        tags: of its run, or of its sweep's run, in the store; {} if it was found by folder or file.
        lane: its row in the sweep's table; None for a single run.
    """

    name: str
    predictor: Predictor
    settings: Mapping[str, Any]
    file: FindFile
    tags: Mapping[str, str] = {}
    lane: "Lane | None" = None

    @property
    def params(self) -> Layers:
        """(Theta (n_out, n_in), b (n_out,)) of each layer, of a convolution (maps_out, maps_in, size, size)."""
        return self.predictor.params

    def predict(self, x: Any) -> Floats:
        """Return predictions (n, K) for raw rows (n, ...) or a table with column names, as MLflow's model does.

        These are probabilities by class (L5-L7), the decisions of a perceptron (L17), or numbers of a regression (L8).
        """
        return self.predictor.predict(x)

    def classes(self, x: Any) -> list[str]:
        """Return the predicted class of each row, by name (L38)."""
        names = self.predictor.metadata["classes"]
        return [names[i] for i in self.predictor.classes(x)]

    def forward(self, x: Any) -> tuple[Floats, list[Floats]]:
        """Return the logits z (n, K) (L2) and each hidden layer's output, (n, units) or (n, maps, rows, columns)."""
        *activations, z = self.predictor.layers(self.predictor.preprocess(x))
        return z, activations

    def __repr__(self) -> str:
        count, answers = sum(Theta.size + b.size for Theta, b in self.params), ", ".join(self.predictor.output_names)
        return f"{self.name}: {count:,} parameters, answers {answers:.60}"


def find_trained(target: str, uri: str | None, start_folder: Path) -> Trained:
    """Return the network of a file, a folder or the beginning of a run's id, each with `:7` for lane 7.

    Raises InputError if there is no such run, lane or file, or no network in it.
    """
    with TemporaryDirectory() as copies:
        return find_with_files(target, uri, start_folder, Path(copies))


def find_with_files(target: str, uri: str | None, start_folder: Path, copies: Path) -> Trained:
    """Return the same network; its `file` works as long as the folder `copies`, where the store's files go, exists."""
    is_lane = ":" in target and not _path(target, start_folder).exists()
    name, _, lane = target.rpartition(":") if is_lane else (target, "", "")
    path = _path(name, start_folder)
    if path.is_file():
        return load_file(name, path, lane)
    if path.is_dir():
        return load_folder(name, path, lane)
    if "/" in name or name.endswith(".safetensors"):
        raise InputError(f"{name} is not a file or folder. Allowed: {RUN_FORMS}.")
    return load_from_store(name, lane, uri, start_folder, copies)


def load_file(name: str, path: Path, lane: str, in_run_folder: bool = False) -> Trained:
    """Return the network in a file, with the settings in the config.yaml beside it.

    in_run_folder: whether that config.yaml is certainly the run's own; otherwise one that can't be read is ignored.
    """
    lanes = read_metadata(path).get("lanes")
    if lanes is None and lane:
        raise InputError(f"{name}:{lane} is not a network: the file contains only one. Allowed: {name}")
    if lanes is not None and not is_lane_number(lane, lanes):
        raise InputError(f"{name} contains {lanes} networks. Allowed: {name}:0 to {name}:{lanes - 1}")
    network = read_network(path, int(lane or 0))
    settings: Mapping[str, Any] = {}
    with nullcontext() if in_run_folder else suppress(InputError):
        settings = read_settings(path.with_name("config.yaml"))
    return Trained(f"{name}:{lane}" if lane else name, network, settings, lambda file: _existing(path.parent / file))


def load_folder(name: str, path: Path, lane: str) -> Trained:
    """Return the network in a run's folder, or that of a lane in a sweep's folder."""
    if (path / "model.safetensors").is_file():
        check_no_lane(name, lane)
        return load_file(name, path / "model.safetensors", "", in_run_folder=True)
    root = path.parent if path.name == "summary" else path
    if not (root / "lanes").is_dir():
        raise InputError(f"{name} is a folder with no trained network. Allowed: {RUN_FORMS}.")
    from nnjax.runs.sweep import statistics, storage

    groups = list(storage.parts(root))
    if not groups:
        raise InputError(f"{name} is a sweep without trained lanes. Allowed: once its first lanes are trained.")
    lanes = storage.unique_lanes(groups)
    objective = groups[-1].group.config["objective"] or statistics.default_objective(lanes)
    ranking = statistics.rank_lanes(lanes, objective)
    return load_lane(name, lanes, lane, ranking[0] if ranking else None, lambda file: _existing(root / file), {})


def load_from_store(name: str, lane: str, uri: str | None, start_folder: Path, copies: Path) -> Trained:
    """Return the network of a run in the store: from the run's folder, or if that is gone from the store's copy."""
    from nnjax.tracking import mlflow_client

    run = find_run(name, uri, start_folder)
    if run.parent and "lane" in run.tags:
        if lane:
            raise InputError(f"{name}:{lane} is not a lane: {name} is itself one. Allowed: {run.parent}:{lane}")
        lane, run = run.tags["lane"], find_run(run.parent, uri, start_folder)

    def file(path: str) -> Path | None:
        root, copy = run.tags.get(mlflow_client.ROOT), path.removeprefix("summary/")
        local = _existing(Path(root, path)) if root else None
        return local or mlflow_client.download(uri, start_folder, run.id, copy, copies)

    if "sweep" not in run.tags:
        check_no_lane(name, lane)
        return load_run(run, file)
    from nnjax.runs.sweep import storage

    table = file("summary/lanes.parquet")
    if table is None:
        raise InputError(f"{name} is a sweep without a table of lanes: it was interrupted or is still being trained.")
    lanes, _ = storage.read_table(table)
    identities = [lane.facts["member"] for lane in lanes]
    best = run.tags.get("best")
    return load_lane(run.name, lanes, lane, identities.index(best) if best in identities else None, file, run.tags)


def load_run(run: "Found", file: FindFile) -> Trained:
    """Return the network of a single run in the store."""
    network, configuration = file("model.safetensors"), file("config.yaml")
    if network is None:
        reason = run.tags.get("stopped", "it failed or is still being trained")
        raise InputError(f"{run.id[:8]} ({run.name}) has no trained network: {reason}.")
    settings = read_settings(configuration) if configuration else {}
    return Trained(run.name, read_network(network, 0), settings, file, run.tags)


def load_lane(
    name: str, lanes: Sequence["Lane"], number: str, best: int | None, file: FindFile, tags: Mapping[str, str]
) -> Trained:
    """Return the network of a sweep's lane by its number in the table, of the best lane for an empty number."""
    if number and not is_lane_number(number, len(lanes)):
        raise InputError(f"{name}:{number} is not a lane of this sweep. Allowed: 0 to {len(lanes) - 1}.")
    place = int(number) if number else best
    if place is None:
        raise InputError(f"{name} is a sweep without a trained network: all its lanes diverged.")
    lane = lanes[place]
    if lane.facts["status"] != "finished":
        raise InputError(f"{name}:{place} has no trained network: the lane diverged. Allowed: {name}, the best lane.")
    path = file(f"lanes/{lane.facts['part']}.safetensors")
    if path is None:
        raise InputError(f"{name}:{place} has lost its network: it is neither in the sweep's folder nor in the store.")
    return Trained(f"{name}, lane {place}", read_network(path, lane.facts["lane"]), lane.settings, file, tags, lane)


def find_run(name: str, uri: str | None, start_folder: Path) -> "Found":
    """Return the run in the store with this id, or the only one whose id begins so; raise InputError otherwise."""
    from nnjax.tracking import mlflow_client

    hexadecimal = re.fullmatch(r"[0-9a-f]+", name)
    if hexadecimal and len(name) < MIN_LETTERS:
        raise InputError(f"{name} is too short for a run's id. Allowed: at least {MIN_LETTERS} letters of it.")
    matches = mlflow_client.search(uri, start_folder, query=f"attributes.run_id LIKE '{name}%'") if hexadecimal else []
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise InputError(f"{name} is the beginning of {len(matches)} ids. Allowed: {_list_runs(matches)}")
    runs = [run for run in mlflow_client.search(uri, start_folder) if not run.parent]
    latest = f" The latest runs: {_list_runs(runs)}" if runs else ""
    raise InputError(f"{name} is not a run, file or folder. Allowed: {RUN_FORMS}.{latest}")


def check_no_lane(name: str, lane: str) -> None:
    """Raise InputError if a lane of a single run is asked for."""
    if lane:
        raise InputError(f"{name}:{lane} is not a lane: {name} is one run, not a sweep. Allowed: {name}")


def is_lane_number(text: str, lanes: int) -> bool:
    """Return whether this is the number of one of so many lanes."""
    return re.fullmatch("[0-9]{1,9}", text) is not None and int(text) < lanes


def read_network(path: Path, lane: int) -> Predictor:
    """Return the network in a file; raise InputError if it is damaged or foreign."""
    with _as_input_error():
        return Predictor.load(path, lane)


def read_metadata(path: Path) -> Mapping[str, Any]:
    """Return the metadata in a network's file; raise InputError if it is damaged or foreign."""
    with _as_input_error():
        return predictor.read_metadata(path)


def read_settings(configuration: Path) -> dict[str, Any]:
    """Return a run's settings by dotted key, {} without the file; raise InputError for a file that no run wrote."""
    if not configuration.is_file():
        return {}
    from nnjax.config import saved
    from nnjax.config.schema import flatten

    return flatten(saved.read_settings(configuration))


@contextmanager
def _as_input_error() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise InputError(str(error)) from None


def _list_runs(runs: Sequence["Found"]) -> str:
    return ", ".join(f"{run.id} ({run.name})" for run in runs[:MAX_LISTED])


def _path(name: str, start_folder: Path) -> Path:
    return start_folder / os.path.expanduser(name)  # Path's own raises where there is no such user


def _existing(path: Path) -> Path | None:
    return path if path.is_file() else None
