"""A collection's four files from an address; a try that nobody asked for is short, and not repeated for a day."""

import json
import time
from pathlib import Path

from nnjax.data.files import UnavailableError, download, write_atomically
from nnjax.data.mnist.catalog import Collection
from nnjax.data.mnist.idx_files import check_files
from nnjax.system.secrets import without_password

DAY = 24 * 60 * 60.0  # seconds for which a failed try is remembered
PATIENCE = 600.0  # seconds in all for a download that was asked for


def fetch(collection: Collection, url: str, folder: Path, seconds: float = PATIENCE) -> Path:
    """Write the four files at `url` into `folder`, checked; return `folder`.

    Raises UnavailableError after `seconds` in all, or `collection.seconds` without a byte; InputError for other files.
    """
    names = tuple(collection.sha256)
    bodies = download([f"{url.rstrip('/')}/{name}" for name in names], seconds, collection.seconds)
    for name, body in zip(names, bodies, strict=True):
        (folder / name).write_bytes(body)
    check_files(collection, folder, without_password(url))
    return folder


def fetch_if_likely(collection: Collection, home: Path, folder: Path) -> Path:
    """Write the four files at the collection's own address into `folder`; return `folder`.

    A failure is remembered in the data directory `home`; for a day after it the network isn't tried again. Raises
    UnavailableError and InputError.
    """
    note = home / f".nnjax_{collection.name}.failed.json"
    _raise_if_failed_today(note)
    try:
        fetch(collection, collection.url, folder, collection.seconds)
    except UnavailableError as error:
        failure = json.dumps({"time": time.time(), "reason": str(error)}).encode()
        write_atomically(note, lambda file: file.write(failure))
        raise
    note.unlink(missing_ok=True)
    return folder


def _raise_if_failed_today(note: Path) -> None:
    try:
        failure = json.loads(note.read_bytes())
        if 0.0 <= time.time() - failure["time"] < DAY:
            raise UnavailableError(f"{failure['reason']}, tried less than a day ago")
    except (OSError, ValueError, LookupError, TypeError):
        return  # no note, or one that says nothing: the network is tried
