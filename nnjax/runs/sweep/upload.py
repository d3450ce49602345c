"""Record a sweep in its journal, which is opened with the first lanes and has the whole sweep at the end.

The sweep's folder is the source of truth. Recording again, after a kill or with more lanes, adds what the store lacks
and repeats nothing.
"""

import dataclasses
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from filelock import FileLock

from nnjax.config import lanes
from nnjax.config.schema import OBJECTIVES, Tracking
from nnjax.data.dataset import Dataset
from nnjax.errors import InputError
from nnjax.reporting import run_names, summary
from nnjax.runs import provenance
from nnjax.runs.run_logger import KILLED_PATIENCE, PATIENCE
from nnjax.runs.sweep import lane_runs, page, statistics, storage
from nnjax.runs.sweep.callback import Running
from nnjax.runs.sweep.summary import describe_sweep, write_summary
from nnjax.runs.sweep.sweep import Sweep
from nnjax.system import atomic, secrets
from nnjax.tracking import journal, store_uri
from nnjax.tracking.journal import Event, Status
from nnjax.tracking.upload import pack_array, read_state, store_of
from nnjax.tracking.uploads import UploadedJournal
from nnjax.training.metrics import decimal

MAX_CHILD_RUNS = 256  # lanes of a sweep that become child runs where lanes.record=auto
SHOWN = 10  # lanes in the description of the sweep's run
SUMMARY_LOCK = "summary.lock"
CHILDREN = "children.jsonl"  # in a sweep's folder: the lanes that become child runs
OLD_COMMAND = "command.json"  # in sweeps of version 0.1's first builds
Rows = Sequence[tuple[str, str]]


def open_journal(running: Running, dataset_name: str) -> None:
    """Open the sweep's journal and start its upload: once in each command, in the process that ends the sweep.

    Raises StoreError where there is no store to write to.
    """
    tracking = running.tracking
    if tracking.enabled and not running.uploads:  # a worker of a multirun
        store_uri.check_there(store_uri.store_uri(tracking.uri, running.start_folder))
    if running.journal is None and tracking.enabled and running.uploads:
        running.root.mkdir(parents=True, exist_ok=True)
        resumed = (running.root / journal.JOURNAL).exists()
        running.journal = UploadedJournal("sweep", running.root, running.start_folder, tracking.uri, resumed)
        source = {"mlflow.source.name": "nnjax.train", "sweep": running.root.name, "run_folder": str(running.root)}
        public_uri = store_uri.public(running.journal.store)
        running.journal.open(
            name=tracking.run_name or f"sweep {running.root.name}",
            experiment=tracking.experiment or dataset_name,
            tags={**source, **provenance.versions(), **provenance.git_tags(Path(__file__).parent), **tracking.tags},
            params={},
            dataset=None,
            sweep={
                "tracking": secrets.remove_passwords({**dataclasses.asdict(tracking), "uri": public_uri}),
                "record": running.record,
                "objective": running.objective,
            },
        )


def check(running: Running) -> None:
    """Keep the uploader alive; before anything is trained, raise the store's error if it is known to refuse."""
    if running.journal is not None:
        running.journal.check()


def finish(running: Running, status: Status) -> None:
    """Write the sweep's summary, record and print it, and wait for the upload; a line says what was not uploaded.

    status: how the command ended, which is the status of the sweep's run if nothing was trained. Raises InputError for
    a deleted experiment, after writing the summary.
    """
    started = time.perf_counter()
    groups = list(storage.parts(running.root)) if running.root.exists() else []
    if not groups:
        if running.journal is not None:
            running.journal.end(status, KILLED_PATIENCE)
        return
    sweep, patience = Sweep(running.root, groups, running.objective), PATIENCE
    open_journal(running, sweep.group.dataset["name"])
    with FileLock(running.root / SUMMARY_LOCK):
        rows: Rows = []
        if not is_recorded(sweep, running):
            histories, dataset = write_results(sweep, running)
            run_id = link = ""
            if running.journal is not None:
                patience = PATIENCE if running.journal.upload.wait(PATIENCE) else 0.0  # nobody waits for a store twice
                run_id, link = running.journal.upload.link()
            rows = write_summary_text(sweep, running, run_id, link)
            if running.journal is not None:
                record(running.journal.journal, sweep, histories, rows, dataset, running)
    end: Status = status if sweep.finished else "FAILED"
    digest = sweep.digest(running.record)
    uploaded = running.journal is None or running.journal.end(end, patience, digest=digest)
    done = "written and uploaded" if running.journal is not None and uploaded else "written"
    seconds = f"{done} in {time.perf_counter() - started:.1f}"
    print("\n" + (summary.panel([*rows, ("seconds", seconds)]) if rows else read_summary(sweep)))
    if running.journal is not None:
        if not uploaded:
            print(running.journal.not_uploaded(f"nothing taken for {PATIENCE:.0f} s"))
        running.journal.raise_mistake()


