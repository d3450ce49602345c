"""SIGINT and SIGTERM: recorded where something is to be saved, raised elsewhere; the process ends in time."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nnjax.errors import Interrupted
from nnjax.system import signals

ROOT = Path(signals.__file__).parents[2]
HEAD = "import hashlib, sys, time\nfrom nnjax.system import signals\nfrom nnjax.system.exit import exit_with_one_line\n"
TAIL = """
def say(word):
    print(word, flush=True)
with signals.watch():
    exit_with_one_line(body)
"""
SAVES = """
def body():
    with signals.defer() as stop:
        say("ready")
        while not stop.requested:
            time.sleep(0.01)
        say("saved")
    say("never")
"""
WAITS = """
def body():
    try:
        say("ready")
        time.sleep(60)
    finally:
        say("closed")
"""
HANGS = """
signals.SECONDS_TO_END = 0.5
def body():
    say("ready")
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # as a compiler: Python's own code isn't reached
"""
SAVES_LONG = """
signals.ONE_PRESS = 0.05
def body():
    with signals.defer() as stop:
        say("ready")
        time.sleep(60)
        while True:
            time.sleep(60)
"""
CLOSES_LONG = """
signals.SECONDS_TO_END = 0.5
def body():
    try:
        say("ready")
        time.sleep(60)
    finally:
        time.sleep(60)
"""
IGNORED = """
import weakref
def body():
    def callback(reference):
        say("ready")
        time.sleep(60)
    thing = set()
    reference = weakref.ref(thing, callback)
    del thing
    try:
        say("went on")
        time.sleep(60)
    finally:
        say("closed")
"""


def run_and_signal(body, *numbers, pause=0.3):
    """Run a program and send it these signals when it is ready: (exit code, stdout, stderr, seconds)."""
    program = HEAD + body + TAIL
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    began = time.monotonic()
    for number in numbers:
        process.send_signal(number)
        time.sleep(pause)
    stdout, stderr = process.communicate(timeout=30)
    return process.returncode, stdout, stderr, time.monotonic() - began


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_to_be_saved_is_saved_and_the_exit_code_says_which_signal_it_was(number, code):
    assert run_and_signal(SAVES, number)[:3] == (code, "saved\n", "interrupted\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_where_nothing_is_to_be_saved_it_ends_at_once_and_closes(number, code):
    *result, seconds = run_and_signal(WAITS, number, number, pause=0)  # twice, as `timeout` sends it
    assert result == [code, "closed\n", "interrupted\n"]
    assert seconds < 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("body", [HANGS, CLOSES_LONG], ids=["compiling", "closing"])
def test_what_hangs_ends_in_time(body, number, code):
    exit_code, _, stderr, seconds = run_and_signal(body, number)
    assert (exit_code, stderr) == (code, "interrupted\n")
    assert seconds < 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_whose_exception_python_ignores_is_sent_again(number, code):
    """An exception in a callback of a weak reference, as importlib has them, is printed and forgotten."""
    assert run_and_signal(IGNORED, number)[:3] == (code, "went on\nclosed\n", "interrupted\n")


def test_a_second_ctrl_c_ends_at_once():
    exit_code, _, stderr, seconds = run_and_signal(SAVES_LONG, signal.SIGINT, signal.SIGINT)
    assert (exit_code, stderr) == (130, "interrupted\n")
    assert seconds < 3


def test_without_watch_every_signal_raises_an_exception():
    handlers = [signal.getsignal(number) for number in signals.SIGNALS]
    for number in (*signals.SIGNALS, signal.SIGINT):
        reached = False
        with pytest.raises(Interrupted) as caught, signals.defer() as stop:
            assert not stop.requested
            signal.raise_signal(number)
            reached = stop.requested
        assert reached
        assert caught.value.code == 128 + number
    assert [signal.getsignal(number) for number in signals.SIGNALS] == handlers
    with signals.defer() as stop:
        pass
    assert not stop.requested
