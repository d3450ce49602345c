"""`nnjax reproduce RUN`: trains a stored run again and says whether the same came out, else what differs first."""

import argparse
import dataclasses
import json
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnjax.config import saved, schema
from nnjax.config.schema import Config
from nnjax.data import npz
from nnjax.errors import FAILED, InputError
from nnjax.inference.predictor import Layers
from nnjax.reporting.summary import panel
from nnjax.runs import load, provenance
from nnjax.runs.load import Trained

if TYPE_CHECKING:
    from nnjax.data.dataset import Dataset

HELP = "train a run again, recording nothing, and say whether the result is the same, and if not what differs first"
TOLERANCE = {"float32": 1e-5, "float64": 1e-9, "bfloat16": 1e-2}  # of max(1, |value|), by runtime.precision


class Result(NamedTuple):
    """A result, as a run's or a sweep's folder has it.

    Attributes:
        params: (Theta (n_out, n_in), b (n_out,)) of each layer.
        epochs: (k,), of the rows of the history: all of a run's, some of a lane's.
        history: metric -> (k,).
        last: the epoch in which the training ended.
    """

    params: Layers
    epochs: np.ndarray
    history: Mapping[str, np.ndarray]
    last: int

    @property
    def digest(self) -> str:
        """Of all bits: a run's is the tag `result_digest`."""
        return provenance.digest(self.params, self.history)

    def at(self, epochs: np.ndarray, metrics: Iterable[str]) -> "Result":
        """The same with these rows and columns of the history alone, as far as it has them."""
        rows = np.isin(self.epochs, epochs)
        found = {name: self.history[name][rows] for name in metrics if name in self.history}
        return self._replace(epochs=self.epochs[rows], history=found)


class Original(NamedTuple):
    """What is known of a run that is to be trained again; layout: how a lane was trained, "" of a single run."""

    config: Config
    result: Result
    provenance: Mapping[str, str]
    layout: str


def arguments(parser: argparse.ArgumentParser) -> None:
    """Which run."""
    parser.add_argument("trained", metavar="RUN", help=load.ABOUT)
    parser.add_argument(
        "--uri", metavar="URI", help="the store; else MLFLOW_TRACKING_URI, else mlflow.db in this folder"
    )


def run(given: argparse.Namespace) -> None:
    """Prints what is the same and what differs; exit code 1 where the result does, beyond its tolerance.

    Raises:
        InputError: the run never finished, or what it needs isn't there: files, data, platform.
        TrainingError: the loss stopped being finite this time.
    """
    with TemporaryDirectory() as copies:
        found = load.with_files(given.trained, given.uri, Path.cwd(), Path(copies))
        original = of_run(found) if found.lane is None else of_lane(found)

    from nnjax.runs import jax_setup
    from nnjax.runs.plan import make_plan

    config = alone(original.config)
    dataset = make_plan(config).dataset
    jax_setup.configure(config.runtime)
    differing = provenance.differences(original.provenance, provenance.of(dataset, jax_setup.device_kind()))
    rows = [("run", found.name), *about(original, differing, dataset)]
    if differing["data"] not in ("", provenance.UNKNOWN):
        print(panel([*rows, ("result", f"not trained again: the data differ, by {differing['data']}")]))
        raise SystemExit(FAILED)
    same, words = verdict(original, train(config), differing)
    print(panel([*rows, ("result", words)]))
    if not same:
        raise SystemExit(FAILED)


def of_run(found: Trained) -> Original:
    """A single run, by the files of its folder."""
    settings, history, depended = files(found, "config.yaml", "history.npz", provenance.FILE)
    facts, result = provenance.read(depended), read(found.predictor.params, history)
    if facts.get(provenance.RESULT) != result.digest:
        raise InputError(f"{found.name}: model.safetensors or history.npz was changed since the run ended")
    configuration = saved.complete(saved.read(settings), str(settings))
    return Original(configuration, result, {**facts, **found.tags}, "")


def of_lane(found: Trained) -> Original:
    """A lane of a sweep, by the files of its group."""
    from nnjax.runs.sweep import storage
    from nnjax.runs.sweep.sweep import config_of

    assert found.lane is not None
    facts = found.lane.facts
    table, history = files(found, *(f"{storage.PARTS}/{facts['part']}.{kind}" for kind in ("parquet", "npz")))
    group = storage.GroupInfo(**json.loads(storage.read_table(table)[1]["group"]))
    result = read(found.predictor.params, history, facts["lane"], facts["epochs"])
    return Original(config_of(found.lane, group), result, {**group.provenance, **found.tags}, group.layout)


