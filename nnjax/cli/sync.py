"""`nnjax sync`: upload to MLflow what runs and sweeps have in their folders and the store lacks, nothing twice."""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from nnjax.errors import InputError, StoreError, TrainingError, printable
from nnjax.tracking.journal import Status

HELP = "copy to MLflow whatever it lacks of your runs and sweeps, and mark killed ones as KILLED"
FOLDERS = ("outputs", "multirun", "sweeps")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the folders and the store."""
    default = ", ".join(f"{name}/" for name in FOLDERS)
    folders = f"folders of runs or sweeps, or folders that contain some; default: {default}"
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help=folders)
    parser.add_argument("--uri", metavar="URI", help="the MLflow store; default: for each run the one it was meant for")


def run(arguments: argparse.Namespace) -> None:
    """Print a line for each folder of which something was missing, or a line if nothing was.

    Raises:
        InputError: a folder does not exist.
        TrainingError: something could not be uploaded.
    """
    from nnjax.tracking.delivery import catch_up

    failed = reported = total = 0
    for folder, is_sweep in find(existing(arguments.folders)):
        total += 1
        try:
            words = upload_sweep(folder, arguments.uri) if is_sweep else catch_up(folder, arguments.uri)
        except (InputError, OSError) as error:
            reason = error.reason if isinstance(error, StoreError) else printable(str(error))
            words, failed = f"not uploaded: {reason}", failed + 1
        if words:
            reported += 1
            print(f"{os.path.relpath(folder)}: {words}")
    if failed:
        raise TrainingError(f"{failed} of {reported} folders could not be uploaded")
    if not total:
        print(f"no recorded runs in {', '.join(arguments.folders or map('{}/'.format, FOLDERS))}")
    elif not reported:
        print("nothing is missing")


def existing(folders: Sequence[str]) -> list[Path]:
    """Return the folders to search, by default FOLDERS. Raises InputError for a folder that does not exist."""
    for folder in folders:
        if not Path(folder).is_dir():
            raise InputError(f"{folder} is not a folder. Allowed: folders of runs or sweeps, or that contain some.")
    return [Path(folder).absolute() for folder in folders or filter(os.path.isdir, FOLDERS)]


def find(folders: Sequence[Path]) -> Iterator[tuple[Path, bool]]:
    """Yield each folder of a run (False) or of a sweep (True), sorted by name."""
    from nnjax.runs.sweep.command import FILE
    from nnjax.tracking.journal import RECORD

    for root in folders:
        for folder, subfolders, files in os.walk(root):
            subfolders.sort()
            if RECORD in files:
                yield Path(folder), False
                subfolders.clear()
            elif FILE in files:
                yield Path(folder), True


def upload_sweep(root: Path, uri: str | None) -> str:
    """Upload a sweep whose command has ended; return what was done, "" if the store has all or it is still running.

    Raises StoreError if the store can't be reached or written.
    """
    from nnjax.runs.sweep import command, storage, upload
    from nnjax.runs.sweep.sweep import Sweep
    from nnjax.system import processes

    record = command.read(root)
    if record is None:
        return ""
    abandoned = record["status"] is None
    if abandoned and not processes.gone(record["process"]):
        return processes.elsewhere(record["process"])
    parts, running = list(storage.parts(root)), command.running(root, record, uri)
    digest = Sweep(root, parts, record["objective"]).digest(record["record"]) if parts else command.NOTHING
    if command.has(record, running, digest):
        return ""
    status: Status = record["status"] or "KILLED"
    upload.deliver(running, status)
    record = command.read(root)
    if record is None or not command.has(record, running, digest):
        raise InputError("see above")
    words = "uploaded" if parts else "nothing was trained"
    if abandoned:
        return f"{words}, and the sweep, left RUNNING, is KILLED"
    return words if parts else f"{words}, {status}"
