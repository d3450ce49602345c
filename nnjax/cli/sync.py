"""`nnjax sync`: upload to MLflow what runs and sweeps have in their folders and the store lacks, nothing twice."""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from nnjax.errors import InputError, StoreError, TrainingError, printable

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
    failed = reported = total = 0
    for folder in find(existing(arguments.folders)):
        total += 1
        try:
            words = upload(folder, arguments.uri)
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


def find(folders: Sequence[Path]) -> Iterator[Path]:
    """Yield each folder of a recorded run or sweep, sorted by name."""
    from nnjax.runs.sweep.upload import OLD_COMMAND
    from nnjax.tracking.journal import JOURNAL

    for root in folders:
        for folder, subfolders, files in os.walk(root):
            subfolders.sort()
            if JOURNAL in files or OLD_COMMAND in files:
                yield Path(folder)
                subfolders.clear()


def upload(folder: Path, uri: str | None) -> str:
    """Upload what the store lacks of a run or a sweep; return what was done, "" if it is complete or still running.

    Raises StoreError if the store can't be reached or written.
    """
    from nnjax.runs.sweep import upload as sweep_upload
    from nnjax.tracking import journal
    from nnjax.tracking.upload import catch_up

    sweep_upload.check_not_old(folder)
    events, _ = journal.read(folder)
    opened = journal.opening(events)
    if opened is not None and "sweep" in opened:
        abandoned = journal.end_if_abandoned(folder)
        if abandoned or journal.ended(events):
            sweep_upload.complete_journal(folder, uri)
        words = catch_up(folder, uri)
        killed = "; the sweep was still marked RUNNING and is now KILLED"
        return words + killed if words and abandoned else words
    return catch_up(folder, uri)
