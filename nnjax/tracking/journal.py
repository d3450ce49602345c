"""What MLflow gets of a run lies in the run's folder first: record.jsonl, a line of JSON for each event as it happens.

    open     id (of the record), name, experiment, uri, start_folder, tags, params, dataset, process
    metrics  points: [name, step, value], ...
    tags     tags: key -> text
    model    file, example (dtype, shape, base64), classes
    files    nothing: the folder's files are fit to be copied
    end      status

Every event has a time, in milliseconds since 1970. A run that goes on after its end opens the record again. A line is
complete or ignored: whoever is killed while writing one loses no other.
"""

import json
import os
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from nnjax.errors import InputError
from nnjax.system import processes
from nnjax.tracking import kinds

RECORD, DELIVERED, LOCK = "record.jsonl", "delivered.json", "delivery.lock"  # in a run's folder
Status = Literal["FINISHED", "FAILED", "KILLED"]  # how a run ends
Event = dict[str, Any]
Point = tuple[str, int, float]  # metric, step, value
KINDS: dict[str, dict[str, kinds.Kind]] = {  # event -> what it holds besides its time
    "open": {
        "id": kinds.text,
        "name": kinds.text,
        "experiment": kinds.text,
        "uri": kinds.address,
        "start_folder": kinds.text,
        "tags": kinds.texts,
        "params": kinds.texts,
        "dataset": kinds.facts(
            {
                "name": kinds.text,
                "source": kinds.address,
                "digest": kinds.text,
                "shapes": kinds.table_of(lambda shape: kinds.list_of(kinds.whole)(shape) and shape != []),
            }
        ),
        "process": kinds.process,
    },
    "metrics": {"points": kinds.list_of(kinds.point)},
    "tags": {"tags": kinds.texts},
    "model": {
        "file": kinds.file_name,
        "example": kinds.facts({"dtype": kinds.dtype, "shape": kinds.list_of(kinds.whole), "base64": kinds.text}),
        "classes": kinds.list_of(kinds.text),
    },
    "files": {},
    "end": {"status": kinds.status},
}


class RunJournal:
    """The record of a run that is being trained here: threads may append to it.

    Args:
        folder: the run's.
        again: the run goes on, and so does its record; else one that is there is another run's and is removed.
    """

    def __init__(self, folder: Path, again: bool = False) -> None:
        self.path, self.lock = folder / RECORD, threading.Lock()
        if not again:
            for name in (RECORD, DELIVERED):
                (folder / name).unlink(missing_ok=True)
        there, _ = read(folder)
        self.again = bool(there)
        self.id = next((event["id"] for event in there if event["event"] == "open"), uuid.uuid4().hex)
        self.points = {(name, step) for event in there for name, step, _ in event.get("points", ())}
        self.file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        if self.size and self.path.read_bytes()[-1:] != b"\n":  # a line that was never finished
            os.write(self.file, b"\n")

    @property
    def size(self) -> int:
        """In bytes."""
        return os.fstat(self.file).st_size

    def append(self, event: str, **facts: Any) -> None:
        """Adds an event; OSError where the disk is full, which leaves no part of it."""
        line = json.dumps({"event": event, "time": int(time.time() * 1000), **facts}).encode() + b"\n"
        with self.lock:
            before = self.size
            try:
                while line:  # a disk that is nearly full takes a part
                    line = line[os.write(self.file, line) :]
            except OSError as error:
                os.ftruncate(self.file, before)
                raise OSError(error.errno, error.strerror, str(self.path)) from None

    def metrics(self, points: Sequence[Point]) -> None:
        """Adds points that it hasn't got: epochs that are trained again after a kill are told once."""
        new = [(name, step, value) for name, step, value in points if (name, step) not in self.points]
        if new:
            self.append("metrics", points=new)
            self.points |= {(name, step) for name, step, _ in new}

    def save(self) -> None:
        """Waits until the disk has it."""
        os.fsync(self.file)

    def close(self) -> None:
        """Ends the writing."""
        os.close(self.file)


def read(folder: Path, offset: int = 0) -> tuple[list[Event], int]:
    """The events from a byte on, and the byte behind the last of them; none where there is no record.

    Raises:
        InputError: an event is not what a run writes.
    """
    try:
        with (folder / RECORD).open("rb") as file:
            file.seek(offset)
            lines = file.read()
    except FileNotFoundError:
        return [], offset
    whole = lines[: lines.rfind(b"\n") + 1]
    events = [event for event in map(parsed, whole.splitlines()) if event is not None]
    for event in events:
        check(event, folder / RECORD)
    return events, offset + len(whole)


def parsed(line: bytes) -> Event | None:
    """The event in a line, None if it was cut."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and {"event", "time"} <= event.keys() else None


def check(event: Event, path: Path) -> None:
    """Raises InputError for an event that no run writes."""
    name = event["event"]
    if not (isinstance(name, str) and name in KINDS):
        raise InputError(f"{path}: damaged: no such event {name!r}; allowed: {', '.join(KINDS)}")
    if (key := kinds.wrong(event, {"time": kinds.whole, **KINDS[name]})) is not None:
        raise InputError(f"{path}: damaged: {key} of the event {name!r} is not what a run writes")


def ended(events: Sequence[Event]) -> bool:
    """Whether the last thing that happened was the end; a run without it is at work, or was killed."""
    return bool(events) and events[-1]["event"] == "end"


def opening(events: Sequence[Event]) -> Event | None:
    """The latest opening of a record."""
    return next((event for event in reversed(events) if event["event"] == "open"), None)


def end_if_abandoned(folder: Path) -> bool:
    """Writes the end of a run whose process is gone without one: KILLED, when it was last heard of; whether it did."""
    events, _ = read(folder)
    opened = opening(events)
    if opened is None or ended(events) or not processes.has_ended(opened["process"]):
        return False
    record = RunJournal(folder, again=True)
    record.append("end", status="KILLED", time=events[-1]["time"])
    record.save()
    record.close()
    return True
