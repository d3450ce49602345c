"""The journal of a run or a sweep: each event is a line of JSON in its folder before it is sent to MLflow.

    open      id, name, experiment, uri, start_folder, tags, params, dataset (or null), process;
              of a sweep also `sweep`: how its command wants it recorded
    settings  params, dataset (or null): what a sweep knows of its lanes at the end
    metrics   points: [name, step, value], ...; at: their time, if it is not that of the event
    tags      tags: key -> text
    model     file, example (dtype, shape, base64), classes
    files     nothing more: the folder's files may be copied now
    children  file: lanes that become child runs, a line of JSON each
    end       status; of a sweep also digest: what was trained and recorded

Every event has a time, in milliseconds since 1970. A run that is resumed after its end opens its journal again. A line
is complete or ignored: a process that is killed while it writes one loses no other. Several processes may append to the
journal of a sweep.
"""

import contextlib
import json
import os
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock

from nnjax.errors import InputError
from nnjax.system import processes
from nnjax.tracking import kinds

JOURNAL, LOCK = "record.jsonl", "record.lock"  # in a folder; whoever appends holds the lock
STATES = ("upload.json", "delivered.json")  # about the upload of the journal: removed with it
Status = Literal["FINISHED", "FAILED", "KILLED"]  # how a run ends
Event = dict[str, Any]
Point = tuple[str, int, float]  # metric, step, value
DATASET = kinds.facts(
    {
        "name": kinds.text,
        "source": kinds.address,
        "digest": kinds.text,
        "shapes": kinds.table_of(lambda shape: kinds.list_of(kinds.whole)(shape) and shape != []),
    }
)
KINDS: dict[str, dict[str, kinds.Kind]] = {  # event -> what it must have beside its time
    "open": {
        "id": kinds.text,
        "name": kinds.text,
        "experiment": kinds.text,
        "uri": kinds.address,
        "start_folder": kinds.text,
        "tags": kinds.texts,
        "params": kinds.texts,
        "dataset": kinds.maybe(DATASET),
        "process": kinds.process,
    },
    "settings": {"params": kinds.texts, "dataset": kinds.maybe(DATASET)},
    "metrics": {"points": kinds.list_of(kinds.point)},
    "tags": {"tags": kinds.texts},
    "model": {
        "file": kinds.inner_path,
        "example": kinds.facts({"dtype": kinds.dtype, "shape": kinds.list_of(kinds.whole), "base64": kinds.text}),
        "classes": kinds.list_of(kinds.text),
    },
    "files": {},
    "children": {"file": kinds.file_name},
    "end": {"status": kinds.status},
}
OPTIONAL = {"at": kinds.whole, "digest": kinds.text, "sweep": kinds.sweep}  # what an event may have besides
CHILD = {
    "member": kinds.text,
    "name": kinds.text,
    "params": kinds.texts,
    "points": kinds.table_of(kinds.list_of(kinds.pair)),
    "tags": kinds.texts,
    "status": kinds.status,
    "started": kinds.whole,
    "ended": kinds.whole,
}


