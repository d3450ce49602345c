"""`nnjax sync`: what runs and sweeps have in their folders and the store hasn't, delivered, nothing twice."""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from nnjax.errors import InputError, StoreError, TrainingError, printable
from nnjax.tracking.journal import Status

HELP = "deliver to MLflow what it is missing of runs and sweeps, and end those that were killed"
DEFAULT = ("outputs", "multirun", "sweeps")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where to look."""
    names = ", ".join(f"{name}/" for name in DEFAULT)
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help=f"of runs, or with such below; else {names}")
    parser.add_argument("--uri", metavar="URI", help="the store; else for each the one that it was to go to")


def run(given: argparse.Namespace) -> None:
    """Says a line for each folder that had something, one in the end if none had.

    Raises:
        InputError: there is no such folder.
        TrainingError: something could not be delivered.
    """
    from nnjax.tracking.delivery import catch_up

    failed = said = seen = 0
    for folder, is_sweep in found(starts(given.folders)):
        seen += 1
        try:
            words = deliver_sweep(folder, given.uri) if is_sweep else catch_up(folder, given.uri)
        except (InputError, OSError) as error:
            reason = error.reason if isinstance(error, StoreError) else printable(str(error))
            words, failed = f"not delivered: {reason}", failed + 1
        if words:
            said += 1
            print(f"{os.path.relpath(folder)}: {words}")
    if failed:
        raise TrainingError(f"{failed} of {said} folders could not be delivered")
    if not seen:
        print(f"no runs here: none that was recorded in {', '.join(given.folders or map('{}/'.format, DEFAULT))}")
    elif not said:
        print("nothing is missing")


def starts(folders: Sequence[str]) -> list[Path]:
    """Where to begin; InputError for a folder that isn't there."""
    for folder in folders:
        if not Path(folder).is_dir():
            raise InputError(f"{folder}: no such folder; allowed: folders of runs or sweeps, or with such below")
    return [Path(folder).absolute() for folder in folders or filter(os.path.isdir, DEFAULT)]


def found(folders: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Each folder of a run, and of a sweep (True), oldest names first."""
    from nnjax.runs.sweep.command import FILE
    from nnjax.tracking.journal import RECORD

    for start in folders:
        for folder, below, files in os.walk(start):
            below.sort()
            if RECORD in files:
                yield Path(folder), False
                below.clear()
            elif FILE in files:
                yield Path(folder), True


def deliver_sweep(root: Path, uri: str | None) -> str:
    """Delivers a sweep whose command is gone; in words what was done, "" if the store has all or it is at work.

    Raises:
        StoreError: the store can't be reached or written.
    """
    from nnjax.runs.sweep import command, upload
    from nnjax.runs.sweep import storage as kept
    from nnjax.runs.sweep.sweep import Sweep
    from nnjax.system import processes

    known = command.read(root)
    if known is None:
        return ""
    stale = known["status"] is None
    if stale and not processes.has_ended(known["process"]):
        return processes.describe_other_host(known["process"])
    parts, running = list(kept.parts(root)), command.running(root, known, uri)
    digest = Sweep(root, parts, known["objective"]).digest(known["record"]) if parts else command.NOTHING
    if command.has(known, running, digest):
        return ""
    status: Status = known["status"] or "KILLED"
    upload.deliver(running, status)
    again = command.read(root)
    if again is None or not command.has(again, running, digest):
        raise InputError("see above")
    what = "delivered" if parts else "nothing was trained"
    if stale:
        return f"{what}, and the sweep, left RUNNING, is KILLED"
    return what if parts else f"{what}, {status}"
