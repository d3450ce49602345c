"""kill -9 at random moments: what was computed is there, the end has the same bits, and MLflow has nothing twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from safetensors.numpy import load_file

from nnjax.tracking import journal, uploads
from nnjax.tracking.journal import read_children
from nnjax.tracking.quiet import quiet
from nnjax.tracking.upload import Uploader
from tests.end_to_end.conftest import command, environment

PARITY = (
    *("data=boolean", "data.function=parity", "data.inputs=12", "loss=log_loss", "model.hidden=[64]", "optimizer=adam"),
    *("training.batch_size=8", "checkpoint.every=0.3s", "tracking.figures=false", "tracking.model=false"),
)
SHORT = ("+experiment=xor", "training.epochs=300", "checkpoint.every=0.3s", "tracking.figures=false")
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


def store_runs(folder: Path) -> tuple[MlflowClient, list[Run]]:
    """Return a client of the store in a folder, and all runs in it."""
    with quiet():
        client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        experiments = [each.experiment_id for each in client.search_experiments()]
        return client, list(client.search_runs(experiments, max_results=5000))


def journals(folder: Path) -> dict[str, Path]:
    """Return the folder of each journal that was opened, by the journal's id."""
    paths = [path.parent for path in folder.rglob(journal.JOURNAL)]
    return {opened["id"]: path for path in paths if (opened := journal.opening(journal.read(path)[0])) is not None}


def assert_all_once(folder: Path) -> Counter[str]:
    """Compare each run of the store with its journal: nothing is lost, nothing is twice. Return how the runs ended."""
    client, runs = store_runs(folder)
    parents = [run for run in runs if "member" not in run.data.tags]
    folders = journals(folder)
    assert Counter(run.data.tags["record"] for run in parents) == dict.fromkeys(folders, 1)
    for run in parents:
        root = folders[run.data.tags["record"]]
        events, _ = journal.read(root)
        assert run.info.status == events[-1]["status"]
        assert run.data.params.items() >= {k: v for event in events for k, v in event.get("params", {}).items()}.items()
        assert {*run.data.tags} >= {key for event in events for key in event.get("tags", {})}
        assert_points_once(client, run, [tuple(point) for event in events for point in event.get("points", ())])
        names = (
            {str(artifact) for _, artifact in Uploader(root).files()} if events[-1]["status"] == "FINISHED" else set()
        )
        assert names <= {*artifacts(client, run.info.run_id)}
        models = [event for event in events if event["event"] == "model"]
        outputs = run.outputs.model_outputs if run.outputs else []
        assert len(outputs) == min(len(models), 1)
        children = [child for child in runs if child.data.tags.get("mlflow.parentRunId") == run.info.run_id]
        lanes = [
            lane for event in events if event["event"] == "children" for lane in read_children(root / event["file"])
        ]
        assert Counter(child.data.tags["member"] for child in children) == {lane["member"]: 1 for lane in lanes}
        for child in children:
            (lane,) = [lane for lane in lanes if lane["member"] == child.data.tags["member"]]
            assert (child.info.status, child.data.params) == (lane["status"], lane["params"])
            assert_points_once(client, child, [(name, *at) for name, pairs in lane["points"].items() for at in pairs])
    return Counter(run.info.status for run in parents)


def assert_points_once(client: MlflowClient, run: Run, points: Sequence[tuple[str, int, float]]) -> None:
    """The run's points are these, each once; of a sweep that was recorded twice the last of a step holds."""
    names = {name for name, _, _ in points}
    assert {*run.data.metrics} == names
    stored = [point for name in names for point in client.get_metric_history(run.info.run_id, name)]
    assert sorted({(p.key, p.step, p.value, p.timestamp) for p in stored}) == sorted(
        (p.key, p.step, p.value, p.timestamp) for p in stored
    )
    assert {(p.key, p.step, p.value) for p in stored} == {(name, step, float(value)) for name, step, value in points}


def artifacts(client: MlflowClient, run: str, folder: str | None = None) -> Iterator[str]:
    """Yield the path of each artifact of a run."""
    for item in client.list_artifacts(run, folder):
        if item.is_dir:
            yield from artifacts(client, run, item.path)
        else:
            yield item.path


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
    assert assert_all_once(folder) == {"FINISHED": 1}


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
    assert assert_all_once(folder) == {"FINISHED": 1}


def running_uploaders() -> list[int]:
    """Return the process numbers of the uploaders that this machine has."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,args="], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if f"-m {uploads.MODULE}" in line]


def sync(folder: Path) -> None:
    """Upload what is missing, once the uploaders of this folder are gone."""
    deadline = time.monotonic() + 120
    while any(Path(f"/proc/{number}/cwd").resolve() == folder for number in running_uploaders()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    done = command(folder, "sync", module="nnjax", seconds=600)
    assert (done.code, done.err) == (0, "")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds an uploader by /proc")
@pytest.mark.parametrize("kills", [20, 200])
def test_runs_killed_at_any_moment(tmp_path: Path, kills: int) -> None:
    """While a run imports, compiles, trains, ends and is uploaded; the uploader does what is left to do."""
    moments = random.Random(kills)
    for number in range(1, kills + 1):
        words = [sys.executable, "-m", "nnjax.train", *SHORT, f"training.epochs={moments.choice((300, 100_000))}"]
        process = subprocess.Popen(words, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL)
        while len([*tmp_path.glob(f"outputs/*/*/{journal.JOURNAL}")]) < number:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 4))
        process.kill()
        process.wait()
    sync(tmp_path)
    ends = assert_all_once(tmp_path)
    print(f"of {kills} runs in the store: {dict(ends)}")
    assert {*ends} == {"KILLED", "FINISHED"}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="finds an uploader by /proc")
@pytest.mark.parametrize("kills", [10, 100])
def test_uploaders_killed_at_any_moment(tmp_path: Path, kills: int) -> None:
    """The run starts another one and ends as if nothing had happened."""
    moments, hits = random.Random(kills), 0
    while hits < kills:
        words = [sys.executable, "-m", "nnjax.train", *SHORT, "training.epochs=300000"]
        process = subprocess.Popen(words, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL)
        while process.poll() is None:
            time.sleep(moments.uniform(0, 4))
            for number in running_uploaders():
                if Path(f"/proc/{number}/cwd").resolve() == tmp_path:
                    os.kill(number, signal.SIGKILL)
                    hits += 1
        assert process.returncode == 0
    sync(tmp_path)
    assert {*assert_all_once(tmp_path)} == {"FINISHED"}
