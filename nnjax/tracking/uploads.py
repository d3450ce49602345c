"""Journals and their upload, as the process that trains sees them: start the uploader, tell it folders, wait for it."""

import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import IO, Any

from nnjax.errors import InputError, StoreError
from nnjax.system import processes, secrets
from nnjax.tracking import journal, not_uploaded, store_uri, upload
from nnjax.tracking.journal import RunJournal, Status

MODULE = "nnjax.tracking.uploader_process"
CREATION = 60.0  # seconds in which an SQLite store may be created, by us or by another process
POLL = 0.02  # seconds
RESTART = 1.0  # seconds between two starts of a process that ends at once
_lock = threading.Lock()
_process: "subprocess.Popen[str] | None" = None  # of this Python process; the next run of a notebook uses it again
_stderr: IO[bytes] | None = None  # of the process; it is read only if the process dies


def start(store: str) -> None:
    """Start the process if none is running; it imports MLflow while this process imports JAX and compiles."""
    _send({"store": store})


def _send(message: dict[str, Any]) -> None:
    global _process
    with _lock:
        for _ in range(2):
            if _process is None or _process.poll() is not None:
                _process = _start()
            assert _process.stdin is not None
            with suppress(BrokenPipeError):  # it has ended since
                _process.stdin.write(json.dumps(message) + "\n")
                _process.stdin.flush()
                return


def why_ended() -> str:
    """Return how the process has ended, with the last line of its error output; "" while it runs."""
    if _process is None or _process.poll() is None or _stderr is None:
        return ""
    _stderr.seek(0)
    lines = _stderr.read().decode(errors="replace").split("\n")
    last_line = next((f": {secrets.remove_password(line)}" for line in reversed(lines) if line.strip()), "")
    return f"the process that uploads ended with {_process.returncode}{last_line}"


@atexit.register
def _close_pipes() -> None:
    for file in (None if _process is None else _process.stdin, _stderr):
        if file is not None:
            with suppress(BrokenPipeError):
                file.close()


def _start() -> "subprocess.Popen[str]":
    global _stderr
    _close_pipes()  # of a process that has died
    _stderr = tempfile.TemporaryFile()  # noqa: SIM115 (it is open as long as the process runs)
    package = str(Path(__file__).parents[2])
    paths = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, "-m", MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=_stderr,
        text=True,
        start_new_session=True,  # Ctrl-C at the terminal is for the training: this process still uploads what there is
        env={**os.environ, "PYTHONPATH": paths},
    )


class Upload:
    """The upload of one folder by the process, as the process that trains sees it.

    Args:
        folder: with a journal that has its opening.
        store: its address, with user and password.
        fresh: the journal has just begun.
    """

    def __init__(self, folder: Path, store: str, fresh: bool) -> None:
        self.folder, self.store = folder, store
        self.message = {"folder": str(folder), "store": store, "environment": dict(os.environ), "fresh": fresh}
        self.started = self.sent = self.progressed = time.monotonic()
        self.seen: dict[str, Any] = {}
        self.death = ""  # how the process ended, if it did
        _send(self.message)

    def keep_alive(self) -> None:
        """Start the process again if it has died."""
        if (reason := why_ended()) and time.monotonic() - self.sent > RESTART:
            self.death, self.sent = reason, time.monotonic()
            self.message["fresh"] = False
            _send(self.message)

    def state(self) -> dict[str, Any]:
        """Return what upload.json says now, and keep the process alive."""
        self.keep_alive()
        state = upload.read_state(self.folder, self.store, failures=True)
        advance = {key: state[key] for key in ("run", "offset", "files", "model", "steps")}
        if advance != self.seen:
            self.seen, self.progressed = advance, time.monotonic()
        return state

    @property
    def done(self) -> bool:
        """Return whether the store has all of the journal."""
        return bool(self.state()["offset"] >= journal.size(self.folder))

    def link(self) -> tuple[str, str]:
        """Return the run's id and how to look at it; both are empty as long as no store knows it."""
        state = self.state()
        return (state["run"], state["link"]) if state["run"] else ("", "")

    def refusal(self) -> Exception | None:
        """Return why the store takes nothing, if that is known and nobody else is using it just now."""
        state = self.state()
        if state["wrong"]:
            return wrong(state)
        if state["problem"] and not state["busy"]:
            return StoreError(store_uri.public(self.store), state["problem"])
        return None

    def mistake(self) -> Exception | None:
        """Return what no later try can mend, None if there is nothing."""
        state = self.state()
        return wrong(state) if state["wrong"] else None

    def problem(self) -> str:
        """Return why the last try failed, "" if it didn't."""
        state = self.state()
        return str(state["wrong"] or state["problem"] or self.death)

    def wait(self, seconds: float, until_progress: bool = True) -> bool:
        """Wait until all is uploaded; return whether it is.

        seconds: the longest time without progress, counted from when the process first talks to the store; without
        until_progress the longest time in all.
        """
        began = self.progressed = time.monotonic()
        while not self.done:
            state = self.state()
            if state["wrong"]:
                return False
            silent = time.monotonic() - (self.progressed if until_progress else began)
            if silent > seconds and not (until_progress and self.is_starting(state)):
                return False
            time.sleep(POLL)
        return True

    def is_starting(self, state: dict[str, Any]) -> bool:
        """Return whether the process may still import mlflow or make an SQLite store, of which no answer tells."""
        untouched = not (state["run"] or state["problem"] or self.death)
        is_sqlite = store_uri.sqlite_path(self.store) is not None
        return untouched and (not state["time"] or is_sqlite) and time.monotonic() - self.started < CREATION


