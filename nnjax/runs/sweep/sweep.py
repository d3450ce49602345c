"""A sweep as its folder has it: all parts together, lane by lane."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nnjax.config import lanes as members
from nnjax.config import schema
from nnjax.config.schema import Config
from nnjax.data import npz
from nnjax.data.dataset import Dataset
from nnjax.inference import predictor
from nnjax.reporting import run_names
from nnjax.runs import build
from nnjax.runs.sweep import statistics
from nnjax.runs.sweep import storage as kept
from nnjax.runs.sweep.storage import FINISHED, GroupInfo, Lane, LaneGroup
from nnjax.training import batches
from nnjax.training.result import TrainingResult


class Sweep:
    """A sweep as its folder has it."""

    def __init__(self, root: Path, parts: Sequence[LaneGroup], objective: str | None = None) -> None:
        self.root, self.parts, self.lanes = root, parts, kept.unique_lanes(parts)
        self.group = parts[-1].group
        self.config = schema.record(self.group.config)
        self.keys = statistics.swept(self.lanes)
        self.finished = [lane for lane in self.lanes if lane.facts["status"] == FINISHED]
        validated = any(metric.startswith("validation/") for lane in self.finished for metric in lane.metrics)
        self.objective = objective or ("validation/loss" if validated else "train/loss")
        self.order = statistics.ranked(self.lanes, self.objective)

    @property
    def folder(self) -> Path:
        """Where the summary goes."""
        return self.root / "summary"

    @property
    def title(self) -> str:
        """`mlp XOR, 3,840 lanes of hidden, learning_rate, seed`, or `mlp 2-4-1 adam XOR, 8 lanes of seed`."""
        over = ", ".join(statistics.short(self.keys).values())
        told = [part.group.dataset for part in self.parts]
        network = only([data.get("network", self.config.model.name) for data in told], self.config.model.name)
        optimizer = only([part.group.config["optimizer"]["name"] for part in self.parts], "")
        data = only(
            [run_names.shortened(data.get("called", data["name"])) for data in told], self.group.dataset["name"]
        )
        what = " ".join(filter(None, [network, optimizer, data]))
        return f"{what}, {len(self.lanes):,} lanes{f' of {over}' if over else ''}"

    def digest(self, record: str) -> str:
        """What was trained and how it is recorded, in a few letters: equal where there is nothing new to deliver."""
        lanes = [[lane.facts["member"], lane.facts["status"], lane.facts["part"]] for lane in self.lanes]
        return hashlib.sha256(json.dumps([lanes, self.objective, record]).encode()).hexdigest()

    def column(self, key: str) -> list[Any]:
        """A setting of all lanes."""
        return [lane.settings.get(key) for lane in self.lanes]

    def best(self) -> Config | None:
        """The configuration of the best lane, None if all diverged."""
        return self.lane_config(self.lanes[self.order[0]]) if self.order else None

    def lane_config(self, lane: Lane) -> Config:
        """The configuration of a lane: its job's, with its own values."""
        (part,) = [part for part in self.parts if part.path.name == lane.facts["part"]]
        return config_of(lane, part.group)

    def histories(self) -> dict[str, np.ndarray]:
        """`epoch` (k,) and metrics (lanes, k), nan where a part has other epochs; lanes in the table's order."""
        files = {part.path.name: npz.every(kept.histories(part.path)) for part in self.parts}
        epochs = np.unique(np.concatenate([file["epoch"] for file in files.values()]))
        names = dict.fromkeys(name for file in files.values() for name in file if name != "epoch")
        types = {name: np.result_type(*(file[name] for file in files.values() if name in file)) for name in names}
        found = {name: np.full((len(self.lanes), len(epochs)), np.nan, types[name]) for name in names}
        places = {part: np.searchsorted(epochs, file["epoch"]) for part, file in files.items()}
        for i, lane in enumerate(self.lanes):
            part = lane.facts["part"]
            for name, values in files[part].items():
                if name != "epoch":
                    found[name][i, places[part]] = values[lane.facts["lane"]]
        return {"epoch": epochs, **found}


def only(values: Sequence[str], otherwise: str) -> str:
    """The value that all of these are, else the other."""
    return values[0] if len({*values}) == 1 else otherwise


def config_of(lane: Lane, group: GroupInfo) -> Config:
    """The configuration of a lane: its group's, with its own values."""
    base = schema.record(group.config)
    mine = members.settings(base)
    return members.replace_values(base, {key: lane.settings[key] for key in schema.lane_keys() if key in mine})


def result_of(sweep: Sweep, place: int, histories: Mapping[str, np.ndarray], dataset: Dataset) -> TrainingResult:
    """A lane as one network's outcome: what its figures and its model are made of."""
    lane = sweep.lanes[place]
    (path,) = [part.path for part in sweep.parts if part.path.name == lane.facts["part"]]
    network = predictor.Predictor.load(kept.networks(path), lane.facts["lane"])
    config, epochs = sweep.lane_config(lane), lane.facts["epochs"]
    history = {name: np.full(epochs + 1, np.nan) for name in histories if name != "epoch"}
    there = histories["epoch"] <= epochs
    for name, values in history.items():
        values[histories["epoch"][there]] = histories[name][place, there]
    return TrainingResult(
        params=tuple(network.params),
        history=history,
        metrics=lane.metrics,
        test={name: value for name, value in lane.metrics.items() if name.startswith("test/")},
        stopped=lane.facts["stopped"],
        epochs=epochs,
        best_epoch=lane.facts["kept_epoch"] if config.training.keep == "best" else None,
        kept_epoch=lane.facts["kept_epoch"],
        updates=epochs * batches.num_batches(len(dataset.train.y), build.batch_size(config, len(dataset.train.y))),
        examples_per_second=sweep.group.examples_per_second,
    )
