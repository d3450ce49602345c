"""command.json in a sweep's folder: what `nnjax sync` needs to deliver the sweep when its command no longer can."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from nnjax.config.schema import OBJECTIVES, Tracking
from nnjax.errors import InputError
from nnjax.runs.sweep.callback import Running
from nnjax.system import atomic, processes, secrets
from nnjax.tracking import kinds, store_uri

FILE = "command.json"
NOTHING = "nothing"  # the digest of a sweep that has no lanes
TRACKING = {
    "enabled": kinds.truth,
    "uri": kinds.address,
    "experiment": kinds.maybe(kinds.text),
    "run_name": kinds.maybe(kinds.text),
    "tags": kinds.texts,
    "figures": kinds.truth,
    "model": kinds.truth,
    "report": kinds.truth,
}
ADDED = {"report": True}  # since commands were first remembered: earlier ones don't say
KINDS = {
    "start_folder": kinds.text,
    "tracking": lambda value: (
        isinstance(value, dict) and kinds.facts(TRACKING)({**ADDED, **value}) and value.keys() <= TRACKING.keys()
    ),
    "record": lambda value: value in ("auto", "runs", "table"),
    "objective": lambda value: value in (None, *OBJECTIVES),
    "process": kinds.process,
    "status": kinds.maybe(kinds.status),
    "delivered": kinds.maybe(kinds.text),
    "store": kinds.maybe(kinds.text),
}


def remember(running: Running) -> None:
    """Writes how the sweep is to be recorded, and who trains it, if it is to be recorded."""
    if not running.tracking.enabled:
        return
    given = dataclasses.asdict(running.tracking)
    store = store_uri.public(store_uri.store_uri(running.tracking.uri, running.start_folder))
    found = {
        "start_folder": str(running.start_folder.absolute()),
        "tracking": secrets.remove_passwords({**given, "uri": store}),
        "record": running.record,
        "objective": running.objective,
        "process": processes.current_process(),
        "status": None,
        "delivered": None,
        "store": None,
    }
    running.root.mkdir(parents=True, exist_ok=True)
    write(running.root, found)


def update(root: Path, **facts: Any) -> None:
    """Adds what came of it: status, how the command ended; see `delivered`."""
    found = read(root)
    if found is not None:
        write(root, {**found, **facts})


def write(root: Path, found: dict[str, Any]) -> None:
    """Writes it, whole or not at all."""
    with atomic.write_file(root / FILE) as file:
        file.write_text(json.dumps(found))


def delivered(running: Running, digest: str, **facts: Any) -> None:
    """Adds the `Sweep.digest` of what the store has, and which store that is, if it is to be recorded."""
    if running.tracking.enabled:
        update(running.root, delivered=digest, store=store_uri.public(store_of(running)), **facts)


def has(found: dict[str, Any], running: Running, digest: str) -> bool:
    """Whether the store of a sweep has what the digest is of; one that is gone has nothing."""
    store = store_of(running)
    database = store_uri.sqlite_path(store)
    there = found["store"] == store_uri.public(store) and (database is None or database.exists())
    return bool(found["delivered"] == digest and (there or digest == NOTHING))


def store_of(running: Running) -> str:
    """The address of a sweep's store."""
    return store_uri.store_uri(running.tracking.uri, running.start_folder)


def read(root: Path) -> dict[str, Any] | None:
    """The same of a folder; None where there is none: a sweep that wasn't recorded.

    Raises:
        InputError: it is not what a command writes.
    """
    try:
        found = json.loads((root / FILE).read_text())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        raise InputError(f"{root / FILE}: damaged: no JSON") from None
    key = kinds.wrong(found, KINDS) if isinstance(found, dict) else "all of it"
    if key is not None:
        raise InputError(f"{root / FILE}: damaged: {key} is not what a command writes")
    return dict(found)


def running(root: Path, found: dict[str, Any], uri: str | None = None) -> Running:
    """The sweep of a command that is gone; uri: its store, if it is another one now."""
    tracking = Tracking(**{**found["tracking"], "uri": uri or store_uri.known_as(found["tracking"]["uri"])})
    return Running(root, Path(found["start_folder"]), tracking, found["record"], found["objective"])
