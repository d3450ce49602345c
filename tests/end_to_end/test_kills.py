"""kill -9 at random moments: what was computed is there, the end has the same bits, and MLflow has nothing twice."""

import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from safetensors.numpy import load_file

from nnjax.tracking.quiet import quiet
from tests.end_to_end.conftest import command, environment

PARITY = (
    *("data=boolean", "data.function=parity", "data.inputs=12", "loss=log_loss", "model.hidden=[64]", "optimizer=adam"),
    *("training.batch_size=8", "checkpoint.every=0.3s", "tracking.figures=false", "tracking.model=false"),
)
LANES = ("lanes.seeds=3", "lanes.strategy=map", "lanes.record=runs", "sweep.name=killed")
LONGEST = 8.0  # seconds until a kill, at most
EPOCHS = 100  # for each kill: half a second of training for each of three lanes


def killed(folder: Path, words: tuple[str, ...], seconds: float) -> bool:
    """Starts the command, and kills it after so long; whether it was still there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nnjax.train", *words],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def arrays(folder: Path, pattern: str) -> dict[str, np.ndarray]:
    """All arrays in the networks and histories of a folder."""
    found: dict[str, np.ndarray] = {}
    for path in sorted(folder.glob(pattern)):
        if path.suffix == ".npz":
            with np.load(path) as file:
                found |= dict(file)
        else:
            found |= load_file(path)
    return found


def assert_same(one: Path, other: Path, pattern: str) -> None:
    """Bit for bit, and something at all."""
    left, right = arrays(one, pattern), arrays(other, pattern)
    assert left.keys() == right.keys()
    assert {"0.Theta", "train/loss"} & left.keys()
    for name, array in left.items():
        np.testing.assert_array_equal(array, right[name], err_msg=name)


def assert_nothing_twice(folder: Path, runs: int) -> None:
    """Each metric has one point a step, each member one run, and all runs have ended."""
    with quiet():
        client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        found = client.search_runs([each.experiment_id for each in client.search_experiments()])
    assert Counter(run.info.status for run in found) == {"FINISHED": runs}
    members = Counter(run.data.tags["member"] for run in found if "member" in run.data.tags)
    assert not members or set(members.values()) == {1}
    for run in found:
        for metric in run.data.metrics:
            steps = Counter(point.step for point in client.get_metric_history(run.info.run_id, metric))
            assert set(steps.values()) == {1}, (run.info.run_name, metric)


@pytest.mark.slow
@pytest.mark.parametrize("kills", [30, 200])
def test_three_lanes_killed_and_resumed(tmp_path: Path, kills: int) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    folder.mkdir()
    words = (*PARITY, *LANES, f"training.epochs={kills * EPOCHS}")
    moments = random.Random(kills)
    hits = sum(killed(folder, words, moments.uniform(0, LONGEST)) for _ in range(kills))
    assert hits == kills, "the training was over before the last kill"
    for each in (folder, whole):
        done = command(each, *words, seconds=60 + 10 * kills)  # two a kill where nobody else computes
        assert done.code == 0, done.err
    assert_same(folder, whole, "sweeps/killed/lanes/*.safetensors")
    assert_same(folder, whole, "sweeps/killed/lanes/*.npz")
    assert_nothing_twice(folder, runs=4)


@pytest.mark.slow
def test_a_run_killed_and_resumed(tmp_path: Path) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    folder.mkdir()
    words, moments = (*PARITY, f"training.epochs={60 * EPOCHS}"), random.Random(0)
    assert killed(folder, words, LONGEST + 4)
    (run,) = folder.glob("outputs/*/*")
    assert list(run.glob("checkpoints/*.safetensors"))
    again = f"resume={run.relative_to(folder)}"
    assert all(killed(folder, (again,), moments.uniform(0, LONGEST)) for _ in range(5))
    assert command(folder, again).code == command(whole, *words).code == 0
    (other,) = whole.glob("outputs/*/*")
    assert_same(run, other, "model.safetensors")
    assert_same(run, other, "history.npz")
    assert_nothing_twice(folder, runs=1)