def is_recorded(sweep: Sweep, running: Running) -> bool:
    """Return whether the folder has a summary and the last digest in its journal is that of the sweep now."""
    digests = [event["digest"] for event in journal.read(sweep.root)[0] if "digest" in event]
    is_last = digests[-1:] == [sweep.digest(running.record)]
    return is_last and (sweep.folder / "summary.txt").exists()


def read_summary(sweep: Sweep) -> str:
    """Return the summary of a sweep to which nothing was added."""
    return (sweep.folder / "summary.txt").read_text().rstrip()


def interrupt(running: Running) -> None:
    """Mark the sweep's run as KILLED and wait briefly for the store; the next command or sync uploads the lanes."""
    if running.journal is None:
        return
    uploaded = running.journal.end("KILLED", KILLED_PATIENCE)
    trained = len(storage.unique_lanes([*storage.parts(running.root)]))
    if trained or not uploaded:
        print(running.journal.not_uploaded(f"interrupted when {trained} lane{'s' * (trained != 1)} were trained"))


def write_results(sweep: Sweep, running: Running) -> tuple[Mapping[str, Any], Dataset | None]:
    """Write the files of the summary; return the histories and the best lane's data."""
    histories = sweep.histories()
    return histories, write_summary(sweep, histories, running.tracking)


def write_summary_text(sweep: Sweep, running: Running, run_id: str, link: str) -> Rows:
    """Write the summary and the page of a sweep, whose run in the store has this id; return the summary's rows."""
    rows = describe_sweep(sweep, running.start_folder, run_id, link)
    with atomic.write_file(sweep.folder / "summary.txt") as file:
        file.write_text(summary.panel(rows) + "\n")
    if running.tracking.report:
        page.write(sweep, rows, run_id, running.start_folder, running.tracking)
    return rows


def record(
    sweep_journal: journal.RunJournal,
    sweep: Sweep,
    histories: Mapping[str, Any],
    rows: Rows,
    dataset: Dataset | None,
    running: Running,
) -> None:
    """Append settings, data, metrics, tags, the best lane's model, files and child runs to the sweep's journal."""
    tracking = running.tracking
    common = {key: str(value) for key, value in lanes.result_settings(sweep.config).items() if key not in sweep.keys}
    sweep_journal.append("settings", params=common, dataset=described(dataset))
    # The same time in every recording, so that recording twice adds nothing.
    latest = max(lane.facts["ended"] for lane in sweep.lanes)
    sweep_journal.append("metrics", points=[[name, 0, value] for name, value in metrics(sweep).items()], at=latest)
    sweep_journal.append("tags", tags=tags(sweep, rows, tracking))
    if tracking.model and dataset is not None:
        example, classes = pack_array(dataset.example_rows[:5]), [str(name) for name in dataset.classes]
        sweep_journal.append("model", file="summary/best/model.safetensors", example=example, classes=classes)
    sweep_journal.append("files")
    if becomes_child_runs(running.record, len(sweep.lanes)):
        with atomic.write_file(sweep.root / CHILDREN) as file, file.open("w") as lines:
            for child in lane_runs.children(sweep, histories):
                lines.write(json.dumps(child) + "\n")
        sweep_journal.append("children", file=CHILDREN)


def described(dataset: Dataset | None) -> Event | None:
    """Return the description of the data, None where they were not loaded."""
    if dataset is None:
        return None
    return {
        "name": run_names.shortened(dataset.display_name),
        "source": dataset.source,
        "digest": dataset.digest,
        "shapes": dataset.shapes,
    }


