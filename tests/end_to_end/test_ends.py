"""Signals at the real command while it compiles, trains and ends; kill -9, and many that start at once."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow.entities import Run

from tests.end_to_end.conftest import Done, command, environment

pytestmark = pytest.mark.slow
SHORT = ("+experiment=xor", "training.epochs=50", "tracking.figures=false")
SECONDS = 3.0  # from the signal to the end of the process
MOMENTS = {  # a file that is there from then on, and as many epochs as make what follows long enough
    "compile": ("gradient_check.txt", "training.epochs=1000000"),
    "epoch": ("checkpoints/*.safetensors", "training.epochs=10000000"),
    "end": ("model.safetensors", "training.epochs=50"),
}


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The command, at work in a folder."""
    pipe = subprocess.PIPE
    line = [sys.executable, "-m", "nnjax.train", *words]
    return subprocess.Popen(line, cwd=folder, env=environment(), stdout=pipe, stderr=pipe, text=True)


def wait_for(process: subprocess.Popen[str], folder: Path, *patterns: str) -> None:
    """Until there is a file of each pattern."""
    end = time.monotonic() + 120
    while not all([*folder.glob(pattern)] for pattern in patterns):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.01)


def signalled(process: subprocess.Popen[str], number: int) -> tuple[int, str, float]:
    """Exit code, stderr and the seconds that it took."""
    began = time.monotonic()
    process.send_signal(number)
    said, noise = process.communicate(timeout=60)
    print(said)
    return process.returncode, noise, time.monotonic() - began


def runs(done: Done) -> list[Run]:
    client = done.client()
    return list(client.search_runs([each.experiment_id for each in client.search_experiments()]))


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A start folder whose store is there."""
    folder = tmp_path_factory.mktemp("start")
    done = command(folder, *SHORT, "hydra.run.dir=first")
    assert done.code == 0, done.err
    return folder


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_ends_the_run_in_time(warm, moment, number, code):
    (pattern, epochs), out = MOMENTS[moment], warm / "outputs" / moment / str(code)
    process = start(warm, "+experiment=xor", epochs, "checkpoint.every=1s", f"hydra.run.dir={out}")
    wait_for(process, out, pattern)
    time.sleep(0.2)
    returned, noise, seconds = signalled(process, number)
    assert (returned, noise) == (code, "interrupted\n")
    assert seconds < SECONDS
    if moment == "epoch":
        assert [*(out / "checkpoints").glob("*.safetensors")]
        assert (out / "history.npz").exists()
    assert not [path for path in out.rglob("*") if ".part" in path.suffixes]
    command(warm, "sync", module="nnjax")  # what a loaded machine had no time for
    (run,) = [run for run in runs(Done(0, "", "", warm)) if run.data.tags.get("run_folder") == str(out)]
    assert run.info.status == "KILLED"


def test_a_signal_ends_a_sweep_in_time_and_the_sync_says_so(tmp_path):
    words = ("+experiment=xor", "lanes.seeds=4", "sweep.name=s", "tracking.figures=false", "tracking.model=false")
    process = start(tmp_path, *words, "training.epochs=3000000", "checkpoint.every=1s")
    wait_for(process, tmp_path, "sweeps/s/checkpoints/*/*.safetensors", "mlflow.db")
    time.sleep(3)  # for the parent to be opened
    returned, noise, seconds = signalled(process, signal.SIGINT)
    assert (returned, noise) == (130, "interrupted\n")
    assert seconds < SECONDS
    done = command(tmp_path, "sync", module="nnjax")
    assert (done.code, done.err) == (0, "")
    assert [run.info.status for run in runs(done)] == ["KILLED"]


def test_killed_it_is_killed_in_the_store_with_what_it_had(warm):
    out = warm / "outputs" / "kill" / "9"
    process = start(warm, "+experiment=xor", "training.epochs=10000000", "checkpoint.every=1s", f"hydra.run.dir={out}")
    wait_for(process, out, "upload.json", "checkpoints/*.safetensors")
    process.kill()
    process.communicate()
    killed_at, done = time.monotonic(), Done(0, "", "", warm)
    while [run.info.status for run in runs(done) if run.data.tags.get("run_folder") == str(out)] != ["KILLED"]:
        assert time.monotonic() < killed_at + 60
    print(f"KILLED in the store after {time.monotonic() - killed_at:.1f} s")
    assert command(warm, "sync", module="nnjax").out == "nothing is missing\n"


def test_eight_that_start_at_once_on_a_fresh_store_all_record_all(tmp_path):
    processes = [start(tmp_path, *SHORT, f"seed={seed}") for seed in range(8)]
    ends = [(*process.communicate(timeout=300), process.returncode) for process in processes]
    assert [(noise, code) for _, noise, code in ends] == [("", 0)] * 8
    print(sum("nnjax sync" in said for said, _, _ in ends), "of 8 were not uploaded in time")
    done = Done(0, "", "", tmp_path)
    found, client = runs(done), done.client()
    assert sorted(run.data.params["seed"] for run in found) == [str(seed) for seed in range(8)]
    assert {run.info.status for run in found} == {"FINISHED"}
    for run in found:
        assert {"test/accuracy", "train/loss", "time/total_seconds"} <= run.data.metrics.keys()
        for name in run.data.metrics:
            steps = [point.step for point in client.get_metric_history(run.info.run_id, name)]
            assert len(steps) == len(set(steps))
