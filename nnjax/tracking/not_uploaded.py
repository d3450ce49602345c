"""The list of folders that are not yet fully uploaded: a small file for each, in the folder where commands start."""

import hashlib
import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nnjax.tracking.store_uri import known_as, public

FOLDER = ".not_uploaded"  # in the folder where commands are started


def add(start_folder: Path, folder: Path) -> None:
    """Add a folder; where nothing can be written, `nnjax sync` finds it all the same."""
    for _ in range(10):  # another process may remove the empty list at the same moment
        with suppress(OSError):
            (start_folder / FOLDER).mkdir(exist_ok=True)
            _entry(start_folder, folder).write_text(f"{folder.absolute()}\n")
            return


def remove(start_folder: Path, folder: Path) -> None:
    """Remove a folder, and the list once it is empty."""
    with suppress(OSError):
        _entry(start_folder, folder).unlink(missing_ok=True)
        (start_folder / FOLDER).rmdir()


def folders(start_folder: Path) -> Iterator[Path]:
    """Yield the folders in the list; one that no longer exists is removed from it."""
    for entry in sorted((start_folder / FOLDER).glob("*")):
        with suppress(OSError, ValueError):  # ValueError: no text, or none that can be a path
            folder = Path(entry.read_text().rstrip("\n"))
            if folder.is_dir():
                yield folder
            elif entry.stat().st_size:
                entry.unlink()


def line(what: str, folder: Path, start_folder: Path, store: str, reason: str) -> str:
    """Return the line that says why a run or a sweep is not fully uploaded, and how to upload it."""
    public_uri, path = public(store), shlex.quote(os.path.relpath(folder, start_folder))
    uri = "" if store in (public_uri, known_as(public_uri)) else " --uri URI"  # user and password are written nowhere
    return (
        f"This {what} was not fully uploaded to {public_uri} ({reason}). "
        f"All results are in its folder. To upload them: nnjax sync {path}{uri}"
    )


def _entry(start_folder: Path, folder: Path) -> Path:
    return start_folder / FOLDER / hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:16]
