"""A sweep's folder delivered: its summary beside its parts, then the parent run and its lanes in MLflow.

The folder is the truth. Delivering again, after a kill or with more lanes, completes what is there, nothing twice.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING

from filelock import FileLock

from nnjax.config import lanes as members
from nnjax.config.schema import Tracking
from nnjax.data.dataset import Dataset
from nnjax.errors import InputError, StoreError
from nnjax.reporting import run_names, summary
from nnjax.runs.sweep import command, page, statistics
from nnjax.runs.sweep import storage as kept
from nnjax.runs.sweep.callback import Running
from nnjax.runs.sweep.child_runs import ChildRuns, Order
from nnjax.runs.sweep.parent_run import KILLED_PATIENCE, open_parent
from nnjax.runs.sweep.summary import describe_sweep, write_summary
from nnjax.runs.sweep.sweep import Sweep
from nnjax.system import atomic, secrets
from nnjax.tracking import journal
from nnjax.tracking import undelivered as not_all

if TYPE_CHECKING:
    from nnjax.tracking.mlflow_client import Run

MOST_RUNS = 256  # lanes of a sweep that become child runs
SHOWN = 10  # lanes in the parent's description
DELIVERED = "delivered"  # tag of a parent: what it holds


def deliver(running: Running, status: journal.Status) -> None:
    """Writes the summary, records it in MLflow and prints it; what the store doesn't take is said in a line.

    Args:
        running: the sweep, and how this command wants it recorded.
        status: FINISHED, FAILED or KILLED: how the command ended. Where nothing was trained, the parent ends so.

    Raises:
        InputError: the experiment is a deleted one; the summary is there all the same.
    """
    root, tracking, started = running.root, running.tracking, time.perf_counter()
    if not root.exists():
        return
    with FileLock(root / "delivery.lock"), running.writer or nullcontext():
        command.update(root, status=status)
        parts = list(kept.parts(root))
        if not parts:
            with suppress(StoreError):  # nothing was trained, and why has been said
                end(running, status)
                command.delivered(running, command.NOTHING)
            return
        sweep = Sweep(root, parts, running.objective)
        parent, problem = open_or_explain(running, sweep)
        digest = sweep.digest(running.record)
        if parent is not None and sweep.folder.exists() and has(parent, digest):
            parent.finish("FINISHED" if sweep.finished else "FAILED")
            command.delivered(running, digest, status=status)
            print("\n" + (sweep.folder / "summary.txt").read_text().rstrip())
            return
        with ready(running, len(sweep.lanes)) as writer:
            if writer is not None and parent is not None:
                writer.write(Order(str(root), str(running.start_folder), tracking.uri, parent.id))
            dataset = write_summary(sweep, sweep.histories(), tracking)
            where = (parent.id, parent.url_hint) if parent else ("", "")
            rows = describe_sweep(sweep, running.start_folder, *where)
            with atomic.write_file(sweep.folder / "summary.txt") as file:
                file.write_text(summary.panel(rows) + "\n")
            if tracking.report:
                page.write(sweep, rows, where[0], running.start_folder, tracking)
            if parent is not None:
                try:
                    record_parent(parent, sweep, rows, dataset, tracking)
                    if writer is not None:
                        writer.wait()
                    parent.set_tags({DELIVERED: digest} if status == "FINISHED" else {})
                    parent.finish(status if sweep.finished else "FAILED")
                    command.delivered(running, digest, status=status)
                except InputError as error:
                    problem = error
    print(f"\n{summary.panel([*rows, ('seconds', f'delivered in {time.perf_counter() - started:.1f}')])}")
    if isinstance(problem, StoreError):
        print(undelivered(running, problem.reason))
    elif problem is not None:
        raise problem


def has(parent: "Run", digest: str) -> bool:
    """Whether a parent holds all of this."""
    try:
        return parent.tags().get(DELIVERED) == digest
    except StoreError:
        return False


def undelivered(running: Running, reason: str) -> str:
    """What is to be known and done where the store hasn't got all of a sweep."""
    start_folder, reason = running.start_folder, secrets.remove_password(reason)
    return not_all.line("sweep", running.root, start_folder, command.store_of(running), reason)


