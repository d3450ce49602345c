"""`nnjax reproduce RUN`: train a recorded run again, and say whether the result is the same, else what differs."""

import argparse
import dataclasses
import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnjax.cli.arguments import add_run, add_store
from nnjax.config import saved, schema
from nnjax.config.schema import Config
from nnjax.data import npz
from nnjax.errors import FAILED, InputError
from nnjax.inference.predictor import Layers
from nnjax.reporting.text import panel
from nnjax.runs import load, provenance
from nnjax.runs.load import Trained

if TYPE_CHECKING:
    from nnjax.data.dataset import Dataset

HELP = "train a run again without recording it, and say whether the result is the same, else what differs first"
TOLERANCE = {"float32": 1e-5, "float64": 1e-9, "bfloat16": 1e-2}  # of max(1, |value|), by runtime.precision


class Result(NamedTuple):
    """A result, as the folder of a run or a sweep has it.

    Attributes:
        params: (Theta (n_out, n_in), b (n_out,)) of each layer.
        epochs: (k,), of the rows of the history: all epochs of a run, some of a lane.
        history: metric -> (k,).
        last: the epoch in which the training ended.
    """

    params: Layers
    epochs: np.ndarray
    history: Mapping[str, np.ndarray]
    last: int

    @property
    def digest(self) -> str:
        """Return the digest of all bits, which is the tag `result_digest` of a run."""
        return provenance.digest(self.params, self.history)

    def at(self, epochs: np.ndarray, metrics: Iterable[str]) -> "Result":
        """Return the result with only these rows and columns of the history, as far as it has them."""
        rows = np.isin(self.epochs, epochs)
        history = {name: self.history[name][rows] for name in metrics if name in self.history}
        return self._replace(epochs=self.epochs[rows], history=history)


class Original(NamedTuple):
    """The recorded run that is trained again; layout: how a lane was trained, "" of a single run."""

    config: Config
    result: Result
    provenance: Mapping[str, str]
    layout: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the run."""
    add_run(parser)
    add_store(parser)


def run(arguments: argparse.Namespace) -> None:
    """Print what is the same and what differs; exit with code 1 if the result differs by more than its tolerance.

    Raises:
        InputError: the run never finished, or its files, data or platform are missing.
        TrainingError: the loss is no longer finite this time.
    """
    with TemporaryDirectory() as copies:
        trained = load.with_files(arguments.trained, arguments.uri, Path.cwd(), Path(copies))
        original = original_run(trained) if trained.lane is None else original_lane(trained)

    from nnjax.runs import jax_setup
    from nnjax.runs.plan import make_plan

    config = unrecorded(original.config)
    dataset = make_plan(config).dataset
    jax_setup.configure(config.runtime)
    differences = provenance.differences(original.provenance, provenance.of(dataset, jax_setup.device_kind()))
    rows = [("run", trained.name), *compare_origins(original, differences, dataset)]
    if differences["data"] not in ("", provenance.UNKNOWN):
        print(panel([*rows, ("result", f"not trained again: the data differ ({differences['data']})")]))
        raise SystemExit(FAILED)
    is_same, words = compare_results(original, train(config), differences)
    print(panel([*rows, ("result", words)]))
    if not is_same:
        raise SystemExit(FAILED)


def original_run(trained: Trained) -> Original:
    """Return a single run, from the files in its folder."""
    settings, history, origins = files(trained, "config.yaml", "history.npz", provenance.FILE)
    facts, result = provenance.read(origins), read_result(trained.predictor.params, history)
    if facts.get(provenance.RESULT) != result.digest:
        raise InputError(f"{trained.name}: model.safetensors or history.npz was changed after the run")
    config = saved.complete(saved.read(settings), str(settings))
    return Original(config, result, {**facts, **trained.tags}, "")


def original_lane(trained: Trained) -> Original:
    """Return a lane of a sweep, from the files of its group."""
    from nnjax.runs.sweep import storage
    from nnjax.runs.sweep.sweep import config_of

    assert trained.lane is not None
    facts = trained.lane.facts
    table, history = files(trained, *(f"{storage.PARTS}/{facts['part']}.{suffix}" for suffix in ("parquet", "npz")))
    group = storage.GroupInfo(**json.loads(storage.read_table(table)[1]["group"]))
    result = read_result(trained.predictor.params, history, facts["lane"], facts["epochs"])
    return Original(config_of(trained.lane, group), result, {**group.provenance, **trained.tags}, group.layout)


def files(trained: Trained, *names: str) -> list[Path]:
    """Return these files of the run's folder, or copies of them. Raises InputError if one is missing."""
    paths = {name: trained.file(name) for name in names}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        raise InputError(f"{trained.name} can't be trained again, since its folder has no {', '.join(missing)}.")
    return [path for path in paths.values() if path is not None]


