"""The process that uploads journals while something is trained: `python -m nnjax.tracking.uploader_process`.

It is told folders on standard input, one line of JSON each, and says in each folder's upload.json how far it got. The
end of its standard input means that the process that trains is gone: a journal without an end is ended as KILLED, each
folder gets one last try, and the process ends.
"""

import gc
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import Timeout

from nnjax.errors import StoreError
from nnjax.tracking import journal, not_uploaded
from nnjax.tracking.upload import Uploader, catch_up, opening

NICE = 5  # where all cores are busy, the training goes first
POLL = 0.05  # seconds between two looks at the journals
PAUSES = (1, 2, 4, 8, 15, 30)  # seconds between tries while the store takes nothing, the last again and again
LAST_PAUSE = 0.5  # the same once the training is over
ENDING = 5.0  # seconds that a process which was killed may take to be gone
ENDED = None  # the message after the last one

Message = dict[str, Any] | None


class Watched:
    """A folder in which something is trained, and its uploader once nobody else uploads it."""

    def __init__(self, folder: str, store: str, environment: dict[str, str], fresh: bool) -> None:
        self.folder, self.environment = Path(folder), environment
        self.uploader = Uploader(self.folder, store, fresh)
        opened = opening(self.folder)
        self.start_folder, self.process = Path(opened["start_folder"]), opened["process"]
        self.pauses, self.next_try, self.done = iter(PAUSES), 0.0, False
        self.size, self.over = 0, False

    def is_over(self) -> bool:
        """Return whether the journal has its end; it is read again if it has grown."""
        if (size := journal.size(self.folder)) != self.size:
            self.size, self.over = size, journal.ended(journal.read(self.folder)[0])
        return self.over

    def try_upload(self) -> None:
        """Upload what is new, if it is time to; write into upload.json what was in the way."""
        over = self.is_over()
        if over:
            self.next_try = min(self.next_try, time.monotonic() + LAST_PAUSE)
        if time.monotonic() < self.next_try:
            return
        os.environ.clear()
        os.environ.update(self.environment)
        try:
            self.uploader.lock.acquire(timeout=0)
            if not self.uploader.state["time"]:
                self.uploader.save_state()  # from now on it is the store that is waited for
            self.uploader.upload()
        except Timeout:  # another process still uploads an earlier part of this run
            self.next_try = time.monotonic() + POLL
        except (StoreError, OSError) as error:
            self.uploader.save_failure(error)
            self.next_try = time.monotonic() + next(self.pauses, PAUSES[-1])
        except Exception as error:  # no later try can mend it
            self.uploader.save_failure(error)
            self.done = True
        else:
            self.pauses, self.next_try = iter(PAUSES), 0.0
            self.done = over and self.uploader.offset >= journal.size(self.folder)

    def last_try(self) -> None:
        """Upload once more, when the process that trains is gone; one that resumes the run meanwhile uploads it."""
        deadline = time.monotonic() + ENDING
        while not (self.is_over() or journal.end_if_abandoned(self.folder)) and time.monotonic() < deadline:
            if opening(self.folder)["process"] != self.process:
                return
            time.sleep(POLL)
        self.next_try = 0.0
        with suppress(OSError):
            self.try_upload()

    def release(self) -> None:
        """Let others upload the folder."""
        self.uploader.lock.release(force=True)


def listen(messages: "queue.SimpleQueue[Message]") -> None:
    """Put each line of standard input into the queue, and ENDED behind the last."""
    with suppress(ValueError):  # half a line: whoever wrote it was killed
        for line in sys.stdin:
            messages.put(json.loads(line))
    messages.put(ENDED)


def import_mlflow(store: str) -> None:
    """Import what an upload to this store needs, which takes seconds."""
    from nnjax.tracking import mlflow_client, mlflow_model  # noqa: F401

    mlflow_client.load(store)


def receive(messages: "queue.SimpleQueue[Message]", block: bool) -> Message:
    """Return the next message, ENDED behind the last; where nothing is waited for, {} if there is none."""
    try:
        return messages.get(block)
    except queue.Empty:
        return {}


def main() -> None:
    """Upload what is trained until the process that trains is gone."""
    gc.set_threshold(100_000)  # as in train.main
    os.nice(NICE)
    messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(messages,), daemon=True).start()
    watched: dict[str, Watched] = {}
    earlier: Iterator[Path] | None = None  # folders of earlier runs that are still to be looked at
    while (message := receive(messages, block=not watched and earlier is None)) is not ENDED:
        if message:
            import_mlflow(message["store"])
        if message and "folder" in message:
            newest = watched[message["folder"]] = Watched(**message)
            earlier = not_uploaded.folders(newest.start_folder)
        for folder, upload in list(watched.items()):
            upload.try_upload()
            if upload.done:
                watched.pop(folder).release()
        is_idle = all(upload.uploader.offset >= journal.size(upload.folder) for upload in watched.values())
        if is_idle and earlier is not None:
            folder_left = next(earlier, None)
            if folder_left is None:
                earlier = None
            elif str(folder_left) not in watched:
                with suppress(Exception):  # it is of no concern to this run; `nnjax sync` says why
                    catch_up(folder_left)
        time.sleep(0 if message else POLL)
    for upload in watched.values():
        upload.last_try()


if __name__ == "__main__":
    main()
