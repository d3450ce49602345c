"""SIGINT and SIGTERM: remembered where something is to be saved, raised elsewhere, and the end in time."""

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
HEAD = "import hashlib, sys, time\nfrom nnjax.system import signals\nfrom nnjax.errors import exit_with_one_line\n"
TAIL = """
def say(word):
    print(word, flush=True)
with signals.watched():
    exit_with_one_line(body)
"""
SAVES = """
def body():
    with signals.caught() as stop:
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
signals.ENDING = 0.5
def body():
    say("ready")
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # as a compiler: Python's own code isn't reached
"""
SAVES_LONG = """
signals.ONE_PRESS = 0.05
def body():
    with signals.caught() as stop:
        say("ready")
        time.sleep(60)
        while True:
            time.sleep(60)
"""
CLOSES_LONG = """
signals.ENDING = 0.5
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


def ended(body, *numbers, pause=0.3):
    """A program that gets these signals once it is ready: exit code, what it said, both streams' text, seconds."""
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
    said, noise = process.communicate(timeout=30)
    return process.returncode, said, noise, time.monotonic() - began


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_is_to_be_saved_is_saved_and_the_exit_code_says_which_signal_it_was(number, code):
    assert ended(SAVES, number)[:3] == (code, "saved\n", "interrupted\n")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_where_nothing_is_to_be_saved_it_ends_at_once_and_closes(number, code):
    found = ended(WAITS, number, number, pause=0)  # twice, as `timeout` sends it
    assert found[:3] == (code, "closed\n", "interrupted\n")
    assert found[3] < 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("body", [HANGS, CLOSES_LONG], ids=["compiling", "closing"])
def test_what_hangs_ends_in_time(body, number, code):
    found = ended(body, number)
    assert (found[0], found[2]) == (code, "interrupted\n")
    assert found[3] < 3


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_where_python_ignores_it_it_comes_again(number, code):
    """An exception in a callback of a weak reference, as importlib has them, is printed and forgotten."""
    assert ended(IGNORED, number)[:3] == (code, "went on\nclosed\n", "interrupted\n")


def test_a_second_ctrl_c_ends_at_once():
    found = ended(SAVES_LONG, signal.SIGINT, signal.SIGINT)
    assert (found[0], found[2]) == (130, "interrupted\n")
    assert found[3] < 3


def test_in_a_notebook_a_signal_is_an_exception_and_the_next_one_too():
    handlers = [signal.getsignal(number) for number in signals.SIGNALS]
    for number in (*signals.SIGNALS, signal.SIGINT):
        reached = False
        with pytest.raises(Interrupted) as caught, signals.caught() as stop:
            assert not stop.requested
            signal.raise_signal(number)
            reached = stop.requested
        assert reached
        assert caught.value.code == 128 + number
    assert [signal.getsignal(number) for number in signals.SIGNALS] == handlers
    with signals.caught() as stop:
        pass
    assert not stop.requested
