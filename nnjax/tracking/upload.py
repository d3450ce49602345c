"""Upload to the store the events of a journal that it does not have yet, each once.

This alone writes to the store: while a run is trained, after a kill, and days later. upload.json says how far it got.
If the process ends during an upload, the next one sends the same data again. That is harmless: MLflow keeps one copy of
a point, tag or parameter that it gets twice.
"""

import base64
import hashlib
import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from nnjax.errors import InputError, StoreError
from nnjax.system import atomic, processes
from nnjax.tracking import journal, kinds, not_uploaded, store_uri
from nnjax.tracking.journal import JOURNAL, Event

if TYPE_CHECKING:
    from nnjax.tracking.mlflow_client import Run

STATE, LOCK = "upload.json", "upload.lock"  # in the folder; who uploads it holds the lock
OLD_STATE, OLD_LOCK = "delivered.json", "delivery.lock"  # of version 0.1's first builds
OWN_FILES = (JOURNAL, STATE, OLD_STATE, LOCK, OLD_LOCK, journal.LOCK)  # which are about the upload itself
LEFT_HERE = "checkpoints"  # a folder that is not uploaded
LANES = "lanes"  # a folder of a sweep, and of its artifacts: the networks of each group of lanes, and their table
NO_FAILURE = {"problem": "", "busy": False, "wrong": "", "mistake": False}
KINDS = {
    "uri": kinds.text,
    "run": kinds.text,
    "offset": lambda value: kinds.whole(value) and value >= 0,
    "files": kinds.table_of(kinds.list_of(kinds.whole)),
    "model": kinds.text,
}


