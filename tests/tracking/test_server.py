"""Over HTTP against a real `mlflow server` that goes away and comes back while a run is trained."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from nnjax.tracking import journal
from nnjax.tracking.upload import STATE
from tests.end_to_end.conftest import command
from tests.tracking.test_uploads import eventually

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
LONG = ("+experiment=xor", "training.epochs=300000", "tracking.figures=false", "checkpoint.every=null")


def free_port() -> int:
    """Return a free port of 127.0.0.1."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Server:
    """A server on a free port of 127.0.0.1, whose files lie in a folder; store: its database, by default SQLite."""

    def __init__(self, folder: Path, store: str = "") -> None:
        self.folder, self.store = folder, store or f"sqlite:///{folder}/server.db"
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        words = ["server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        store = ["--backend-store-uri", self.store]
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


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Start a PostgreSQL server in a folder; yield the address of its database. It refuses to be root's."""
    pytest.importorskip("psycopg")
    if shutil.which("initdb") is None or shutil.which("postgres") is None:
        pytest.skip("PostgreSQL is not installed")
    user = "nobody" if os.getuid() == 0 else None
    folder.mkdir()
    if user is not None:
        shutil.chown(folder, user)
    port, data = free_port(), folder / "data"
    quiet = {"cwd": "/", "user": user, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["initdb", "-D", data, "-U", "nnjax", "--auth=trust"], check=True, **quiet)
    process = subprocess.Popen(["postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder], **quiet)
    try:
        eventually(lambda: subprocess.run(["pg_isready", "-h", "127.0.0.1", "-p", str(port)], **quiet).returncode == 0)
        yield f"postgresql://nnjax@127.0.0.1:{port}/postgres"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request) -> Iterator[Server]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))  # PostgreSQL's user can't read pytest's
        folder.chmod(0o755)
        store = stack.enter_context(postgresql(folder / "database")) if request.param == "postgresql" else ""
        made = Server(folder, store)
        made.start()
        yield made
        made.stop()


@contextlib.contextmanager
def slow_proxy(server: Server, delay: float) -> Iterator[str]:
    """Yield the address of a proxy that delays each part of the server's answers by so many seconds."""

    def forward(source: socket.socket, target: socket.socket, delay: float) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                time.sleep(delay)
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client = stack.enter_context(listener.accept()[0])
                upstream = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
                for words in ((client, upstream, 0.0), (upstream, client, delay)):
                    threading.Thread(target=forward, args=words, daemon=True).start()

    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


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
        """Waits until the journal has a point of this epoch or a later one."""
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
    """One finished run with all points of the journal, each once, its files and one model."""
    client = MlflowClient(server.uri)
    (run,) = client.search_runs([each.experiment_id for each in client.search_experiments()])
    assert run.info.status == "FINISHED"
    told = training.points()
    points = [p for name in {name for name, _, _ in told} for p in client.get_metric_history(run.info.run_id, name)]
    assert sorted((p.key, p.step, p.value) for p in points) == sorted(told)
    files = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert {"config.yaml", "history.npz", "model.safetensors", "summary.txt"} <= files
    assert not files & {"checkpoints", journal.JOURNAL, STATE}
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


def test_a_server_that_stays_away_costs_nothing_and_the_sync_uploads(server, tmp_path):
    training = Training(tmp_path / "start", server.uri)
    training.reached(3000)
    server.stop()
    code, said, noise = training.ended()
    assert (code, noise) == (0, "")
    folder = training.folder.relative_to(training.start)
    assert said.rstrip().endswith(f"All results are in its folder. To upload them: nnjax sync {folder}")
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


def test_a_slow_server_costs_the_training_nothing_and_has_everything_at_the_end(server, tmp_path):
    with slow_proxy(server, delay=0.5) as uri:
        training = Training(tmp_path / "start", uri)
        code, said, noise = training.ended()
    assert (code, noise) == (0, "")
    assert "nnjax sync" not in said
    assert_each_once(server, training)
