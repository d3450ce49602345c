"""What MLflow records of each lane of a sweep: the child run's name, settings, points and tags."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from nnjax.config import lanes as members
from nnjax.runs import run_folder
from nnjax.runs.divergence import divergence_hint
from nnjax.runs.sweep import statistics
from nnjax.runs.sweep import storage as kept
from nnjax.runs.sweep.storage import DIVERGED
from nnjax.runs.sweep.sweep import Sweep
from nnjax.training.train_state import STOPPED

if TYPE_CHECKING:
    from nnjax.tracking.mlflow_client import Child

CURVES = ("train/", "validation/")  # of a child run; the norms are in the table and in histories.npz
POINTS = 9  # of a metric of a child run, and the final one


def children(sweep: Sweep) -> Iterator["Child"]:
    """What is recorded of each lane."""
    histories = sweep.histories()
    return (child(sweep, place, histories) for place in range(len(sweep.lanes)))


def child(sweep: Sweep, place: int, histories: Mapping[str, np.ndarray]) -> "Child":
    """What is recorded of one lane."""
    from nnjax.tracking.mlflow_client import Child

    lane = sweep.lanes[place]
    diverged = lane.facts["status"] == DIVERGED
    epochs = histories["epoch"]
    final = lane.facts["kept_epoch"]  # up to here: what is after it isn't of the network that was kept
    there = np.flatnonzero(epochs <= final)
    chosen = there[np.unique(np.linspace(0, len(there) - 1, POINTS).round().astype(int))]
    points = {
        name: [(int(epochs[i]), run_folder.decimal(values[place, i])) for i in chosen if diverged or epochs[i] != final]
        for name, values in histories.items()
        if name.startswith(CURVES)
    }
    for name, value in lane.metrics.items():
        points[name] = [*points.get(name, []), (final, run_folder.decimal(value))]
    points["training/stopped"] = [(final, STOPPED.index(lane.facts["stopped"]))]
    network = f"{kept.PARTS}/{lane.facts['part']}.safetensors, lane {lane.facts['lane']}"
    tags = {"lane": str(place), "network": network, "stopped": lane.facts["stopped"]}
    if diverged:
        tags["last_finite_epoch"] = str(lane.facts["epochs"])
        finite = epochs <= lane.facts["epochs"]
        shown = {name: histories[name][place, finite] for name in ("train/loss", "gradient/norm")}
        tags["hint"] = divergence_hint(sweep.lane_config(lane), shown, finite.sum())
    return Child(
        member=lane.facts["member"],
        name=statistics.name(lane, sweep.keys),
        params={key: members.format_override(lane.settings.get(key)) for key in sweep.keys}
        or {"seed": lane.settings["seed"]},
        points=points,
        tags=tags,
        status="FAILED" if diverged else "FINISHED",
        started_ms=lane.facts["started"],
        ended_ms=lane.facts["ended"],
    )