def metrics(sweep: Sweep) -> dict[str, float]:
    """Return the best lane's metrics by name, the spread of each over all lanes, and the sweep's totals."""
    best = sweep.lanes[sweep.order[0]].metrics if sweep.order else {}
    columns = {name: statistics.column(sweep.lanes, name) for name in statistics.metrics(sweep.lanes)}
    spreads = {
        f"{name}/{part}": value for name, column in columns.items() for part, value in statistics.spread(column).items()
    }
    return {
        **{name: decimal(name, value) for name, value in {**best, **spreads}.items()},
        "sweep/lanes": float(len(sweep.lanes)),
        "sweep/diverged": float(len(sweep.lanes) - len(sweep.finished)),
        "sweep/compiles": float(sum(group.group.compiles for group in sweep.parts)),
        "time/compile_seconds": sum(group.group.compile_seconds for group in sweep.parts),
        "time/train_seconds": sum(group.group.train_seconds for group in sweep.parts),
    }


def tags(sweep: Sweep, rows: Rows, tracking: Tracking) -> dict[str, str]:
    """Return the tags of the sweep's run: its name, its description, what was swept and which lane is best."""
    ranked = [
        (f"rank {rank}", statistics.name(sweep.lanes[lane], sweep.keys))
        for rank, lane in enumerate(sweep.order[:SHOWN], 1)
    ]
    metrics_row = (
        "metrics",
        f"those of the best lane by {sweep.objective}; /mean, /std, /min and /max are of all lanes",
    )
    return {
        "mlflow.runName": tracking.run_name or sweep.title,
        "mlflow.note.content": summary.markdown(sweep.title, [*rows[1:], metrics_row, *ranked]),
        "swept": ", ".join(sweep.keys),
        "lanes": str(len(sweep.lanes)),
        "best": sweep.lanes[sweep.order[0]].facts["member"] if sweep.order else "",
    }


def becomes_child_runs(record: str, lanes: int) -> bool:
    """Return whether so many lanes become child runs, beside the table."""
    return record == "runs" or (record == "auto" and lanes <= MAX_CHILD_RUNS)


def of_journal(root: Path, opened: Event, uri: str | None) -> Running:
    """Return the sweep of a command that is gone, from its journal's opening; uri: its store, if it is another now."""
    recorded = opened["sweep"]
    if recorded["objective"] not in (None, *OBJECTIVES):
        raise InputError(
            f"{root / journal.JOURNAL} is damaged: there is no objective {recorded['objective']!r}", OBJECTIVES
        )
    tracking = Tracking(**{**recorded["tracking"], "uri": uri or store_uri.known_as(recorded["tracking"]["uri"])})
    return Running(root, Path(opened["start_folder"]), tracking, recorded["record"], recorded["objective"])


def complete_journal(root: Path, uri: str | None) -> None:
    """Record a sweep in its journal if its command ended before it did so."""
    events, _ = journal.read(root)
    opened = journal.opening(events)
    groups = list(storage.parts(root))
    if opened is None or not groups:
        return
    running = of_journal(root, opened, uri)
    sweep = Sweep(root, groups, running.objective)
    with FileLock(root / SUMMARY_LOCK):
        if is_recorded(sweep, running):
            return
        status = events[-1]["status"] if journal.ended(events) else "KILLED"
        state = read_state(root, store_of(root, uri))
        histories, dataset = write_results(sweep, running)
        rows = write_summary_text(sweep, running, state["run"], state["link"])
        with closing(journal.RunJournal(root, resumed=True)) as sweep_journal:
            record(sweep_journal, sweep, histories, rows, dataset, running)
            sweep_journal.append("end", status=status, digest=sweep.digest(running.record))


def check_not_old(root: Path) -> None:
    """Raise InputError for a sweep that an older build wrote, which has no journal."""
    if (root / OLD_COMMAND).is_file() and not (root / journal.JOURNAL).is_file():
        allowed = "nnjax sync of that build, or the sweep's own command again"
        raise InputError(f"{root} was written by an older build of nnjax", allowed)
