"""What MLflow records of each lane of a sweep: the name, settings, points and tags of its child run."""

from collections.abc import Iterator, Mapping

import numpy as np

from nnjax.config import lanes
from nnjax.runs.divergence import divergence_hint
from nnjax.runs.sweep import statistics, storage
from nnjax.runs.sweep.storage import DIVERGED
from nnjax.runs.sweep.sweep import Sweep
from nnjax.tracking.journal import Event
from nnjax.training.metrics import decimal
from nnjax.training.train_state import STOPPED

CURVES = ("train/", "validation/")  # of a child run; the norms are in the table and in histories.npz
POINTS = 9  # of a metric of a child run, and the final one


def children(sweep: Sweep, histories: Mapping[str, np.ndarray]) -> Iterator[Event]:
    """Yield what is recorded of each lane, as `journal.read_children` reads it."""
    return (child(sweep, place, histories) for place in range(len(sweep.lanes)))


def child(sweep: Sweep, place: int, histories: Mapping[str, np.ndarray]) -> Event:
    """Return what is recorded of one lane; place: its row in the sweep's table."""
    lane = sweep.lanes[place]
    diverged, epochs = lane.facts["status"] == DIVERGED, histories["epoch"]
    final = lane.facts["kept_epoch"]  # what is after it isn't of the network that was kept
    rows = np.flatnonzero(epochs <= final)
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, POINTS).round().astype(int))]
    curves = {name: values[place] for name, values in histories.items() if name.startswith(CURVES)}
    points = {
        name: [
            [int(epochs[row]), decimal(name, values[row])]
            for row in rows
            if np.isfinite(values[row]) and (diverged or epochs[row] != final)
        ]
        for name, values in curves.items()
    }
    for name, value in lane.metrics.items():
        points[name] = [*points.get(name, []), [final, decimal(name, value)]]
    points["training/stopped"] = [[final, STOPPED.index(lane.facts["stopped"])]]
    network = f"{storage.PARTS}/{lane.facts['part']}.safetensors, lane {lane.facts['lane']}"
    tags = {"lane": str(place), "network": network, "stopped": lane.facts["stopped"]}
    if diverged:
        tags["last_finite_epoch"] = str(lane.facts["epochs"])
        finite = epochs <= lane.facts["epochs"]
        before = {name: histories[name][place, finite] for name in ("train/loss", "gradient/norm")}
        tags["hint"] = divergence_hint(sweep.lane_config(lane), before, finite.sum())
    keys = sweep.keys or ["seed"]
    return {
        "member": lane.facts["member"],
        "name": statistics.name(lane, sweep.keys),
        "params": {key: lanes.format_override(lane.settings.get(key)) for key in keys},
        "points": points,
        "tags": tags,
        "status": "FAILED" if diverged else "FINISHED",
        "started": lane.facts["started"],
        "ended": lane.facts["ended"],
    }
