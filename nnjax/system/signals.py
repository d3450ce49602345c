"""SIGINT (Ctrl-C) and SIGTERM: what is at hand is finished and saved, and the process has ended within seconds."""

import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from nnjax.errors import SIGNALLED, Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM)
CODES = tuple(SIGNALLED + number for number in SIGNALS)  # of a process that ended so: 130, 143
ENDING = 2.5  # seconds that a command has to end, where nothing is to be saved: compiling can't be interrupted
SAVING = 10.0  # the same where a chunk is trained to its end and saved
AGAIN = 0.05  # seconds until a signal comes again that Python has ignored
ONE_PRESS = 0.3  # seconds in which the same signal may come twice: `timeout` sends it to the process and to its group


class Stop:
    """Whether to stop; number: the signal that asked for it, None where none did."""

    number: int | None = None

    @property
    def requested(self) -> bool:
        """Whether a signal has come."""
        return self.number is not None


_saving: list[Stop] = []  # the innermost last: where a signal is only remembered


def _come(number: int, frame: FrameType | None) -> None:
    """Remembers the signal where something is to be saved; elsewhere raises Interrupted."""
    if _saving:
        _saving[-1].number = _saving[-1].number or number
    elif not _Watch.ending:
        _Watch.ending = _Watch.watching
        raise Interrupted(number)


@contextmanager
def caught() -> Iterator[Stop]:
    """Signals only set `requested`, so that the body can end where it likes; leaving it then raises Interrupted."""
    stop = Stop()
    with _handled():
        _saving.append(stop)
        try:
            yield stop
        finally:
            _saving.remove(stop)
    if stop.number is not None:
        _Watch.ending = _Watch.watching
        raise Interrupted(stop.number)


@contextmanager
def _handled() -> Iterator[None]:
    """Both signals come to us, where Python gives them: in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _come) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():  # a process that is ending can't be asked to again
            signal.signal(number, signal.SIG_IGN if _Watch.ending else handler)


def _swallowed(show: Callable[[Any], None]) -> Callable[[Any], None]:
    """A `sys.unraisablehook`: where Python ignores Interrupted, as in callbacks of its own imports, it comes again."""

    def hook(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, Interrupted):
            show(unraisable)
            return
        _Watch.ending = False
        threading.Timer(AGAIN, os.kill, (os.getpid(), unraisable.exc_value.code - SIGNALLED)).start()

    return hook


class _Watch:
    """A thread that ends the process where Python can't, as it is compiling or waits for somebody."""

    watching = False
    ending = False  # Interrupted was raised: no signal raises another while things are closed

    def __init__(self) -> None:
        self.hears, self.tells = socket.socketpair()
        self.tells.setblocking(False)
        self.first: int | None = None
        self.thread = threading.Thread(target=self.watch, name="signals", daemon=True)
        self.thread.start()

    def watch(self) -> None:
        """Ends the process by a second Ctrl-C, or when the time after the first signal is over."""
        since, until = 0.0, None
        while True:
            left = None if until is None else max(0, until - time.monotonic())
            with selectors.DefaultSelector() as waits:  # select.select has no file descriptors above 1,023
                waits.register(self.hears, selectors.EVENT_READ)
                ready = waits.select(left)
            if not ready:
                end(self.first or signal.SIGINT)
            numbers = self.hears.recv(64)
            if not numbers:  # closed: no signal came
                return
            for number in filter(SIGNALS.__contains__, numbers):
                now = time.monotonic()
                if self.first is None:
                    self.first, since = number, now
                    until = now + (SAVING if _saving else ENDING)
                elif number == signal.SIGINT and now - since > ONE_PRESS:
                    end(number)


def end(number: int) -> None:
    """Ends the process here and now: what is written is whole, and the next start sets right a run left RUNNING."""
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(SIGNALLED + number)


@contextmanager
def watched() -> Iterator[None]:
    """For a whole command: a signal raises Interrupted wherever it isn't `caught`, and the process ends in time."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watch, _Watch.watching = _Watch(), True
    shown = sys.unraisablehook
    sys.unraisablehook = _swallowed(shown)
    before: Any = signal.set_wakeup_fd(watch.tells.fileno(), warn_on_full_buffer=False)
    with _handled():
        try:
            yield
        finally:
            if not _Watch.ending:  # else it stays: the process is ending, and shall not hang in that
                signal.set_wakeup_fd(before)
                watch.tells.close()
                watch.thread.join()
                watch.hears.close()
                _Watch.watching = _Watch.ending = False
                sys.unraisablehook = shown
