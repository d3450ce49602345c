"""The thread that brings a run's record to its store while the run is trained: the training never waits for it."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from nnjax.errors import StoreError
from nnjax.tracking import undelivered
from nnjax.tracking.delivery import Delivery, size
from nnjax.tracking.store_uri import refused, sqlite_path

PAUSES = (1, 2, 4, 8, 15, 30)  # seconds between tries, the last again and again
LAST_PAUSE = 0.5  # seconds between tries once the training is over
CREATION = 60.0  # seconds from the first call in which an SQLite store may be created, by us or by another process
POLL = 0.02  # seconds


class Courier(threading.Thread):
    """Delivers what a run's folder has, and what runs before left undelivered.

    It lives as long as the process at most: a store that hangs holds up nobody.

    Args:
        delivery: of the run's folder, by this process or another.
        start_folder: where the command was started.
        prepare: called each time that all is delivered, for what else can be done meanwhile.

    Attributes:
        problem: why the store hasn't got all, if the last try failed.
        wrong: what no later try can mend: an experiment that was deleted, a mistake of ours.
    """

    def __init__(self, delivery: Delivery, start_folder: Path, prepare: Callable[[], None]):
        super().__init__(name="mlflow", daemon=True)
        self.delivery, self.folder, self.start_folder, self.prepare = delivery, delivery.folder, start_folder, prepare
        self.problem: StoreError | None = None
        self.wrong: Exception | None = None
        self.news, self.hurry, self.ready, self.closed, self.given_up = (threading.Event() for _ in range(5))
        self.began = time.monotonic()

    def run(self) -> None:
        """Until all is delivered after `close`, or it is given up."""
        try:
            self.delivery.load()
            self.began = time.monotonic()
            self.ready.set()
            with self.delivery:
                self.work()
        except OSError as error:  # the folder can't be locked
            self.problem = self.of_the_folder(error)
        except Exception as error:
            self.wrong = error
        finally:
            self.ready.set()

    def of_the_folder(self, error: OSError) -> StoreError:
        """Something else that another try may mend: a full disk, a file that went away. It is worth waiting."""
        return refused(self.delivery.store, error, busy=True)

    def work(self) -> None:
        """Tries, with growing pauses while the store doesn't take it."""
        pauses, left = iter(PAUSES), self.left()
        while not self.given_up.is_set():
            self.news.clear()
            try:
                self.delivery.deliver()
            except (StoreError, OSError) as error:
                self.problem = error if isinstance(error, StoreError) else self.of_the_folder(error)
                pause = next(pauses, PAUSES[-1])
                time.sleep(LAST_PAUSE) if self.hurry.is_set() else self.hurry.wait(pause)
                continue
            self.problem, pauses = None, iter(PAUSES)
            self.prepare()
            if self.closed.is_set() and self.done:
                return
            if not next(left, False):
                self.news.wait()

    def left(self) -> Iterator[bool]:
        """Delivers a folder of an earlier run at each step, as long as nobody waits for this one."""
        for folder in undelivered.folders(self.start_folder):
            if folder != self.folder and not self.hurry.is_set():
                with suppress(Exception):  # of no concern to this run; `nnjax sync` says why
                    self.delivery.catch_up(folder)
                yield True

    def close(self) -> None:
        """Nothing more will come."""
        for flag in (self.closed, self.hurry, self.news):
            flag.set()

    def give_up(self) -> None:
        """Nobody waits any more: the next try is the last."""
        for flag in (self.given_up, self.hurry, self.news):
            flag.set()

    @property
    def done(self) -> bool:
        """Whether the store has all that the record has."""
        return self.delivery.offset >= size(self.folder)

    def settled(self, seconds: float) -> bool:
        """Waits until all is delivered, or nothing has happened for so many seconds; whether it is.

        The seconds count from when it has begun to talk to the store.
        """
        last = time.monotonic()
        while not self.done and self.is_alive():
            if not self.ready.is_set() or self.creating():
                last = time.monotonic()
            last = max(last, self.delivery.progressed)
            if time.monotonic() - last > seconds:
                return False
            time.sleep(POLL)
        return self.done

    def settled_within(self, seconds: float) -> bool:
        """Waits until all is delivered, so many seconds at most; whether it is."""
        until = time.monotonic() + seconds
        while not self.done and self.is_alive() and time.monotonic() < until:
            time.sleep(POLL)
        return self.done

    def creating(self) -> bool:
        """Whether an SQLite store may still be being made and opened for the first time, which no answer tells."""
        first = self.delivery.where is None and self.problem is None
        return first and sqlite_path(self.delivery.store) is not None and time.monotonic() - self.began < CREATION
