"""SIGINT (Ctrl-C) and SIGTERM: work in progress is finished and saved, and the process ends within seconds."""

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
CODES = tuple(SIGNALLED + number for number in SIGNALS)  # exit codes of a process that a signal ended: 130, 143
SECONDS_TO_END = 2.5  # for a command with nothing to save: compiling cannot be interrupted
SECONDS_TO_SAVE = 10.0  # for a command that trains its chunk to the end and saves it
RETRY_SECONDS = 0.05  # until a signal is sent again whose exception Python has ignored
ONE_PRESS = 0.3  # seconds in which one Ctrl-C may arrive twice: `timeout` signals the process and its group


class Stop:
    """Whether the body of `defer` should stop. number: the signal that asked for it, None before one arrives."""

    number: int | None = None

    @property
    def requested(self) -> bool:
        """Whether a signal has arrived."""
        return self.number is not None


_deferring: list[Stop] = []  # bodies of `defer` that are running, the innermost last


def _handle(number: int, frame: FrameType | None) -> None:
    """Record the signal inside `defer`; raise Interrupted elsewhere."""
    if _deferring:
        _deferring[-1].number = _deferring[-1].number or number
    elif not _Watcher.ending:
        _Watcher.ending = _Watcher.watching
        raise Interrupted(number)


@contextmanager
def defer() -> Iterator[Stop]:
    """Let signals only set `requested`, so that the body can stop where nothing is lost.

    Raises Interrupted after the body if a signal has arrived.
    """
    stop = Stop()
    with _handlers():
        _deferring.append(stop)
        try:
            yield stop
        finally:
            _deferring.remove(stop)
    if stop.number is not None:
        _Watcher.ending = _Watcher.watching
        raise Interrupted(stop.number)


@contextmanager
def _handlers() -> Iterator[None]:
    """Handle both signals in the body. Python allows this in the main thread only; in others nothing happens."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():  # a process that is ending needs no second request
            signal.signal(number, signal.SIG_IGN if _Watcher.ending else handler)


def _retry_ignored(show: Callable[[Any], None]) -> Callable[[Any], None]:
    """Return a `sys.unraisablehook` that sends a signal again whose Interrupted Python ignored.

    Python ignores exceptions in callbacks, such as those that its imports use. show: the hook for all other exceptions.
    """

    def hook(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, Interrupted):
            show(unraisable)
            return
        _Watcher.ending = False
        threading.Timer(RETRY_SECONDS, os.kill, (os.getpid(), unraisable.exc_value.code - SIGNALLED)).start()

    return hook


class _Watcher:
    """A thread that ends the process when Python itself cannot, because it compiles or waits."""

    watching = False
    ending = False  # Interrupted was raised: a second signal must not raise another while files are closed

    def __init__(self) -> None:
        self.receiver, self.sender = socket.socketpair()
        self.sender.setblocking(False)
        self.first: int | None = None
        self.thread = threading.Thread(target=self.watch, name="signals", daemon=True)
        self.thread.start()

    def watch(self) -> None:
        """End the process after a second Ctrl-C, or when the time since the first signal is over."""
        since, until = 0.0, None
        while True:
            left = None if until is None else max(0, until - time.monotonic())
            with selectors.DefaultSelector() as selector:  # select.select has no file descriptors above 1,023
                selector.register(self.receiver, selectors.EVENT_READ)
                ready = selector.select(left)
            if not ready:
                end_process(self.first or signal.SIGINT)
            numbers = self.receiver.recv(64)
            if not numbers:  # the sender was closed: the command is done
                return
            for number in filter(SIGNALS.__contains__, numbers):
                now = time.monotonic()
                if self.first is None:
                    self.first, since = number, now
                    until = now + (SECONDS_TO_SAVE if _deferring else SECONDS_TO_END)
                elif number == signal.SIGINT and now - since > ONE_PRESS:
                    end_process(number)


def end_process(number: int) -> None:
    """End the process at once. Files are complete or absent, and the next start corrects a run that is left RUNNING."""
    with suppress(OSError):
        os.write(2, b"interrupted\n")
    os._exit(SIGNALLED + number)


@contextmanager
def watch() -> Iterator[None]:
    """Let signals raise Interrupted during a whole command, except inside `defer`, and end the process in time."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    watcher, _Watcher.watching = _Watcher(), True
    show = sys.unraisablehook
    sys.unraisablehook = _retry_ignored(show)
    before: Any = signal.set_wakeup_fd(watcher.sender.fileno(), warn_on_full_buffer=False)
    with _handlers():
        try:
            yield
        finally:
            if not _Watcher.ending:  # otherwise the thread stays, so that an ending that hangs is ended too
                signal.set_wakeup_fd(before)
                watcher.sender.close()
                watcher.thread.join()
                watcher.receiver.close()
                _Watcher.watching = _Watcher.ending = False
                sys.unraisablehook = show
