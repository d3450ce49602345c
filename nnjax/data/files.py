"""Files and addresses: the data directory, sha256, atomic writes, and downloads that end in time."""

import gzip
import hashlib
import os
import queue
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from nnjax.system.secrets import without_password

LARGEST_DOWNLOAD = 64 << 20  # bytes a file; the largest here, Fashion-MNIST's training images, has 26 MB


class UnavailableError(Exception):
    """No source gave the data. reasons: one line each, `WHERE: WHY`, for every source that was tried."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def data_directory(directory: str | None) -> Path:
    """Return `directory`, or TensorFlow Datasets' own default, found as tfds.core.constants does but without it."""
    chosen = directory or os.environ.get("TFDS_DATA_DIR") or os.path.join("~", "tensorflow_datasets")
    return Path(os.path.expanduser(chosen)).absolute()


def sha256_of(path: Path) -> str:
    """Return the sha256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_unpacked(path: Path) -> str | None:
    """Return the sha256 (hex) of what a gzip file holds, None where it holds nothing whole."""
    digest = hashlib.sha256()
    try:
        with gzip.open(path) as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return None
    return digest.hexdigest()


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Let `write` fill a file beside `path`, then rename it to `path`: readers see the old or the new, never half.

    Raises OSError, with nothing left behind, when the folder is missing, full or not writable.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.partial")
    try:
        with partial.open("wb") as file:
            write(file)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def download(urls: Sequence[str], seconds: float, silence: float) -> list[bytes]:
    """Return the bodies of all `urls`; raise UnavailableError after `seconds` in all or `silence` without a byte."""
    answers: queue.SimpleQueue[list[bytes] | Exception] = queue.SimpleQueue()
    deadline = time.monotonic() + seconds

    def answer() -> None:
        try:
            answers.put([_body(url, deadline, silence) for url in urls])
        except Exception as error:  # whatever it is, it belongs to the thread that waits
            answers.put(error)

    # A daemon thread can be left behind: looking up a name has no time limit of its own, and must not delay the exit.
    threading.Thread(target=answer, daemon=True).start()
    try:
        bodies = answers.get(timeout=seconds)
    except queue.Empty:
        raise UnavailableError(f"{without_password(urls[0])}: not complete within {seconds:g} s") from None
    if isinstance(bodies, Exception):
        raise bodies
    return bodies


def _body(url: str, deadline: float, silence: float) -> bytes:
    import requests
    import urllib3

    body, shown = bytearray(), without_password(url)
    try:
        # identity: the files are .gz themselves and are checked as stored, so nobody may unpack them on the way.
        headers = {"Accept-Encoding": "identity"}
        with requests.get(url, stream=True, timeout=silence, headers=headers) as response:
            if response.status_code != 200:
                raise UnavailableError(f"{shown}: HTTP {response.status_code} {response.reason}")
            for block in response.raw.stream(1 << 16, decode_content=False):
                body += block
                if len(body) > LARGEST_DOWNLOAD or time.monotonic() > deadline:
                    raise UnavailableError(f"{shown}: not complete in time, or more than {LARGEST_DOWNLOAD >> 20} MiB")
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise UnavailableError(f"{shown}: {cause_of(error)}") from None
    return bytes(body)


def cause_of(error: BaseException) -> str:
    """Return in one line what happened to a request.

    requests wraps urllib3, which wraps the socket's own error: the innermost one says it in words.
    """
    wrapped = (getattr(error, "reason", None), *error.args, error.__cause__)
    inner = next((part for part in wrapped if isinstance(part, Exception)), None)
    if inner is not None:
        return cause_of(inner)
    return str(getattr(error, "strerror", None) or error or type(error).__name__).splitlines()[0]
