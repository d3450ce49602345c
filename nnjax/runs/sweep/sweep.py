"""A sweep read from its folder: all parts together, lane by lane."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnjax.config import lanes, schema
from nnjax.config.schema import Config
from nnjax.data import npz
from nnjax.data.dataset import Dataset
from nnjax.inference import predictor
from nnjax.reporting import run_names
from nnjax.runs import build
from nnjax.runs.sweep import statistics, storage
from nnjax.runs.sweep.storage import FINISHED, GroupInfo, Lane, LaneGroup
from nnjax.training import batches
from nnjax.training.result import TrainingResult


class Sweep:
    """A sweep read from its folder.

    Attributes:
        parts, group, config: its parts, oldest first; how the last one was trained, and the configuration of its job.
        lanes, finished: all lanes, each once; those that did not diverge.
        keys: the settings in which lanes differ.
        objective, order: the metric that ranks lanes; places of the finished ones in `lanes`, the best first.
    """

    def __init__(self, root: Path, parts: Sequence[LaneGroup], objective: str | None = None) -> None:
        self.root, self.parts, self.lanes = root, parts, storage.unique_lanes(parts)
        self.group, self.part_by_name = parts[-1].group, {part.path.name: part for part in parts}
        self.config = schema.from_settings(self.group.config)
        self.keys = statistics.swept_keys(self.lanes)
        self.finished = [lane for lane in self.lanes if lane.facts["status"] == FINISHED]
        self.objective = objective or statistics.default_objective(self.lanes)
        self.order = statistics.rank_lanes(self.lanes, self.objective)

    @property
    def folder(self) -> Path:
        """The folder of the summary."""
        return self.root / "summary"

    @property
    def title(self) -> str:
        """`mlp XOR, 3,840 lanes of hidden, learning_rate, seed`, or `mlp 2-4-1 adam XOR, 8 lanes of seed`."""
        names = ", ".join(statistics.short_names(self.keys).values())
        datasets = [part.group.dataset for part in self.parts]
        network = common([data.get("network", self.config.model.name) for data in datasets], self.config.model.name)
        optimizer = common([part.group.config["optimizer"]["name"] for part in self.parts], "")
        titles = [run_names.shortened(data.get("called", data["name"])) for data in datasets]
        words = [network, optimizer, common(titles, self.group.dataset["name"])]
        return f"{' '.join(filter(None, words))}, {len(self.lanes):,} lanes{f' of {names}' if names else ''}"

    def digest(self, record: str) -> str:
        """Return the digest of what is uploaded; it changes with the lanes, the objective and `lanes.record`."""
        lanes = [[lane.facts["member"], lane.facts["status"], lane.facts["part"]] for lane in self.lanes]
        return hashlib.sha256(json.dumps([lanes, self.objective, record]).encode()).hexdigest()

    def column(self, key: str) -> list[Any]:
        """Return a setting of all lanes."""
        return [lane.settings.get(key) for lane in self.lanes]

    def best(self) -> Config | None:
        """Return the configuration of the best lane, or None if all lanes diverged."""
        return self.lane_config(self.lanes[self.order[0]]) if self.order else None

    def lane_config(self, lane: Lane) -> Config:
        """Return the configuration of a lane."""
        return lane_config(lane, self.part_by_name[lane.facts["part"]].group)

    def histories(self) -> dict[str, np.ndarray]:
        """Return `epoch` (k,) and metrics (lanes, k), nan at epochs that a lane's part has not recorded."""
        files = {part.path.name: npz.read_arrays(storage.histories(part.path)) for part in self.parts}
        epochs = np.unique(np.concatenate([file["epoch"] for file in files.values()]))
        names = dict.fromkeys(name for file in files.values() for name in file if name != "epoch")
        types = {name: np.result_type(*(file[name] for file in files.values() if name in file)) for name in names}
        metrics = {name: np.full((len(self.lanes), len(epochs)), np.nan, types[name]) for name in names}
        places = {part: np.searchsorted(epochs, file["epoch"]) for part, file in files.items()}
        for i, lane in enumerate(self.lanes):
            part = lane.facts["part"]
            for name, values in files[part].items():
                if name != "epoch":
                    metrics[name][i, places[part]] = values[lane.facts["lane"]]
        return {"epoch": epochs, **metrics}


def common(values: Sequence[str], otherwise: str) -> str:
    """Return the value if all are equal, else `otherwise`."""
    return values[0] if len({*values}) == 1 else otherwise


def lane_config(lane: Lane, group: GroupInfo) -> Config:
    """Return the configuration of a lane: that of its group with the lane's own values."""
    config = schema.from_settings(group.config)
    settings = lanes.result_settings(config)
    return lanes.replace_values(config, {key: lane.settings[key] for key in schema.lane_keys() if key in settings})


def lane_result(sweep: Sweep, place: int, histories: Mapping[str, np.ndarray], dataset: Dataset) -> TrainingResult:
    """Return the result of the lane at a place, as if it had been trained alone; histories: of the sweep."""
    lane = sweep.lanes[place]
    network = predictor.Predictor.load(
        storage.networks(sweep.part_by_name[lane.facts["part"]].path), lane.facts["lane"]
    )
    config, epochs = sweep.lane_config(lane), lane.facts["epochs"]
    history = {name: np.full(epochs + 1, np.nan) for name in histories if name != "epoch"}
    trained = histories["epoch"] <= epochs
    for name, values in history.items():
        values[histories["epoch"][trained]] = histories[name][place, trained]
    rows = len(dataset.train.y)
    return TrainingResult(
        params=tuple(network.params),
        history=history,
        metrics=lane.metrics,
        test={name: value for name, value in lane.metrics.items() if name.startswith("test/")},
        stopped=lane.facts["stopped"],
        epochs=epochs,
        best_epoch=lane.facts["kept_epoch"] if config.training.keep == "best" else None,
        kept_epoch=lane.facts["kept_epoch"],
        updates=epochs * batches.num_batches(rows, build.batch_size(config, rows)),
        examples_per_second=sweep.group.examples_per_second,
    )