def files(found: Trained, *names: str) -> list[Path]:
    """Where these files of the folder are, or copies of them; InputError if one is missing."""
    there = {name: found.file(name) for name in names}
    missing = [name for name, path in there.items() if path is None]
    if missing:
        raise InputError(f"{found.name}: can't be trained again: its folder has no {', '.join(missing)}")
    return [path for path in there.values() if path is not None]


def read(params: Layers, history: Path, lane: int | None = None, last: int | None = None) -> Result:
    """The result with this history: a run's, or that of a lane up to its last epoch."""
    found = npz.every(history)
    if lane is None:
        rows = max((len(values) for values in found.values()), default=0)
        return Result(params, np.arange(rows), found, rows - 1)
    epochs = found.pop("epoch")
    assert last is not None
    whole = Result(params, epochs, {name: values[lane] for name, values in found.items()}, last)
    return whole.at(epochs[epochs <= last], found)


def alone(config: Config) -> Config:
    """The configuration of the one network, with nothing recorded or drawn."""
    changed: dict[str, Any] = {
        "resume": None,
        "lanes": dataclasses.replace(config.lanes, values=None, seeds=1),
        "sweep": schema.Sweep(None),
        "tracking": dataclasses.replace(config.tracking, enabled=False, figures=False, model=False, report=False),
        "training": dataclasses.replace(config.training, gradient_check=False),
        "runtime": dataclasses.replace(config.runtime, profile=False),
    }
    return dataclasses.replace(config, **changed)


def train(config: Config) -> Result:
    """The configuration trained in a folder that is thrown away."""
    from nnjax.runs import run

    with TemporaryDirectory() as folder:
        run.run(config, Path(folder), Path.cwd())
        return read(load.load(Path(folder, "model.safetensors"), 0).params, Path(folder, "history.npz"))


def about(original: Original, differing: Mapping[str, str], dataset: "Dataset") -> list[tuple[str, str]]:
    """A line for all that a result depends on: what it is, or what it was and is now."""
    then = original.provenance
    same = {
        "data": f"{dataset.name}, {dataset.digest[: provenance.SHOWN]}",
        "versions": f"jax {then.get('version.jax')}, Python {then.get('version.python')}",
        "device": f"{then.get('device')}, {then.get('processor')}, {then.get('cores')} cores",
        "code": f"commit {then.get('mlflow.source.git.commit', '')[: provenance.SHOWN]}",
    }
    prefix = {"": "the same: ", provenance.UNKNOWN: "then "}
    lines = [(part, f"{prefix.get(text, 'other: ')}{text or same[part]}") for part, text in differing.items()]
    return [("lane of", original.layout), *lines]


def verdict(original: Original, again: Result, differing: Mapping[str, str]) -> tuple[bool, str]:
    """Whether the two results are the same, within the tolerance at least; in words."""
    then, now = original.result, again.at(original.result.epochs, original.result.history)
    if then.last != now.last:
        return (
            False,
            f"different: it ended after epoch {then.last} then, and after {now.last} now; {first(original, differing)}",
        )
    if then.digest == now.digest:
        return True, f"bit-equal: {then.digest[: provenance.SHOWN]}, the digest of parameters and history"
    leaves = zip(chain(*then.params), chain(*now.params), strict=True)
    params = np.concatenate([difference(a, b) for a, b in leaves])
    ends = [(values[-1:], now.history[name][-1:]) for name, values in then.history.items() if name in now.history]
    metrics = np.concatenate([difference(a, b) for a, b in ends])
    tolerance = TOLERANCE[original.config.runtime.precision]
    most = f"parameters by {params.max():.1e} at most, final metrics by {metrics.max():.1e}"
    words = f"{most}; allowed: {tolerance:g} max(1, |value|)"
    if (np.append(params, metrics) <= tolerance).all():
        return True, f"within tolerance: {words}"
    return False, f"different: {words}; {first(original, differing)}"


def difference(then: np.ndarray, now: np.ndarray) -> np.ndarray:
    """|then - now| / max(1, |then|), flat; nan where one of the two alone is nan."""
    found = np.abs(then - now) / np.maximum(1, np.abs(then))
    return np.where(np.isnan(then) & np.isnan(now), 0, found).ravel()


def first(original: Original, differing: Mapping[str, str]) -> str:
    """What differs first of all that a result depends on."""
    known = [f"{part} ({text})" for part, text in differing.items() if text not in ("", provenance.UNKNOWN)]
    if "vmap" in original.layout:  # another program, whose rounding grows with the steps
        known.append(f"layout (side by side, {original.layout}; now alone)")
    return f"what differs first: {known[0]}" if known else "nothing that was recorded differs"
