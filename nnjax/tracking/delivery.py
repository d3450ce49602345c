"""From a run's folder to its store: what the record has and the store hasn't, nothing twice.

While a run is trained, after a kill and days later: it is always this that writes to the store. How far it got is in
delivered.json; whatever was on its way when a process ended is sent again, which changes nothing.
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

from nnjax.errors import InputError
from nnjax.system import atomic, processes
from nnjax.tracking import journal, kinds, store_uri, undelivered
from nnjax.tracking.journal import DELIVERED, LOCK, RECORD, Event

if TYPE_CHECKING:
    from nnjax.tracking.mlflow_client import Run

OWN = (RECORD, DELIVERED, LOCK)  # of the folder's files, what is about the delivery itself
LEFT_HERE = "checkpoints"  # a folder that stays where it is: the tag run_folder says where
KINDS = {
    "uri": kinds.text,
    "run": kinds.text,
    "offset": lambda value: kinds.whole(value) and value >= 0,
    "files": kinds.table_of(kinds.list_of(kinds.whole)),
    "model": kinds.text,
}


class Delivery:
    """One run's folder and its store.

    Args:
        folder: with a record.
        uri: the store; None: the one that the record names, which has no password unless MLFLOW_TRACKING_URI has it.
        fresh: the record has just begun, so that no store knows the run.

    Raises:
        InputError: the record is no run's, or names no store.
    """

    def __init__(self, folder: Path, uri: str | None = None, fresh: bool = False) -> None:
        self.folder, self.fresh = folder, fresh
        self.store = store_of(folder, uri)
        nothing = {"uri": store_uri.public(self.store), "run": "", "offset": 0, "files": {}, "model": ""}
        self.known: dict[str, Any] = read_delivered(folder, self.store) or nothing
        self.run: Run | None = None
        self.where: tuple[str, str] | None = None  # the run's id and how to look at it, once it is known
        self.taken: set[tuple[int, str]] = set()  # at which offset what was
        self.lock = FileLock(folder / LOCK)
        self.progressed = time.monotonic()

    def __enter__(self) -> "Delivery":
        """Holds the folder, as everybody does who delivers it; OSError where it can't be locked."""
        self.lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()

    def load(self) -> None:
        """Imports what the store needs, which takes seconds."""
        from nnjax.tracking import mlflow_client

        mlflow_client.load(self.store)

    @property
    def offset(self) -> int:
        """So many bytes of the record are delivered."""
        return int(self.known["offset"])

    def deliver(self) -> int:
        """Brings the store what is new in the record; how many events that were.

        Raises:
            StoreError: the store can't be reached or written.
            InputError: the run's experiment is a deleted one.
        """
        if self.offset >= size(self.folder):
            return 0
        run = self.run = self.run or self.reached()
        self.where = run.id, run.url_hint
        self.step("run")
        events, offset = journal.read(self.folder, self.offset)
        for event in events:
            if event["event"] == "open":
                self.settings(run, event)
        points = [(*point, event["time"]) for event in events for point in event.get("points", ())]
        if points:
            run.log_points(points)
            self.step("points")
        if tags := {key: text for event in events for key, text in event.get("tags", {}).items()}:
            run.set_tags(tags)
            self.step("tags")
        for event in events:
            if event["event"] == "model":
                self.model(run, event)
        end = events[-1] if journal.ended(events) else None
        if end and end["status"] == "KILLED":  # there may be no time for files
            run.finish(end["status"], end["time"])
        if any(event["event"] in ("files", "end") for event in events):
            self.files(run)
        if end and end["status"] != "KILLED":
            run.finish(end["status"], end["time"])
        self.keep(offset=offset)
        if end:
            undelivered.remove(self.start_folder(), self.folder)
        return len(events)

    def catch_up(self, folder: Path) -> str:
        """Delivers another folder, of a run that nobody is training any more: see `catch_up` below."""
        return catch_up(folder)

    def start_folder(self) -> Path:
        """Where the command was started."""
        return Path(opening(self.folder)["start_folder"])

    def reached(self) -> "Run":
        """The run in the store: the one that is known, one that nobody could write down, or a new one."""
        from nnjax.tracking import mlflow_client

        opened, fresh, self.fresh = opening(self.folder), self.fresh, False
        start_folder = opened["start_folder"]
        run = None if fresh else mlflow_client.find_record(self.store, opened["id"], start_folder)
        if run is None:
            tags = {**opened["tags"], mlflow_client.RECORD: opened["id"]}
            when = opened["time"]
            run = mlflow_client.open_run(self.store, opened["experiment"], opened["name"], tags, start_folder, when)
        if run.id != self.known["run"]:  # of a store that has lost the run, all is missing
            self.keep(run=run.id, offset=0, files={}, model="")
        return run

    def settings(self, run: "Run", opened: Event) -> None:
        """Parameters, tags and data."""
        run.log_params(run.missing_params(opened["params"]))
        data = opened["dataset"]
        run.log_dataset(data["name"], data["source"], data["digest"], data["shapes"])
        self.step("settings")

    def model(self, run: "Run", event: Event) -> None:
        """The network as an MLflow model, once."""
        file = self.folder / event["file"]
        if not file.is_file() or file.is_symlink():
            return
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        if digest != self.known["model"]:
            from nnjax.tracking.mlflow_model import log_model

            try:
                log_model(run, file, unpacked(event["example"]), event["classes"], digest)
            except InputError:
                raise
            except (TypeError, ValueError) as error:
                raise InputError(f"{file}: no model can be made of it: {error}") from None
            self.keep(model=digest)

    def files(self, run: "Run") -> None:
        """The folder's files, those that are there as they are left out."""
        for path in self.listed():
            try:
                there = path.stat()
            except FileNotFoundError:  # since it was listed
                continue
            name, facts = str(path.relative_to(self.folder)), [there.st_size, there.st_mtime_ns]
            if self.known["files"].get(name) != facts:
                parent = path.parent.relative_to(self.folder)
                run.log_file(path, None if parent == Path() else str(parent))
                self.known["files"][name] = facts
                self.step(f"file {name}")

    def listed(self) -> Iterator[Path]:
        """The files that the store gets: neither our own, nor links, nor half ones, nor hidden ones.

        Those of .hydra/ have what was typed, passwords too.
        """
        for path in sorted(self.folder.rglob("*")):
            inside = path.relative_to(self.folder)
            ours = str(inside) in OWN or inside.parts[0] == LEFT_HERE or ".part" in path.suffixes
            hidden = any(part.startswith(".") for part in inside.parts)
            if path.is_file() and not (path.is_symlink() or ours or hidden):
                yield path

    def step(self, what: str) -> None:
        """Remembers when the store last took something new: a try that comes again is none until it gets further."""
        if (self.offset, what) not in self.taken:
            self.taken.add((self.offset, what))
            self.progress()

    def progress(self) -> None:
        """Remembers that it got on just now."""
        self.progressed = time.monotonic()

    def keep(self, **facts: Any) -> None:
        """Writes delivered.json, whole or not at all."""
        self.known |= facts
        self.progress()
        with atomic.write_file(self.folder / DELIVERED) as file:
            file.write_text(json.dumps(self.known))


