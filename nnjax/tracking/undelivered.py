"""Which run folders the store hasn't got all of: a small file for each, until it is delivered."""

import hashlib
import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nnjax.tracking.store_uri import known_as, public

FOLDER = ".undelivered"  # in the folder where commands are started


def add(start_folder: Path, folder: Path) -> None:
    """Remembers a folder; where nothing can be written, `nnjax sync` finds it all the same."""
    for _ in range(10):  # another process may remove the empty list at the same moment
        with suppress(OSError):
            (start_folder / FOLDER).mkdir(exist_ok=True)
            _entry(start_folder, folder).write_text(f"{folder.absolute()}\n")
            return


def remove(start_folder: Path, folder: Path) -> None:
    """Forgets a folder, and the list once it is empty."""
    with suppress(OSError):
        _entry(start_folder, folder).unlink(missing_ok=True)
        (start_folder / FOLDER).rmdir()


def folders(start_folder: Path) -> Iterator[Path]:
    """Those that are remembered; what is gone is forgotten."""
    for entry in sorted((start_folder / FOLDER).glob("*")):
        with suppress(OSError, ValueError):  # ValueError: no text, or none that can be a path
            folder = Path(entry.read_text().rstrip("\n"))
            if folder.is_dir():
                yield folder
            elif entry.stat().st_size:
                entry.unlink()


def line(what: str, folder: Path, start_folder: Path, store: str, reason: str) -> str:
    """What is to be known and done where a store hasn't got all of a run or a sweep."""
    shown, there = public(store), shlex.quote(os.path.relpath(folder, start_folder))
    uri = "" if store in (shown, known_as(shown)) else " --uri URI"  # nobody wrote down its user and password
    return f"not all of this {what} is in the store {shown} ({reason}); its folder has it all: nnjax sync {there}{uri}"


def _entry(start_folder: Path, folder: Path) -> Path:
    return start_folder / FOLDER / hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]