class Uploader:
    """Uploads one folder, of a run or of a sweep, to its store.

    Args:
        folder: with a journal.
        uri: the store; None: the one that the journal names, whose password only MLFLOW_TRACKING_URI has.
        fresh: the journal has just begun, so that no store knows the run.

    Attributes:
        state: what upload.json says. offset: bytes of the journal that are uploaded. files: uploaded file -> its size
            and time. model: digest of the uploaded model. link: how to look at the run. problem, busy: why the last try
            failed, and whether waiting can help. wrong: an error that no later try can mend. time: of this writing.
        progressed: when (time.monotonic()) the store last took something new.

    Raises InputError for a journal that no run has written, or that names no store.
    """

    def __init__(self, folder: Path, uri: str | None = None, fresh: bool = False) -> None:
        self.folder, self.fresh, self.store = folder, fresh, store_of(folder, uri)
        self.state = read_state(folder, self.store)
        self.run: Run | None = None
        self.steps: set[tuple[int, str]] = set()  # at which offset the store took what
        self.lock = FileLock(folder / LOCK)
        self.progressed = time.monotonic()

    @property
    def offset(self) -> int:
        """Return how many bytes of the journal are uploaded."""
        return int(self.state["offset"])

    def upload(self) -> int:
        """Upload what is new in the journal; return how many events that were.

        Raises StoreError for a store that can't be reached or written, InputError for a deleted experiment.
        """
        if self.offset >= journal.size(self.folder):
            return 0
        run = self.run = self.run or self.find_or_create_run()
        self.took("run")
        events, offset = journal.read(self.folder, self.offset)
        for event in events:
            if event["event"] in ("open", "settings"):
                self.upload_settings(run, event)
        points = [(*point, event.get("at", event["time"])) for event in events for point in event.get("points", ())]
        if points:
            run.log_points(points)
            self.took("points")
        if tags := {key: text for event in events for key, text in event.get("tags", {}).items()}:
            run.set_tags(tags)
            self.took("tags")
        for event in events:
            if event["event"] == "model":
                self.upload_model(run, event)
        end = events[-1] if journal.ended(events) else None
        if end and end["status"] == "KILLED":  # there may be no time for files
            run.finish(end["status"], end["time"])
        if any(event["event"] in ("files", "end") for event in events):
            self.upload_files(run)
        for event in events:
            if event["event"] == "children":
                self.upload_children(run, event)
        if end and end["status"] != "KILLED":
            run.finish(end["status"], end["time"])
        self.save_state(offset=offset, **NO_FAILURE)
        if end:
            not_uploaded.remove(Path(opening(self.folder)["start_folder"]), self.folder)
        return len(events)

    def find_or_create_run(self) -> "Run":
        """Return the run in the store: the one in upload.json, one whose id nobody could write down, or a new one."""
        from nnjax.tracking import mlflow_client

        opened, fresh, self.fresh = opening(self.folder), self.fresh, False
        start_folder = opened["start_folder"]
        run = None if fresh else mlflow_client.find_record(self.store, opened["id"], start_folder)
        if run is None and "sweep" in opened:  # of a sweep whose first lanes an older build trained
            run = mlflow_client.find_parent(self.store, opened["tags"][mlflow_client.ROOT], start_folder)
        if run is None:
            tags = {**opened["tags"], mlflow_client.RECORD: opened["id"]}
            started = opened["time"]
            run = mlflow_client.open_run(self.store, opened["experiment"], opened["name"], tags, start_folder, started)
        if run.id != self.state["run"]:  # a store that has lost the run has nothing
            self.save_state(**{**nothing(), "run": run.id, "link": run.url_hint})
        elif run.url_hint != self.state["link"]:
            self.save_state(link=run.url_hint)
        return run

    def upload_settings(self, run: "Run", opened: Event) -> None:
        """Upload parameters and the description of the data."""
        run.log_params(run.missing_params(opened["params"]))
        if data := opened["dataset"]:
            run.log_dataset(data["name"], data["source"], data["digest"], data["shapes"])
        self.took("settings")

    def upload_model(self, run: "Run", event: Event) -> None:
        """Upload the network as an MLflow model, once."""
        file = self.folder / event["file"]
        if not file.is_file() or file.is_symlink():
            return
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        if digest != self.state["model"]:
            from nnjax.tracking.mlflow_model import log_model

            try:
                for part in log_model(run, file, unpack_array(event["example"]), event["classes"], digest):
                    self.took(f"model {part}")
            except InputError:
                raise
            except (TypeError, ValueError) as error:
                raise InputError(f"{file}: no model can be made of it: {error}") from None
            self.save_state(model=digest)

    def upload_files(self, run: "Run") -> None:
        """Upload the folder's files that have changed since they were uploaded."""
        for path, artifact in self.files():
            try:
                facts = path.stat()
            except FileNotFoundError:  # since it was listed
                continue
            name, version = str(path.relative_to(self.folder)), [facts.st_size, facts.st_mtime_ns]
            if self.state["files"].get(name) != version:
                run.log_file(path, None if artifact.parent == Path() else str(artifact.parent))
                self.state["files"][name] = version
                self.took(f"file {name}")

    def files(self) -> Iterator[tuple[Path, Path]]:
        """Yield the files to upload, and where they go; neither those about the upload, nor links, half or hidden ones.

        Hidden folders such as .hydra/ have what was typed, passwords too. The files of a sweep are those of its
        summary, which go to the top, and the networks of its lanes.
        """
        sweep = opening(self.folder).get("sweep")
        root = self.folder / "summary" if sweep else self.folder
        paths = [(path, path.relative_to(root)) for path in sorted(root.rglob("*"))]
        if sweep and sweep["tracking"]["model"]:
            networks = [table.with_suffix(".safetensors") for table in sorted((self.folder / LANES).glob("*.parquet"))]
            paths += [(path, Path(LANES, path.name)) for path in networks]
        for path, artifact in paths:
            left_out = str(artifact) in OWN_FILES or artifact.parts[0] == LEFT_HERE or ".part" in path.suffixes
            hidden = any(name.startswith(".") for name in artifact.parts)
            if path.is_file() and not (path.is_symlink() or left_out or hidden):
                yield path, artifact

    def upload_children(self, run: "Run", event: Event) -> None:
        """Upload a sweep's lanes as child runs, each once."""
        from nnjax.tracking import mlflow_client

        file = self.folder / event["file"]
        if not file.is_file() or file.is_symlink():
            return
        for number, child in enumerate(mlflow_client.log_children(run, journal.read_children(file))):
            self.took(f"child {number} {child}")

    def took(self, what: str) -> None:
        """Remember that the store has taken something; a try that repeats what an earlier one did is no progress."""
        if (self.offset, what) not in self.steps:
            self.steps.add((self.offset, what))
            self.save_state(steps=self.state["steps"] + 1)

    def save_state(self, **facts: Any) -> None:
        """Write upload.json, whole or not at all, with these facts."""
        self.state |= facts
        self.state["time"] = time.time()
        self.progressed = time.monotonic()
        with atomic.write_file(self.folder / STATE) as file:
            file.write_text(json.dumps(self.state))

    def save_failure(self, error: Exception) -> None:
        """Write why the last try failed; that is no progress."""
        progressed = self.progressed
        if isinstance(error, StoreError):
            self.save_state(problem=error.reason, busy=error.busy)
        elif isinstance(error, OSError):  # a full disk, or a file that went away: another try may mend it
            self.save_state(problem=store_uri.refused(self.store, error).reason, busy=True)
        elif isinstance(error, InputError):
            self.save_state(wrong=str(error))
        else:
            self.save_state(wrong=f"{type(error).__name__}: {' '.join(str(error).split())}", mistake=True)
        self.progressed = progressed


