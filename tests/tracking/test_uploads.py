"""Uploads by another process, as the process that trains sees them: nothing lost, nothing twice, nobody waits long."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from filelock import FileLock
from mlflow import MlflowClient

from nnjax.errors import InputError, StoreError
from nnjax.system import processes
from nnjax.tracking import journal, store_uri, upload, uploads
from nnjax.tracking.upload import LOCK, catch_up
from nnjax.tracking.uploads import Upload, wrong
from tests.tracking.test_upload import POINTS, ended, tables, trained

PATIENCE = 0.4


def store_in(folder):
    return f"sqlite:///{folder}/mlflow.db"


def uploaded(folder, out, fresh=False):
    """Upload a folder by the process; return the upload and the process's number."""
    one = Upload(out, store_in(folder), fresh)
    assert one.wait(60)
    return one, uploads._process.pid


def execute(folder, statement):
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        connection.execute(statement)
        connection.commit()


def eventually(condition, seconds=60.0):
    """Wait for it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def new_process(monkeypatch):
    """The next upload starts a process of its own, which ends with the test."""
    monkeypatch.setattr(uploads, "_process", None)
    monkeypatch.setattr(uploads, "_stderr", None)
    yield
    if uploads._process is not None:
        uploads._process.kill()
        with suppress(BrokenPipeError):
            uploads._process.communicate()
        uploads._stderr.close()


def test_the_store_has_it_all_and_the_next_run_has_the_same_process(folder):
    out = ended(folder)
    one, number = uploaded(folder, out, fresh=True)
    assert len(tables(folder)["metrics"]) == len(POINTS)
    run_id, look = one.link()
    assert (len(run_id), look) == (32, "mlflow ui")
    assert one.state()["offset"] == journal.read(out)[1]
    with FileLock(out / LOCK, timeout=10):  # it has let go of the folder
        pass
    second, made = trained(folder, "second")
    other, same_number = uploaded(folder, second)
    assert (other.link()[0] != run_id, same_number) == (True, number)
    made.append("end", status="FINISHED")
    assert other.wait(60)
    assert [status for _, status, _ in tables(folder)["runs"]] == ["FINISHED"] * 2


def test_while_it_uploads_nobody_else_does(folder):
    out, made = trained(folder)
    uploaded(folder, out)
    with pytest.raises(TimeoutError), FileLock(out / LOCK, timeout=0):
        pass
    made.append("tags", tags={"a": "b"})
    assert catch_up(out) == ""
    made.append("end", status="FINISHED")


def test_what_the_store_says_is_said_here_and_is_no_progress(folder):
    execute(folder, "CREATE TRIGGER refuse BEFORE INSERT ON metrics BEGIN SELECT RAISE(ABORT, 'no more'); END")
    one = Upload(ended(folder), store_in(folder), True)
    assert not one.wait(PATIENCE)
    eventually(one.problem)
    assert one.problem().count("no more") == 1
    refusal = one.refusal()
    assert isinstance(refusal, StoreError) and "no more" in refusal.reason and not refusal.busy
    execute(folder, "DROP TRIGGER refuse")
    assert one.wait(60)
    assert (one.problem(), one.refusal()) == ("", None)
    assert len(tables(folder)["metrics"]) == len(POINTS)


def test_mistakes_of_the_user_and_of_ours_are_told_apart(folder):
    client = MlflowClient(store_in(folder))
    client.delete_experiment(client.create_experiment("boolean"))
    one = Upload(ended(folder), store_in(folder), True)
    assert not one.wait(60), "no later try can mend it"
    assert isinstance(one.mistake(), InputError)
    assert "is a deleted experiment" in str(one.refusal())
    ours = wrong({"wrong": "KeyError: x", "mistake": True})
    assert (type(ours), str(ours)) == (RuntimeError, "KeyError: x")


def test_a_process_that_dies_is_replaced_and_nothing_is_twice(folder, new_process):
    out, made = trained(folder)
    one, number = uploaded(folder, out, fresh=True)
    os.kill(number, signal.SIGKILL)
    made.append("end", status="FINISHED")
    assert one.wait(60)
    assert uploads._process.pid != number
    found = tables(folder)
    assert len(found["metrics"]) == len(POINTS)
    assert [status for _, status, _ in found["runs"]] == ["FINISHED"]


@pytest.mark.ci
def test_one_that_cannot_start_says_why_and_is_not_started_again_and_again(folder, new_process, monkeypatch):
    monkeypatch.setattr(uploads, "MODULE", "nnjax.tracking.nowhere")
    real, starts = uploads._start, []
    monkeypatch.setattr(uploads, "_start", lambda: starts.append(1) or real())
    one = Upload(ended(folder), store_in(folder), True)
    assert not one.wait(3)
    assert "ended with 1: " in one.problem()
    assert "No module named nnjax.tracking.nowhere" in one.problem()
    assert one.refusal() is None, "that is not the store's fault: training goes on"
    assert 2 <= len(starts) <= 6


def test_it_has_the_environment_of_the_moment(folder, monkeypatch):
    uploaded(folder, ended(folder))
    monkeypatch.setenv("LOGNAME", "somebody")
    one, _ = uploaded(folder, trained(folder, "second")[0])
    query = "SELECT value FROM tags WHERE key = 'mlflow.user' AND run_uuid = ?"
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        assert connection.execute(query, one.link()[:1]).fetchall() == [("somebody",)]


@pytest.mark.ci
def test_it_ends_with_the_process_that_started_it():
    """Killed or not, and whatever it is at."""
    code = "uploads.start('sqlite:////x.db'); print(uploads._process.pid, flush=True); input()"
    code = f"from nnjax.tracking import uploads; {code}"
    started = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    number = int(started.stdout.readline())
    assert processes.start_time(number)
    started.kill()
    started.communicate()
    eventually(lambda: not processes.start_time(number))


def test_no_password_is_in_a_file_or_in_the_list_of_processes(folder, monkeypatch, new_process):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    out, _ = trained(folder)
    one = Upload(out, "http://user:secret@127.0.0.1:9", True)
    eventually(one.problem)
    assert "secret" not in one.problem()
    for path in out.rglob("*"):
        assert not path.is_file() or b"secret" not in path.read_bytes()
    for file in ("cmdline", "environ"):
        with open(f"/proc/{uploads._process.pid}/{file}", "rb") as facts:
            assert b"secret" not in facts.read()


# How long an end waits: not at all for our own slowness, a while for a store that is silent.


@pytest.mark.ci
def test_a_slow_machine_is_no_silent_store(folder, new_process):
    """Imports, and the creation of an SQLite store, take longer than that."""
    (folder / "mlflow.db").unlink()
    began = time.monotonic()
    assert Upload(ended(folder), store_in(folder), True).wait(PATIENCE)
    assert time.monotonic() - began > PATIENCE


@pytest.mark.ci
def test_a_store_that_is_never_made_is_given_up(folder, monkeypatch):
    (folder / "mlflow.db").unlink()
    out = ended(folder)
    with FileLock(folder / "mlflow.db.lock"):  # as another process that makes the store and doesn't come to an end
        one = Upload(out, store_in(folder), True)
        eventually(lambda: one.state()["time"])
        monkeypatch.setattr(uploads, "CREATION", PATIENCE)
        began = time.monotonic()
        assert not one.wait(PATIENCE)
        assert time.monotonic() - began < 4 * PATIENCE
    assert one.wait(60)


@pytest.mark.ci
def test_a_server_that_takes_connections_and_never_answers_is_given_up(folder, new_process):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        one = Upload(ended(folder), f"http://127.0.0.1:{silent.getsockname()[1]}", True)
        eventually(lambda: one.state()["time"])
        began = time.monotonic()
        assert not one.wait(PATIENCE)
        assert time.monotonic() - began < 2 * PATIENCE


@pytest.mark.ci
def test_a_store_that_is_locked_is_given_up_once_it_has_said_so(folder):
    with closing(sqlite3.connect(folder / "mlflow.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        one = Upload(ended(folder), store_in(folder), True)
        eventually(lambda: one.state()["problem"])
        assert not one.wait(PATIENCE)
        assert "database is locked" in one.problem()
        assert one.refusal() is None, "somebody else's lock is no refusal"
    assert one.wait(60)
    assert len(tables(folder)["metrics"]) == len(POINTS)


@contextmanager
def answering(code: int) -> Iterator[str]:
    """A server that gives this answer to all requests."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *words: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("code", [500, *(pytest.param(code, marks=pytest.mark.ci) for code in (401, 403))])
def test_a_server_that_has_a_problem_or_asks_for_a_password_is_said(folder, new_process, monkeypatch, code):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with answering(code) as uri:
        one = Upload(ended(folder), uri, True)
        eventually(one.problem)
        assert isinstance(one.refusal(), StoreError)
        assert str(code) in one.problem()
        assert "\n" not in one.problem()


def test_a_damaged_state_is_none(folder):
    out = ended(folder)
    one, _ = uploaded(folder, out, fresh=True)
    for text in ("", "[]", "{", '{"run": 3}', "[" * 100_000):
        (out / upload.STATE).write_text(text)
        assert one.link() == ("", "")
    assert catch_up(out) == "5 events uploaded"
    assert len(tables(folder)["metrics"]) == len(POINTS)


def test_the_address_with_password_is_for_the_process_alone(folder):
    one = Upload(ended(folder), "http://user:secret@127.0.0.1:9", True)
    one.message["store"] = store_in(folder)
    assert store_uri.public(one.store) == "http://127.0.0.1:9"
    assert "secret" not in str(one.state())