class RunJournal:
    """The journal of a folder in which something is trained here.

    Args:
        folder: of the run or the sweep.
        resumed: the run continues, and so does its journal; else an old journal, of another run, is removed.

    Attributes:
        resumed: whether there was something to go on with.
        id: of the journal, which a tag of its run has.
    """

    def __init__(self, folder: Path, resumed: bool = False) -> None:
        self.folder, self.path = folder, folder / JOURNAL
        with lock(folder):
            if not resumed:
                for name in (JOURNAL, *STATES):
                    (folder / name).unlink(missing_ok=True)
            events, _ = read(folder)
            self.file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            if os.fstat(self.file).st_size and self.path.read_bytes()[-1:] != b"\n":  # a line that was never finished
                os.write(self.file, b"\n")
        self.resumed = bool(events)
        self.id = next((event["id"] for event in events if event["event"] == "open"), uuid.uuid4().hex)
        self.points = {(name, step) for event in events for name, step, _ in event.get("points", ())}

    def append(self, event: str, **facts: Any) -> None:
        """Append an event; if the disk is full, remove the part that was written and raise OSError."""
        line = json.dumps({"event": event, "time": int(time.time() * 1000), **facts}).encode() + b"\n"
        with lock(self.folder):
            size_before = os.fstat(self.file).st_size
            try:
                while line:  # a disk that is nearly full takes a part
                    line = line[os.write(self.file, line) :]
            except OSError as error:
                os.ftruncate(self.file, size_before)
                raise OSError(error.errno, error.strerror, str(self.path)) from None

    def append_metrics(self, points: Sequence[Point]) -> None:
        """Append the points that are new: epochs that are trained again after a kill are recorded once."""
        new_points = [(name, step, value) for name, step, value in points if (name, step) not in self.points]
        if new_points:
            self.append("metrics", points=new_points)
            self.points |= {(name, step) for name, step, _ in new_points}

    def save(self) -> None:
        """Wait until the disk has all events."""
        os.fsync(self.file)

    def close(self) -> None:
        """Close the file."""
        os.close(self.file)


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold the lock that whoever appends to a journal must have; go on without where the file system has no locks."""
    try:
        held = FileLock(folder / LOCK).acquire()
    except (OSError, NotImplementedError):
        yield
        return
    with held:
        yield


def read(folder: Path, offset: int = 0) -> tuple[list[Event], int]:
    """Return the events from the byte `offset` on, and the offset behind the last whole line; none without a journal.

    Raises InputError for an event that no run writes.
    """
    try:
        with (folder / JOURNAL).open("rb") as file:
            file.seek(offset)
            lines = file.read()
    except FileNotFoundError:
        return [], offset
    whole_lines = lines[: lines.rfind(b"\n") + 1]
    events = [event for event in map(parse, whole_lines.splitlines()) if event is not None]
    for event in events:
        check(event, folder / JOURNAL)
    return events, offset + len(whole_lines)


def parse(line: bytes) -> Event | None:
    """Return the event in a line, None if it was cut."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and {"event", "time"} <= event.keys() else None


def check(event: Event, path: Path) -> None:
    """Raise InputError for an event that no run writes."""
    name = event["event"]
    if not (isinstance(name, str) and name in KINDS):
        raise InputError(f"{path} is damaged: there is no event {name!r}", KINDS)
    optional = {key: kind for key, kind in OPTIONAL.items() if key in event}
    if (key := kinds.wrong(event, {"time": kinds.whole, **KINDS[name], **optional})) is not None:
        raise InputError(f"{path} is damaged: {key} of the event {name!r} is not what a run writes")


def size(folder: Path) -> int:
    """Return the size of a folder's journal in bytes, 0 without one."""
    path = folder / JOURNAL
    return path.stat().st_size if path.exists() else 0


def ended(events: Sequence[Event]) -> bool:
    """Return whether the last event is the end; a run without it is being trained, or was killed."""
    return bool(events) and events[-1]["event"] == "end"


def opening(events: Sequence[Event]) -> Event | None:
    """Return the last opening, None where there is none."""
    return next((event for event in reversed(events) if event["event"] == "open"), None)


def read_children(file: Path) -> Iterator[Event]:
    """Yield the lanes in the file of a `children` event; raise InputError for one that no sweep writes."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                child = json.loads(line)
            except (ValueError, RecursionError):
                child = None
            if not isinstance(child, dict) or kinds.wrong(child, CHILD) is not None:
                raise InputError(f"{file}, line {number}, is damaged: it is not what a sweep writes")
            yield child


def end_if_abandoned(folder: Path) -> bool:
    """If the process of a journal without an end is gone, append an end, KILLED; return whether that was done.

    The time is that of the last event. A run that is resumed takes the same lock before it writes to its journal.
    """
    with lock(folder):
        events, _ = read(folder)
        opened = opening(events)
        if opened is None or ended(events) or not processes.has_ended(opened["process"]):
            return False
        end = {"event": "end", "time": events[-1]["time"], "status": "KILLED"}
        with (folder / JOURNAL).open("rb+") as file:
            file.seek(0, os.SEEK_END)
            cut_line = file.tell() and (folder / JOURNAL).read_bytes()[-1:] != b"\n"
            file.write((b"\n" if cut_line else b"") + json.dumps(end).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    return True