def read_result(params: Layers, history: Path, lane: int | None = None, last: int | None = None) -> Result:
    """Return the result with this history: that of a run, or of a lane up to its last epoch."""
    arrays = npz.every(history)
    if lane is None:
        rows = max((len(values) for values in arrays.values()), default=0)
        return Result(params, np.arange(rows), arrays, rows - 1)
    epochs = arrays.pop("epoch")
    assert last is not None
    whole = Result(params, epochs, {name: values[lane] for name, values in arrays.items()}, last)
    return whole.at(epochs[epochs <= last], arrays)


def unrecorded(config: Config) -> Config:
    """Return the configuration of a single network for which nothing is recorded or drawn."""
    changes: dict[str, Any] = {
        "resume": None,
        "lanes": dataclasses.replace(config.lanes, values=None, seeds=1),
        "sweep": schema.Sweep(None),
        "tracking": dataclasses.replace(config.tracking, enabled=False, figures=False, model=False, report=False),
        "training": dataclasses.replace(config.training, gradient_check=False),
        "runtime": dataclasses.replace(config.runtime, profile=False),
    }
    return dataclasses.replace(config, **changes)


def train(config: Config) -> Result:
    """Train the configuration in a temporary folder, and return its result."""
    from nnjax.runs import run

    with TemporaryDirectory() as folder:
        run.run(config, Path(folder), Path.cwd())
        return read_result(load.load(Path(folder, "model.safetensors"), 0).params, Path(folder, "history.npz"))


def compare_origins(original: Original, differences: Mapping[str, str], dataset: "Dataset") -> list[tuple[str, str]]:
    """Return a line for each part that a result depends on: what it is, or what it was and what it is now."""
    recorded = original.provenance
    same = {
        "data": f"{dataset.name}, {dataset.digest[: provenance.SHOWN]}",
        "versions": f"jax {recorded.get('version.jax')}, Python {recorded.get('version.python')}",
        "device": f"{recorded.get('device')}, {recorded.get('processor')}, {recorded.get('cores')} cores",
        "code": f"commit {recorded.get('mlflow.source.git.commit', '')[: provenance.SHOWN]}",
    }
    prefix = {"": "the same: ", provenance.UNKNOWN: "then "}
    lines = [(part, f"{prefix.get(text, 'other: ')}{text or same[part]}") for part, text in differences.items()]
    return [("lane of", original.layout), *lines]


def compare_results(original: Original, again: Result, differences: Mapping[str, str]) -> tuple[bool, str]:
    """Return whether two results are the same, at least within the tolerance, and in words how much they differ."""
    then, now = original.result, again.at(original.result.epochs, original.result.history)
    cause = first_difference(original, differences)
    if then.last != now.last:
        return False, f"different: it ended after epoch {then.last} then, and after {now.last} now; {cause}"
    if then.digest == now.digest:
        return True, f"bit-equal: {then.digest[: provenance.SHOWN]}, the digest of parameters and history"
    leaves = zip(chain(*then.params), chain(*now.params), strict=True)
    params = np.concatenate([relative_error(a, b) for a, b in leaves])
    ends = [(values[-1:], now.history[name][-1:]) for name, values in then.history.items() if name in now.history]
    metrics = np.concatenate([relative_error(a, b) for a, b in ends])
    tolerance = TOLERANCE[original.config.runtime.precision]
    words = f"parameters by at most {params.max():.1e}, final metrics by at most {metrics.max():.1e}"
    words += f"; allowed: {tolerance:g} max(1, |value|)"
    if (np.append(params, metrics) <= tolerance).all():
        return True, f"within tolerance: {words}"
    return False, f"different: {words}; {cause}"


def relative_error(then: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Return |then - now| / max(1, |then|), flat; nan where only one of the two is nan."""
    error = np.abs(then - now) / np.maximum(1, np.abs(then))
    return np.where(np.isnan(then) & np.isnan(now), 0, error).ravel()


def first_difference(original: Original, differences: Mapping[str, str]) -> str:
    """Return the first difference in what a result depends on."""
    recorded = [f"{part} ({text})" for part, text in differences.items() if text not in ("", provenance.UNKNOWN)]
    if "vmap" in original.layout:  # another program, whose rounding errors grow with the steps
        recorded.append(f"layout (side by side, {original.layout}; now alone)")
    return f"what differs first: {recorded[0]}" if recorded else "nothing that was recorded differs"