def opening(folder: Path) -> Event:
    """Return the last opening in a folder's journal; raise InputError where there is none."""
    opened = journal.opening(journal.read(folder)[0])
    if opened is None:
        raise InputError(f"{folder / JOURNAL} is the journal of no run: it has no opening")
    return opened


def store_of(folder: Path, uri: str | None = None) -> str:
    """Return the address of a folder's store: uri, else the one that its journal names."""
    opened = opening(folder)
    return store_uri.store_uri(uri or store_uri.known_as(opened["uri"]), opened["start_folder"])


def nothing() -> dict[str, Any]:
    """Return the part of a state that says what the store has: nothing."""
    return {"run": "", "link": "", "offset": 0, "files": {}, "model": ""}


def new_state(store: str) -> dict[str, Any]:
    """Return the state of a folder of which nothing is uploaded."""
    return {"uri": store_uri.public(store), **nothing(), "steps": 0, "time": 0.0, **NO_FAILURE}


def read_state(folder: Path, store: str, failures: bool = False) -> dict[str, Any]:
    """Return what upload.json says, a new state if it can't be read or is of another store.

    If the store's SQLite file is gone, nothing is uploaded. failures: with why the last try failed.
    """
    for name in (STATE, OLD_STATE):
        try:
            state = json.loads((folder / name).read_text())
        except (OSError, ValueError, RecursionError):
            continue
        right = isinstance(state, dict) and kinds.wrong(state, KINDS) is None
        right = right and state["uri"] == store_uri.public(store) and state["offset"] <= journal.size(folder)
        if right:
            database = store_uri.sqlite_path(store)
            is_gone = database is not None and not database.exists()
            state = {**new_state(store), **state} | ({} if failures else NO_FAILURE)
            return {**state, **nothing()} if is_gone else state
    return new_state(store)


def is_missing(folder: Path, uri: str | None = None) -> bool:
    """Return whether a part of a journal is not in the store yet, or its end is missing; False without a journal."""
    events, _ = journal.read(folder)
    if not events:
        return False
    return not journal.ended(events) or read_state(folder, store_of(folder, uri))["offset"] < journal.size(folder)


def catch_up(folder: Path, uri: str | None = None) -> str:
    """Upload what is missing of a folder that nobody is training in; return in words what that was, or "".

    Raises StoreError for a store that can't be reached or written, InputError for a deleted experiment or a damaged
    journal.
    """
    if not is_missing(folder, uri):
        return ""
    try:
        with FileLock(folder / LOCK, timeout=0):  # whoever uploads holds it as long as somebody trains
            abandoned = journal.end_if_abandoned(folder)
            events, _ = journal.read(folder)
            if not journal.ended(events):
                return processes.describe_other_host(opening(folder)["process"])
            count = Uploader(folder, uri).upload()
    except Timeout:
        return ""
    said = [f"{count} event{'s' * (count != 1)} uploaded"]
    if abandoned:
        said.append("the run was still marked RUNNING and is now KILLED")
    if (abandoned or events[-1]["status"] == "KILLED") and (override := resume_override(folder)):
        said.append(f"to continue it: nnjax-train {override}")
    return "; ".join(said)


def resume_override(folder: Path) -> str:
    """Return what to add to a command so that a run goes on, "" if it has no checkpoint."""
    if not any((folder / LEFT_HERE).glob("*.safetensors")):
        return ""
    return shlex.quote(f"resume={os.path.relpath(folder)}")


def pack_array(array: np.ndarray) -> Mapping[str, Any]:
    """Return an array as JSON can hold it."""
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "base64": data}


def unpack_array(packed: Mapping[str, Any]) -> np.ndarray:
    """Return the array that `pack_array` packed; raise ValueError or TypeError for anything else."""
    shape: Sequence[int] = packed["shape"]
    return np.frombuffer(base64.b64decode(packed["base64"]), np.dtype(packed["dtype"])).reshape(shape)
