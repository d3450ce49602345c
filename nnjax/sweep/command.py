"""command.json in a sweep's folder: what `nnjax sync` needs to deliver the sweep when its command no longer can."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from nnjax import atomic
from nnjax.config import Tracking
from nnjax.sweep.callback import Running
from nnjax.tracking import describe, location, process

FILE = "command.json"
NOTHING = "nothing"  # the digest of a sweep that has no lanes


def remember(running: Running) -> None:
    """Writes how the sweep is to be recorded, and who trains it, if it is to be recorded."""
    if not running.tracking.enabled:
        return
    given = dataclasses.asdict(running.tracking)
    store = location.public(location.store_uri(running.tracking.uri, running.start_folder))
    found = {
        "start_folder": str(running.start_folder.absolute()),
        "tracking": describe.without_passwords({**given, "uri": store}),
        "record": running.record,
        "objective": running.objective,
        "process": process.this(),
        "status": None,
        "delivered": None,
    }
    running.root.mkdir(parents=True, exist_ok=True)
    write(running.root, found)


def update(root: Path, **facts: Any) -> None:
    """Adds what came of it: status, how the command ended; delivered, the `Sweep.digest` of what the store has."""
    found = read(root)
    if found is not None:
        write(root, {**found, **facts})


def write(root: Path, found: dict[str, Any]) -> None:
    """Writes it, whole or not at all."""
    with atomic.file(root / FILE) as file:
        file.write_text(json.dumps(found))


def read(root: Path) -> dict[str, Any] | None:
    """The same of a folder; None where there is none that can be read: a sweep that wasn't recorded."""
    try:
        found = json.loads((root / FILE).read_text())
    except (OSError, ValueError):
        return None
    keys = {"start_folder", "tracking", "record", "objective", "process", "status", "delivered"}
    return found if isinstance(found, dict) and keys <= found.keys() else None


def running(root: Path, found: dict[str, Any], uri: str | None = None) -> Running:
    """The sweep of a command that is gone; uri: its store, if it is another one now."""
    tracking = Tracking(**{**found["tracking"], "uri": uri or found["tracking"]["uri"]})
    return Running(root, Path(found["start_folder"]), tracking, found["record"], found["objective"])
