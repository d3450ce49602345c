"""A sweep's folder delivered: summary and figures beside its parts, then the parent run and its lanes in MLflow.

The folder is the truth. Delivering again, after a kill or with more lanes, completes what is there, nothing twice.
"""

import csv
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from nnjax import assembly, members, pipeline, predictor, results
from nnjax import config as schema
from nnjax.config import Config, Tracking
from nnjax.data.dataset import Dataset
from nnjax.results import Outcome
from nnjax.sweep import analysis
from nnjax.sweep import folder as kept
from nnjax.sweep.folder import DIVERGED, FINISHED, Lane, Part
from nnjax.sweep.parent import open_parent
from nnjax.sweep.recording import ChildRuns, Order
from nnjax.tracking import describe
from nnjax.training import batches

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnjax.tracking.store import Child, Run

MOST_RUNS = 256  # lanes of a sweep that become child runs
CURVES = ("train/", "validation/")  # of a child run; the norms are in the table and in histories.npz
POINTS = 9  # of a metric of a child run, and the final one
SHOWN = 10  # lanes in the parent's description


class Sweep:
    """A sweep as its folder has it."""

    def __init__(self, root: Path, parts: Sequence[Part]) -> None:
        self.root, self.parts, self.lanes = root, parts, kept.latest(parts)
        self.group = parts[-1].group
        self.config = schema.record(self.group.config)
        self.keys = analysis.swept(self.lanes)
        self.finished = [lane for lane in self.lanes if lane.facts["status"] == FINISHED]
        validated = any(metric.startswith("validation/") for lane in self.finished for metric in lane.metrics)
        self.objective = self.config.objective or ("validation/loss" if validated else "train/loss")
        self.order = analysis.ranked(self.lanes, self.objective)

    @property
    def folder(self) -> Path:
        """Where the summary goes."""
        return self.root / "summary"

    @property
    def title(self) -> str:
        """`3,840 lanes of hidden, learning_rate, seed, mlp boolean`."""
        over = ", ".join(analysis.short(self.keys).values())
        what = f"{self.config.model.name} {self.group.dataset['name']}"
        return f"{len(self.lanes):,} lanes{f' of {over}' if over else ''}, {what}"

    def column(self, key: str) -> list[Any]:
        """A setting of all lanes."""
        return [lane.settings.get(key) for lane in self.lanes]

    def best(self) -> Config | None:
        """The configuration of the best lane, None if all diverged."""
        return self.lane_config(self.lanes[self.order[0]]) if self.order else None

    def lane_config(self, lane: Lane) -> Config:
        """The configuration of a lane: its job's, with its own values."""
        (part,) = [part for part in self.parts if part.path.name == lane.facts["part"]]
        base = schema.record(part.group.config)
        mine = members.settings(base)
        return members.with_values(base, {key: lane.settings[key] for key in schema.lane_keys() if key in mine})

    def histories(self) -> dict[str, np.ndarray]:
        """`epoch` (k,) and metrics (lanes, k), nan where a part has other epochs; lanes in the table's order."""
        files = {part.path.name: dict(np.load(kept.histories(part.path))) for part in self.parts}
        epochs = np.unique(np.concatenate([file["epoch"] for file in files.values()]))
        names = dict.fromkeys(name for file in files.values() for name in file if name != "epoch")
        found = {name: np.full((len(self.lanes), len(epochs)), np.nan, np.float32) for name in names}
        places = {part: np.searchsorted(epochs, file["epoch"]) for part, file in files.items()}
        for i, lane in enumerate(self.lanes):
            part = lane.facts["part"]
            for name, values in files[part].items():
                if name != "epoch":
                    found[name][i, places[part]] = values[lane.facts["lane"]]
        return {"epoch": epochs, **found}


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
        rows = describe_sweep(sweep, parent, start_folder)
        (sweep.folder / "summary.txt").write_text(describe.panel(rows) + "\n")
        if parent is not None:
            record_parent(parent, sweep, rows, dataset, tracking)
    print(f"\n{describe.panel([*rows, ('seconds', f'delivered in {time.perf_counter() - started:.1f}')])}")


def are_runs(config: Config, lanes: int) -> bool:
    """Whether so many lanes become child runs, beside the table."""
    record = config.lanes.record
    return record == "runs" or (record == "auto" and lanes <= MOST_RUNS)