class UploadedJournal:
    """The journal of a run or a sweep of this process, which the uploader process uploads meanwhile.

    Before anything is trained, `check` raises if the store refuses. From then on no store stops the training.

    Args:
        what: `run` or `sweep`, for the line that says what was not uploaded.
        folder: of the run or the sweep.
        start_folder: where the command was started.
        uri: the store, as `tracking.uri` has it.
        resumed: the run goes on, and so does its journal.

    Raises StoreError if a quick check without MLflow shows that there can't be a store.
    """

    def __init__(self, what: str, folder: Path, start_folder: Path, uri: str | None, resumed: bool) -> None:
        self.what, self.folder, self.start_folder = what, folder.absolute(), start_folder.absolute()
        self.store = store_uri.store_uri(uri, self.start_folder)
        store_uri.check_there(self.store)
        self.journal = RunJournal(self.folder, resumed)
        self.trained = self.journal.resumed  # from then on no problem of the store ends the run
        not_uploaded.add(self.start_folder, self.folder)

    def open(self, **facts: Any) -> None:
        """Append the opening, and tell the uploader."""
        self.journal.append(
            "open",
            id=self.journal.id,
            uri=store_uri.public(self.store),
            start_folder=str(self.start_folder),
            process=processes.current_process(),
            **facts,
        )
        self.upload = Upload(self.folder, self.store, fresh=not self.journal.resumed)

    def check(self) -> None:
        """Keep the uploader alive; before anything is trained, raise the store's error if it is known to refuse."""
        self.upload.keep_alive()
        refusal = None if self.trained else self.upload.refusal()
        if refusal is not None:
            raise refusal
        self.trained = True

    def end(self, status: Status, patience: float, **facts: Any) -> bool:
        """Append the end and wait for the upload; return whether all is uploaded, or there was nothing to upload.

        patience: seconds to wait without progress; for a KILLED run seconds to wait in all.
        """
        with suppress(OSError) if status != "FINISHED" else nullcontext():  # the disk may be full, which ended the run
            self.journal.append("end", status=status, **facts)
            self.journal.save()
        refused = not self.trained and status == "FAILED" and self.upload.refusal() is not None
        if refused:
            not_uploaded.remove(self.start_folder, self.folder)
        uploaded = refused or self.upload.wait(patience, until_progress=status != "KILLED")
        self.journal.close()
        return uploaded

    def raise_mistake(self) -> None:
        """Raise a mistake of ours; one of the user's, such as a deleted experiment, only if nothing was trained."""
        mistake = self.upload.mistake()
        if mistake is not None and not (self.trained and isinstance(mistake, InputError)):
            raise mistake

    def not_uploaded(self, otherwise: str) -> str:
        """Return the line that says what is not uploaded; otherwise: the reason where the store gave none."""
        reason = self.upload.problem() or otherwise
        return not_uploaded.line(self.what, self.folder, self.start_folder, self.store, reason)


def wrong(state: dict[str, Any]) -> Exception:
    """Return the error that a state tells of: a mistake of the user's, or one of ours."""
    return RuntimeError(state["wrong"]) if state["mistake"] else InputError(state["wrong"])
