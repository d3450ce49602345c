"""A collection's four files from an address. A download that no one asked for is short, and not repeated for a day."""

import json
import queue
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from nnjax.data.mnist.catalog import Collection
from nnjax.data.mnist.idx_files import check_files
from nnjax.system import atomic
from nnjax.system.secrets import remove_password

DAY = 24 * 60 * 60.0  # seconds in which a failed download is not repeated
TIME_LIMIT = 600.0  # seconds for a download that the user asked for
MAX_BYTES = 64 << 20  # of one file; the largest here, Fashion-MNIST's training images, has 26 MB


class UnavailableError(Exception):
    """No source gave the data. reasons: one line `PLACE: REASON` for every source that was tried."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def download_collection(collection: Collection, url: str, folder: Path, seconds: float = TIME_LIMIT) -> Path:
    """Write the four files at `url` into `folder` and check them; return `folder`.

    Raises UnavailableError after `seconds` in all, or `collection.seconds` without a byte; InputError for other files.
    """
    names = tuple(collection.sha256)
    bodies = download([f"{url.rstrip('/')}/{name}" for name in names], seconds, collection.seconds)
    for name, body in zip(names, bodies, strict=True):
        (folder / name).write_bytes(body)
    check_files(collection, folder, remove_password(url))
    return folder


def download_once_a_day(collection: Collection, home: Path, folder: Path) -> Path:
    """Write the four files at the collection's own address into `folder`; return `folder`.

    A failure is recorded in the data directory `home`, and for a day the network is not tried again. Raises
    UnavailableError and InputError.
    """
    note = home / f".nnjax_{collection.name}.failed.json"
    _raise_if_failed_today(note)
    try:
        download_collection(collection, collection.url, folder, collection.seconds)
    except UnavailableError as error:
        with atomic.write_file(note) as unfinished:
            unfinished.write_text(json.dumps({"time": time.time(), "reason": str(error)}))
        raise
    note.unlink(missing_ok=True)
    return folder


def _raise_if_failed_today(note: Path) -> None:
    try:
        failure = json.loads(note.read_bytes())
        if 0.0 <= time.time() - failure["time"] < DAY:
            raise UnavailableError(f"{failure['reason']}, tried less than a day ago")
    except (OSError, ValueError, LookupError, TypeError):
        return  # no note, or a damaged one: the network is tried


def download(urls: Sequence[str], seconds: float, silence: float) -> list[bytes]:
    """Return the bodies of all `urls`; raise UnavailableError after `seconds` in all, or `silence` without a byte."""
    answers: queue.SimpleQueue[list[bytes] | Exception] = queue.SimpleQueue()
    deadline = time.monotonic() + seconds

    def answer() -> None:
        try:
            answers.put([_download_one(url, deadline, silence) for url in urls])
        except Exception as error:  # it is raised in the thread that waits
            answers.put(error)

    # A daemon thread can be abandoned: looking up a host name has no time limit, and must not delay the exit.
    threading.Thread(target=answer, daemon=True).start()
    try:
        bodies = answers.get(timeout=seconds)
    except queue.Empty:
        raise UnavailableError(f"{remove_password(urls[0])}: not complete within {seconds:g} s") from None
    if isinstance(bodies, Exception):
        raise bodies
    return bodies


def _download_one(url: str, deadline: float, silence: float) -> bytes:
    import requests
    import urllib3

    body, address = bytearray(), remove_password(url)
    try:
        # identity: the files are .gz themselves and are checked as stored, so no one may unpack them on the way.
        headers = {"Accept-Encoding": "identity"}
        with requests.get(url, stream=True, timeout=silence, headers=headers) as response:
            if response.status_code != 200:
                raise UnavailableError(f"{address}: HTTP {response.status_code} {response.reason}")
            for block in response.raw.stream(1 << 16, decode_content=False):
                body += block
                if len(body) > MAX_BYTES or time.monotonic() > deadline:
                    raise UnavailableError(f"{address}: not complete in time, or more than {MAX_BYTES >> 20} MiB")
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise UnavailableError(f"{address}: {describe_cause(error)}") from None
    return bytes(body)


def describe_cause(error: BaseException) -> str:
    """Return in one line what happened to a request.

    requests wraps the error of urllib3, which wraps the error of the socket: the innermost one has the best message.
    """
    wrapped = (getattr(error, "reason", None), *error.args, error.__cause__)
    inner = next((part for part in wrapped if isinstance(part, Exception)), None)
    if inner is not None:
        return describe_cause(inner)
    return str(getattr(error, "strerror", None) or error or type(error).__name__).splitlines()[0]