def opening(folder: Path) -> Event:
    """How a run was opened last; InputError where its record doesn't say."""
    opened = journal.opening(journal.read(folder)[0])
    if opened is None:
        raise InputError(f"{folder / RECORD}: the record of no run: it has no opening")
    return opened


def store_of(folder: Path, uri: str | None = None) -> str:
    """The address of a run's store: uri, else the one that its record names."""
    opened = opening(folder)
    return store_uri.store_uri(uri or store_uri.known_as(opened["uri"]), opened["start_folder"])


def read_delivered(folder: Path, store: str) -> dict[str, Any]:
    """What delivered.json says; nothing where it can't be read, or is of another store or one that is gone."""
    try:
        found = json.loads((folder / DELIVERED).read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    database = store_uri.sqlite_path(store)
    right = isinstance(found, dict) and kinds.wrong(found, KINDS) is None and found["uri"] == store_uri.public(store)
    return found if right and found["offset"] <= size(folder) and (database is None or database.exists()) else {}


def size(folder: Path) -> int:
    """Of the record, in bytes."""
    path = folder / RECORD
    return path.stat().st_size if path.exists() else 0


def is_missing(folder: Path, uri: str | None = None) -> bool:
    """Whether the store hasn't got all of a record, or the run in it never ended; not if it never began."""
    events, _ = journal.read(folder)
    if not events:
        return False
    return not journal.ended(events) or read_delivered(folder, store_of(folder, uri)).get("offset", 0) < size(folder)


def catch_up(folder: Path, uri: str | None = None) -> str:
    """Delivers what is missing of a run that nobody is training any more; in words what that was, or "".

    Raises:
        StoreError: the store can't be reached or written.
        InputError: the run's experiment is a deleted one, or its record is damaged.
    """
    if not is_missing(folder, uri):
        return ""
    try:
        with FileLock(folder / LOCK, timeout=0):  # held as long as somebody trains or delivers
            stale = journal.end_if_abandoned(folder)
            events, _ = journal.read(folder)
            if not journal.ended(events):
                return processes.describe_other_host(opening(folder)["process"])
            count = Delivery(folder, uri).deliver()
    except Timeout:
        return ""
    words = f"{count} event{'s' * (count != 1)} delivered{', and the run, left RUNNING, is KILLED' if stale else ''}"
    killed = stale or events[-1]["status"] == "KILLED"
    return words + (f"; {again} goes on" if killed and (again := resuming(folder)) else "")


def resuming(folder: Path) -> str:
    """What to add to a command so that a run goes on, "" if it has no checkpoint."""
    if not any((folder / LEFT_HERE).glob("*.safetensors")):
        return ""
    return shlex.quote(f"resume={os.path.relpath(folder)}")


def packed(array: np.ndarray) -> Mapping[str, Any]:
    """An array as JSON has it."""
    data = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "base64": data}


def unpacked(facts: Mapping[str, Any]) -> np.ndarray:
    """The array again; ValueError or TypeError where these facts are none's."""
    shape: Sequence[int] = facts["shape"]
    return np.frombuffer(base64.b64decode(facts["base64"]), np.dtype(facts["dtype"])).reshape(shape)
