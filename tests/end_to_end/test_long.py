"""Long trainings: memory stays what it was."""

import json
import statistics
import subprocess
import sys

import pytest

from tests.end_to_end.conftest import environment

MEASURED = """
import json, sys
from pathlib import Path
from experiments.training import configured
from nnjax.config.lanes import lane_configs
from nnjax.runs import build
from nnjax.runs.plan import make_plan
from nnjax.runs.sweep.train_lanes import HISTORY_EPOCHS

config = configured(*sys.argv[1:])
lanes, dataset = lane_configs(config), make_plan(config).dataset
training = build.trainer(lanes, dataset, history_epochs=HISTORY_EPOCHS if len(lanes) > 1 else None)
found = []
for chunk in training.chunks():
    status = Path("/proc/self/status").read_text()
    found.append((chunk.epoch, int(status.split("VmRSS:")[1].split()[0]) / 1024))
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
@pytest.mark.parametrize(
    ("words", "chunks", "megabytes"),
    [(("training.epochs=100000",), 1, 20), (("lanes.seeds=2000", "training.epochs=40000"), 5, 60)],
    ids=["100,000 epochs", "2,000 lanes"],
)
def test_memory_is_flat(tmp_path, words, chunks, megabytes):
    """The second third and the last, by their medians: chunks of other sizes come and go. All rows would be 2.2 GB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "+experiment=xor", *words],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    last = found[-1][0]
    thirds = [[memory for epoch, memory in found if last * i / 3 < epoch <= last * (i + 1) / 3] for i in range(3)]
    assert min(map(len, thirds)) >= chunks
    assert statistics.median(thirds[2]) - statistics.median(thirds[1]) < megabytes, found