def write_summary(sweep: Sweep, histories: Mapping[str, np.ndarray], tracking: Tracking) -> Dataset | None:
    """Table, histories, leaderboard, figures, and the best lane's network and figures; returns its data."""
    kept.write_table(sweep.folder / "lanes.parquet", sweep.lanes, {})
    np.savez_compressed(sweep.folder / "histories.npz", **histories)  # type: ignore[arg-type]
    rows = analysis.table(sweep.lanes, sweep.keys, sweep.objective)
    with (sweep.folder / "leaderboard.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    if tracking.figures:
        (sweep.folder / "figures").mkdir(exist_ok=True)
        for name, figure in figures(sweep, histories):
            figure.savefig(sweep.folder / "figures" / f"{name}.png", pil_kwargs={"compress_level": 1})
    config = sweep.best()
    if config is None or not (tracking.figures or tracking.model):
        return None
    dataset = pipeline.load(config)
    best = sweep.folder / "best"
    best.mkdir(exist_ok=True)
    outcome = outcome_of(sweep, sweep.order[0], histories, dataset)
    results.write_network(best, config, dataset, outcome)
    results.write_figures(best, config, dataset, outcome)
    return dataset


def figures(sweep: Sweep, histories: Mapping[str, np.ndarray]) -> Iterator[tuple[str, "Figure"]]:
    """Bands over the epochs, a map over two swept settings, the leaderboard."""
    from nnjax.figures import bands, heat_map, leaderboard

    curves = {name: values for name, values in histories.items() if name != "epoch"}
    yield "bands", bands.bands(histories["epoch"], curves, sweep.config.loss.name, groups(sweep))
    binary = sweep.group.dataset["task"] == "binary"
    metric = sweep.objective.replace("loss", "accuracy")
    values = analysis.learnt(sweep.lanes) if binary else analysis.column(sweep.lanes, metric)
    chosen = analysis.axes(sweep.lanes, sweep.keys, values)
    if chosen:
        row, column = chosen
        words = {key: word.replace("_", " ") for key, word in analysis.short(sweep.keys).items()}
        cells = heat_map.pivot(sweep.column(row), sweep.column(column), values)
        what = "share of starts that learn all rows" if binary else f"mean of {metric}"
        yield "heat_map", heat_map.heat_map(*cells, sweep.title, words[row], words[column], what)
    board = [sweep.objective, *(each for each in analysis.metrics(sweep.lanes) if each != sweep.objective)]
    named = [analysis.name(lane, sweep.keys) for lane in sweep.lanes]
    columns = {metric: analysis.column(sweep.lanes, metric) for metric in board if not metric.endswith("/norm")}
    yield "leaderboard", leaderboard.leaderboard(named, columns, analysis.rising(sweep.objective))


def groups(sweep: Sweep) -> list[str] | None:
    """For each lane the value of the setting that explains most of the objective, if one was swept beside seeds."""
    values = analysis.column(sweep.lanes, sweep.objective)
    keys = [key for key in sweep.keys if key not in analysis.REPEATS]
    if not keys:
        return None
    key = max(keys, key=lambda key: analysis.explained(sweep.column(key), values))
    word = analysis.short(sweep.keys)[key]
    return [f"{word}={analysis.text(value)}" for value in sweep.column(key)]


def outcome_of(sweep: Sweep, place: int, histories: Mapping[str, np.ndarray], dataset: Dataset) -> Outcome:
    """A lane as one network's outcome: what its figures and its model are made of."""
    lane = sweep.lanes[place]
    (path,) = [part.path for part in sweep.parts if part.path.name == lane.facts["part"]]
    network = predictor.Predictor.load(kept.networks(path), lane.facts["lane"])
    config, epochs = sweep.lane_config(lane), lane.facts["epochs"]
    history = {name: np.full(epochs + 1, np.nan) for name in histories if name != "epoch"}
    there = histories["epoch"] <= epochs
    for name, values in history.items():
        values[histories["epoch"][there]] = histories[name][place, there]
    return Outcome(
        params=tuple(network.params),
        history=history,
        test={name: value for name, value in lane.metrics.items() if name.startswith("test/")},
        stopped=lane.facts["stopped"],
        epochs=epochs,
        best_epoch=lane.facts["kept_epoch"] if config.training.keep == "best" else None,
        kept_epoch=lane.facts["kept_epoch"],
        updates=epochs * batches.count(len(dataset.train.y), assembly.batch_size(config, len(dataset.train.y))),
        examples_per_second=sweep.group.examples_per_second,
    )


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


def describe_sweep(sweep: Sweep, parent: "Run | None", start_folder: Path) -> list[tuple[str, str]]:
    """The summary, a name and a text each."""
    diverged = len(sweep.lanes) - len(sweep.finished)
    names = [name for name in analysis.metrics(sweep.lanes) if not name.endswith("/norm")]
    spreads = {name: analysis.spread(analysis.column(sweep.lanes, name)) for name in names}
    compiles = sum(part.group.compiles for part in sweep.parts)
    best = sweep.lanes[sweep.order[0]] if sweep.order else None
    learnt = ""
    if sweep.group.dataset["task"] == "binary":
        learnt = f"{analysis.learnt(sweep.lanes).mean():.1%} of the lanes answer every row right"
    return [
        ("sweep", sweep.title),
        ("data", sweep.group.dataset["described"]),
        ("lanes", f"{len(sweep.finished):,} finished, {diverged:,} diverged"),
        *((name, "{mean:.4g} +- {std:.2g} ({min:.4g} to {max:.4g})".format(**each)) for name, each in spreads.items()),
        ("learnt", learnt),
        (
            "best",
            ""
            if best is None
            else f"{analysis.name(best, sweep.keys)}: {sweep.objective} {best.metrics[sweep.objective]:.4g}",
        ),
        ("programs", f"{compiles} compiled for {len(sweep.parts)} groups of lanes"),
        ("run id", parent.id if parent else ""),
        ("folder", os.path.relpath(sweep.folder, start_folder)),
        ("look", parent.url_hint if parent else ""),
    ]


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
