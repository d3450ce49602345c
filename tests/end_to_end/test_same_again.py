"""Same seed, same machine, CPU: the same bits in every process, however the run is cut, saved and recorded."""

import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from nnjax.runs import provenance
from tests.end_to_end.conftest import command

START = """
import sys
from nnjax.training import trainer
trainer.CHUNK_SECONDS, trainer.FIRST_STEPS = float(sys.argv.pop(1)), int(sys.argv.pop(1))
from nnjax.train import main
main()
"""
XOR = ("+experiment=xor",)
DIGITS = ("+experiment=mnist", "data.source=bundled", "model.hidden=[32]", "training.epochs=2")
FEW = ("tracking.enabled=false", "tracking.figures=false")
VARIED = [  # seconds of a chunk, steps of the first, and settings that may change no bit
    ("1.0", "20", FEW),
    ("0.002", "1", (*FEW, "checkpoint.every=1")),
    ("0.02", "7", (*FEW, "checkpoint.every=0.1s", "runtime.compile_cache=null")),
    ("0.3", "50", ("tracking.model=false", "training.gradient_check=false")),
    ("0.005", "3", (*FEW, "checkpoint.every=null", "training.gradient_check=false")),
]
NUMBERS = count()


def start(folder, words, how):
    """A process that trains; its run folder."""
    seconds, steps, settings = how
    run = folder / f"run {next(NUMBERS)}"
    given = [sys.executable, "-c", START, seconds, steps, *words, *settings, f"hydra.run.dir='{run}'"]
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(given, cwd=folder, env=env, text=True, **pipes), run


def digests(started):
    """The digests of processes that were started, once they have ended."""
    found = []
    for process, run in started:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        found.append(json.loads((run / provenance.FILE).read_text())[provenance.RESULT])
    return found


@pytest.mark.ci
def test_three_processes_have_one_hash(xor, tmp_path):
    """Recorded with figures; in hundreds of chunks with a checkpoint each epoch; and `nnjax reproduce`."""
    tag = xor.run().data.tags[provenance.RESULT]
    assert digests([start(tmp_path, XOR, VARIED[1])]) == [tag]
    again = command(xor.folder, "reproduce", xor.run().info.run_id, module="nnjax")
    assert again.code == 0, again.err
    assert f"bit-equal: {tag[:12]}" in again.out


@pytest.mark.slow
def test_twenty_processes_of_each_have_one_hash(tmp_path):
    """Two at once, of different networks, so that threads meet other loads each time."""
    hashes = {XOR: set(), DIGITS: set()}
    for i in range(20):
        started = {words: start(tmp_path, words, VARIED[(i + place) % 5]) for place, words in enumerate(hashes)}
        for words, one in started.items():
            hashes[words].update(digests([one]))
    assert [len(each) for each in hashes.values()] == [1, 1]
    assert hashes[XOR] != hashes[DIGITS]
