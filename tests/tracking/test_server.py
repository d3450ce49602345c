"""Over HTTP against a real `mlflow server` that goes away and comes back while a run is trained."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from nnjax.tracking import journal
from tests.end_to_end.conftest import command

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
LONG = ("+experiment=xor", "training.epochs=300000", "tracking.figures=false", "checkpoint.every=null")


class Server:
    """A server on a free port of 127.0.0.1, whose files lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        words = ["server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        store = ["--backend-store-uri", f"sqlite:///{self.folder}/server.db"]
        artifacts = ["--artifacts-destination", str(self.folder / "artifacts")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *words, *store, *artifacts],
            cwd=self.folder,
            env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + 120
        while not self.answers():
            assert time.monotonic() < end
            time.sleep(0.1)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        """Ends the server's own group of processes."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    (tmp_path / "server").mkdir()
    made = Server(tmp_path / "server")
    made.start()
    yield made
    made.stop()


class Training:
    """The real command at work."""

    def __init__(self, start: Path, uri: str, *words: str) -> None:
        self.start = start
        start.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nnjax.train", *LONG, f"tracking.uri={uri}", *words],
            cwd=start,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def reached(self, epoch: int) -> None:
        """Waits until the record has a point of this epoch or a later one."""
        end = time.monotonic() + 120
        while not any(step >= epoch for _, step, _ in self.points()):
            assert self.process.poll() is None, self.process.stderr.read()
            assert time.monotonic() < end
            time.sleep(0.05)

    @property
    def folder(self) -> Path:
        (folder,) = self.start.glob("outputs/*/*")
        return folder

    def points(self) -> list[tuple[str, int, float]]:
        there = [journal.read(folder)[0] for folder in self.start.glob("outputs/*/*")]
        return [tuple(point) for events in there for event in events for point in event.get("points", ())]

    def ended(self) -> tuple[int, str, str]:
        said, noise = self.process.communicate(timeout=300)
        return self.process.returncode, said, noise


def assert_each_once(server: Server, training: Training) -> None:
    """One finished run with all points of the record, each once, its files and one model."""
    client = MlflowClient(server.uri)
    (run,) = client.search_runs([each.experiment_id for each in client.search_experiments()])
    assert run.info.status == "FINISHED"
    told = training.points()
    points = [p for name in {name for name, _, _ in told} for p in client.get_metric_history(run.info.run_id, name)]
    assert sorted((p.key, p.step, p.value) for p in points) == sorted(told)
    files = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"config.yaml", "history.npz", "model.safetensors", "summary.txt"} <= files
    assert not files & {"checkpoints", journal.RECORD, journal.DELIVERED}
    assert len(client.search_logged_models([run.info.experiment_id])) == 1
    assert len(run.inputs.dataset_inputs) == 1


def test_a_server_that_is_gone_for_a_while_has_everything_at_the_end(server, tmp_path):
    training = Training(tmp_path / "start", server.uri, "training.epochs=1200000")  # the server takes a while to start
    training.reached(3000)
    server.stop()
    before = max(step for _, step, _ in training.points())
    training.reached(before + 30000)  # it goes on
    server.start()
    code, said, noise = training.ended()
    assert (code, noise) == (0, "")
    assert "nnjax sync" not in said
    assert_each_once(server, training)


def test_a_server_that_stays_away_costs_nothing_and_the_sync_delivers(server, tmp_path):
    training = Training(tmp_path / "start", server.uri)
    training.reached(3000)
    server.stop()
    code, said, noise = training.ended()
    assert (code, noise) == (0, "")
    folder = training.folder.relative_to(training.start)
    assert said.rstrip().endswith(f"its folder has it all: nnjax sync {folder}")
    assert command(training.start, "sync", module="nnjax").code == 1
    server.start()
    done = command(training.start, "sync", str(folder), module="nnjax")
    assert (done.code, done.err) == (0, "")
    assert_each_once(server, training)
    assert command(training.start, "sync", module="nnjax").out == "nothing is missing\n"
    assert_each_once(server, training)


def test_a_server_that_answers_nothing_holds_up_no_end(server, tmp_path):
    """Stopped, not ended: connections are taken, and nobody reads them."""
    training = Training(tmp_path / "start", server.uri)
    training.reached(3000)
    os.killpg(server.process.pid, signal.SIGSTOP)
    try:
        time.sleep(3)
        began = time.monotonic()
        training.process.send_signal(signal.SIGTERM)
        code, _, noise = training.ended()
        assert (code, noise) == (143, "interrupted\n")
        assert time.monotonic() - began < 5
    finally:
        os.killpg(server.process.pid, signal.SIGCONT)
