"""A sweep's folder delivered: its summary beside its parts, then the parent run and its lanes in MLflow.

The folder is the truth. Delivering again, after a kill or with more lanes, completes what is there, nothing twice.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from nnjax import members
from nnjax.config import Config, Tracking
from nnjax.data.dataset import Dataset
from nnjax.sweep import analysis
from nnjax.sweep import folder as kept
from nnjax.sweep.folder import DIVERGED
from nnjax.sweep.parent import open_parent
from nnjax.sweep.recording import ChildRuns, Order
from nnjax.sweep.summary import describe_sweep, write_summary
from nnjax.sweep.whole import Sweep
from nnjax.tracking import describe

if TYPE_CHECKING:
    from nnjax.tracking.store import Child, Run

MOST_RUNS = 256  # lanes of a sweep that become child runs
CURVES = ("train/", "validation/")  # of a child run; the norms are in the table and in histories.npz
POINTS = 9  # of a metric of a child run, and the final one
SHOWN = 10  # lanes in the parent's description


def deliver(root: Path, tracking: Tracking, start_folder: Path, ready: ChildRuns | None = None) -> None:
    """Writes the summary, records it in MLflow and prints it; nothing where no lane was trained.

    ready: the process for child runs, if somebody who knew how many there will be has started it.

    Raises:
        InputError: the store can't be reached or written; the summary is there all the same.
    """
    parts = list(kept.parts(root))
    if not parts:
        return
    started = time.perf_counter()
    sweep = Sweep(root, parts)
    sweep.folder.mkdir(exist_ok=True)
    as_runs = are_runs(sweep.config, len(sweep.lanes)) and tracking.enabled
    with FileLock(root / "delivery.lock"), (ready or ChildRuns()) if as_runs else nullcontext() as writer:
        parent = open_parent(tracking, tracking.experiment or sweep.group.dataset["name"], root, start_folder)
        if writer is not None and parent is not None:
            writer.write(Order(str(root), str(start_folder), tracking.uri, parent.id))
        dataset = write_summary(sweep, sweep.histories(), tracking)
        if writer is not None:
            writer.wait()
        rows = describe_sweep(sweep, start_folder, *((parent.id, parent.url_hint) if parent else ("", "")))
        (sweep.folder / "summary.txt").write_text(describe.panel(rows) + "\n")
        if parent is not None:
            record_parent(parent, sweep, rows, dataset, tracking)
    print(f"\n{describe.panel([*rows, ('seconds', f'delivered in {time.perf_counter() - started:.1f}')])}")


def are_runs(config: Config, lanes: int) -> bool:
    """Whether so many lanes become child runs, beside the table."""
    record = config.lanes.record
    return record == "runs" or (record == "auto" and lanes <= MOST_RUNS)


def children(sweep: Sweep) -> Iterator["Child"]:
    """What is recorded of each lane."""
    histories = sweep.histories()
    return (child(sweep, place, histories) for place in range(len(sweep.lanes)))


def child(sweep: Sweep, place: int, histories: Mapping[str, np.ndarray]) -> "Child":
    """What is recorded of one lane."""
    from nnjax.tracking.store import Child

    lane = sweep.lanes[place]
    diverged = lane.facts["status"] == DIVERGED
    epochs = histories["epoch"]
    there = np.flatnonzero(epochs <= lane.facts["epochs"])
    chosen = there[np.unique(np.linspace(0, len(there) - 1, POINTS).round().astype(int))]
    points = {
        name: [(int(epochs[i]), float(values[place, i])) for i in chosen if epochs[i] != lane.facts["kept_epoch"]]
        for name, values in histories.items()
        if name.startswith(CURVES)
    }
    for name, value in lane.metrics.items():
        points[name] = [*points.get(name, []), (lane.facts["kept_epoch"], value)]
    tags = {"lane": str(place), "part": lane.facts["part"], "stopped": lane.facts["stopped"]}
    if diverged:
        tags["last_finite_epoch"] = str(lane.facts["epochs"])
    return Child(
        member=lane.facts["member"],
        name=analysis.name(lane, sweep.keys),
        params={key: analysis.text(lane.settings.get(key)) for key in sweep.keys} or {"seed": lane.settings["seed"]},
        points=points,
        tags=tags,
        status="FAILED" if diverged else "FINISHED",
        started_ms=lane.facts["started"],
        ended_ms=lane.facts["ended"],
    )


def record_parent(
    parent: "Run", sweep: Sweep, rows: Sequence[tuple[str, str]], dataset: Dataset | None, tracking: Tracking
) -> None:
    """Settings, spreads, files and the best lane's model; the run's end."""
    common = {key: value for key, value in members.settings(sweep.config).items() if key not in sweep.keys}
    parent.log_params(parent.missing_params(common))
    values: dict[str, float] = {}
    for metric in analysis.metrics(sweep.lanes):
        values |= {f"{metric}/{part}": x for part, x in analysis.spread(analysis.column(sweep.lanes, metric)).items()}
    values |= {
        "sweep/lanes": len(sweep.lanes),
        "sweep/diverged": len(sweep.lanes) - len(sweep.finished),
        "sweep/compiles": sum(part.group.compiles for part in sweep.parts),
        "time/compile_seconds": sum(part.group.compile_seconds for part in sweep.parts),
        "time/train_seconds": sum(part.group.train_seconds for part in sweep.parts),
    }
    latest = max(lane.facts["ended"] for lane in sweep.lanes)  # the same again, so that a second delivery adds nothing
    parent.log_metrics({name: [(0, value)] for name, value in values.items()}, latest)
    parent.log_files(sweep.folder)
    if tracking.model:
        parent.log_files(sweep.root / kept.PARTS, kept.PARTS)
    best = sweep.folder / "best" / "model.safetensors"
    if tracking.model and dataset is not None:
        from nnjax.tracking.model import log_model

        log_model(parent, best, dataset.test.x, dataset.classes)
    top = [
        ("rank " + str(rank), analysis.name(sweep.lanes[i], sweep.keys))
        for rank, i in enumerate(sweep.order[:SHOWN], 1)
    ]
    parent.set_tags(
        {
            "mlflow.runName": tracking.run_name or sweep.title,
            "mlflow.note.content": describe.markdown(sweep.title, [*rows[1:], *top]),
            "swept": ", ".join(sweep.keys),
            "lanes": len(sweep.lanes),
        }
    )
    parent.finish("FINISHED")