def interrupt(running: Running) -> None:
    """Ends the parent as KILLED, if the store takes that at once; the lanes wait for the next command, or the sync."""
    if running.writer is not None:
        with running.writer:
            pass
    if not running.root.exists():
        return
    command.update(running.root, status="KILLED")
    ending = threading.Thread(target=try_to_end, args=(running,), name="mlflow", daemon=True)
    ending.start()
    ending.join(KILLED_PATIENCE)
    lanes = len(kept.unique_lanes([*kept.parts(running.root)]))
    if running.tracking.enabled and (lanes or ending.is_alive()):
        trained = f"{lanes} lane{'s' * (lanes != 1)} were trained"
        print(undelivered(running, f"interrupted when {trained}"))


def try_to_end(running: Running) -> None:
    """Ends the parent as KILLED, or leaves it to the sync."""
    with suppress(InputError):
        end(running, "KILLED")


def open_or_explain(running: Running, sweep: Sweep) -> "tuple[Run | None, InputError | None]":
    """The parent, or why there is none to be had; neither if tracking is off."""
    experiment = running.tracking.experiment or sweep.group.dataset["name"]
    try:
        return open_parent(running.tracking, experiment, running.root, running.start_folder), None
    except InputError as problem:
        return None, problem


def end(running: Running, status: journal.Status) -> None:
    """Ends the parent of a sweep that came to nothing, if one was opened."""
    if running.tracking.enabled:
        from nnjax.tracking import mlflow_client

        parent = mlflow_client.find_parent(running.tracking.uri, running.root, running.start_folder)
        if parent is not None:
            parent.finish(status)


def ready(running: Running, lanes: int) -> "ChildRuns | nullcontext[None]":
    """The process for child runs, if there are to be any: the one that was started early, unless it has died since."""
    if not are_runs(running, lanes):
        return nullcontext()
    return running.writer if running.writer is not None and running.writer.alive else ChildRuns()


def are_runs(running: Running, lanes: int) -> bool:
    """Whether so many lanes become child runs, beside the table."""
    few = running.record == "runs" or (running.record == "auto" and lanes <= MOST_RUNS)
    return bool(running.tracking.enabled and few)


def record_parent(
    parent: "Run", sweep: Sweep, rows: Sequence[tuple[str, str]], dataset: Dataset | None, tracking: Tracking
) -> None:
    """Settings, data, spreads, files and the best lane's model."""
    common = {key: value for key, value in members.result_settings(sweep.config).items() if key not in sweep.keys}
    parent.log_params(parent.missing_params(common))
    if dataset is not None:
        parent.log_dataset(run_names.shortened(dataset.display_name), dataset.source, dataset.digest, dataset.shapes)
    values: dict[str, float] = {}
    for metric in statistics.metrics(sweep.lanes):
        values |= {
            f"{metric}/{part}": x for part, x in statistics.spread(statistics.column(sweep.lanes, metric)).items()
        }
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
    best = sweep.lanes[sweep.order[0]].facts["member"] if sweep.order else None
    if tracking.model:
        for part in sweep.parts:
            parent.log_file(kept.networks(part.path), kept.PARTS)
    if tracking.model and dataset is not None and parent.tags().get("best") != best:
        from nnjax.tracking.mlflow_model import log_model

        log_model(parent, sweep.folder / "best" / "model.safetensors", dataset.example_rows, dataset.classes)
    top = [
        ("rank " + str(rank), statistics.name(sweep.lanes[i], sweep.keys))
        for rank, i in enumerate(sweep.order[:SHOWN], 1)
    ]
    parent.set_tags(
        {
            "mlflow.runName": tracking.run_name or sweep.title,
            "mlflow.note.content": summary.markdown(sweep.title, [*rows[1:], *top]),
            "swept": ", ".join(sweep.keys),
            "lanes": len(sweep.lanes),
            "best": best or "",
        }
    )
