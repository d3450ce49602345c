"""The process that uploads: a run whose process is killed is KILLED at once, and loses nothing of what it recorded."""

import json
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from filelock import FileLock

from nnjax.system import processes
from nnjax.tracking import journal, not_uploaded
from nnjax.tracking.journal import RunJournal
from nnjax.tracking.upload import LOCK, Uploader, catch_up, opening
from nnjax.tracking.uploader_process import ENDED, Watched, listen
from tests.tracking.test_upload import POINTS, ended, tables, trained
from tests.tracking.test_uploads import eventually, execute, store_in

GONE = {**processes.current_process(), "started": "long ago"}

# A training: it opens its journal, waits until the store has the run, and appends what its arguments say, up to a kill.
TRAINER = """
import json, os, signal, sys, time
from pathlib import Path
from nnjax.tracking import uploads
folder, events, wait = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3] == "wait"
folder.mkdir()
(folder / "history.npz").write_text("arrays")
made = uploads.UploadedJournal("run", folder, folder.parent, f"sqlite:///{folder.parent}/mlflow.db", False)
made.open(name="xor", experiment="boolean", tags={}, params={"seed": "0"}, dataset=None)
if wait:
    assert made.upload.wait(60)
for event in events:
    made.journal.append(**event)
print(uploads._process.pid, flush=True)
time.sleep(0.3 if wait else 0)
os.kill(os.getpid(), signal.SIGKILL)
"""
EVENTS = [
    {"event": "metrics", "points": [["train/loss", 0, 0.5], ["train/loss", 1, 0.4]]},
    {"event": "tags", "tags": {"team": "x"}},
    {"event": "metrics", "points": [["train/loss", 2, 0.3]]},
    {"event": "files"},
]


def killed_trainer(folder, events, wait=True):
    """Let a training be killed after these events; return its folder and the number of its uploader."""
    words = [sys.executable, "-c", TRAINER, str(folder / "out"), json.dumps(events), "wait" if wait else "-"]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == -signal.SIGKILL
    return folder / "out", int(done.stdout)


def ends(folder):
    """The names and the statuses of the store's runs."""
    return [(name, status) for name, status, _ in tables(folder)["runs"]]


def test_a_killed_run_is_killed_in_the_store_within_two_seconds(folder):
    out, number = killed_trainer(folder, EVENTS)
    eventually(lambda: ends(folder) == [("xor", "KILLED")], seconds=2)
    eventually(lambda: not processes.start_time(number))
    events, _ = journal.read(out)
    assert (events[-1]["status"], events[-1]["time"]) == ("KILLED", events[-2]["time"])
    found = tables(folder)
    assert [point[:2] for point in found["metrics"]] == [("train/loss", step) for step in range(3)]
    assert ("team", "x") in found["tags"]
    assert list(folder.glob("mlruns/*/*/artifacts/history.npz"))
    eventually(lambda: not (folder / not_uploaded.FOLDER).exists())


@pytest.mark.ci
@pytest.mark.parametrize("count", range(len(EVENTS) + 1))
@pytest.mark.parametrize("who", ["trainer", "both"])
def test_killed_at_any_event_all_is_there_once(folder, count, who):
    """Also with its uploader, which then knows nothing of it: what is in the folder is uploaded later."""
    out, number = killed_trainer(folder, EVENTS[:count], wait=False)
    if who == "both":
        os.kill(number, signal.SIGKILL)
    eventually(lambda: not processes.start_time(number))
    catch_up(out)
    assert catch_up(out) == ""
    found = tables(folder)
    assert ends(folder) == [("xor", "KILLED")]
    told = [tuple(point[:2]) for event in EVENTS[:count] for point in event.get("points", ())]
    assert [point[:2] for point in found["metrics"]] == told
    assert (("team", "x") in found["tags"]) == (count > 1)


def test_a_run_that_is_resumed_at_once_is_not_killed(folder):
    """Its new process opens the journal while the uploader of the killed one still looks whether that is gone."""
    out, made = trained(folder)
    made.append(**{**opening(out), "process": GONE})
    watched = Watched(str(out), store_in(folder), dict(os.environ), True)
    watched.try_upload()
    made.append(**{**opening(out), "process": processes.current_process()})
    began = time.monotonic()
    watched.last_try()
    assert time.monotonic() - began < 1
    assert not journal.ended(journal.read(out)[0])
    watched.release()


def test_a_folder_that_another_process_uploads_is_waited_for(folder):
    out, made = trained(folder)
    watched = Watched(str(out), store_in(folder), dict(os.environ), True)
    with FileLock(out / LOCK):
        watched.try_upload()
        assert watched.uploader.offset == 0
    eventually(lambda: watched.try_upload() or watched.uploader.offset == journal.size(out))
    made.append("end", status="FINISHED")
    eventually(lambda: watched.try_upload() or watched.done)
    watched.release()
    assert ends(folder) == [("xor", "FINISHED")]


@pytest.mark.ci
def test_a_store_that_refuses_is_asked_less_and_less_often_and_at_the_end_again(folder, monkeypatch):
    out, made = trained(folder)
    watched = Watched(str(out), store_in(folder), dict(os.environ), True)
    execute(folder, "CREATE TRIGGER refuse BEFORE INSERT ON metrics BEGIN SELECT RAISE(ABORT, 'no more'); END")
    tries = []
    real = Uploader.upload
    monkeypatch.setattr(Uploader, "upload", lambda self: tries.append(time.monotonic()) or real(self))
    end = time.monotonic() + 4
    while time.monotonic() < end:
        watched.try_upload()
        time.sleep(0.05)
    assert len(tries) == 3, "after 1 s, then after 2 s"
    execute(folder, "DROP TRIGGER refuse")
    made.append("end", status="FINISHED")
    eventually(lambda: watched.try_upload() or watched.done, seconds=2)
    watched.release()
    assert len(tables(folder)["metrics"]) == len(POINTS)


@pytest.mark.ci
def test_earlier_folders_are_uploaded_when_there_is_nothing_else_to_do(folder):
    earlier = ended(folder)
    earlier.rename(folder / "earlier")
    not_uploaded.remove(folder, earlier)
    not_uploaded.add(folder, folder / "earlier")
    killed_trainer(folder, EVENTS)
    eventually(lambda: sorted(ends(folder)) == [("xor", "FINISHED"), ("xor", "KILLED")])
    eventually(lambda: not (folder / not_uploaded.FOLDER).exists())


def test_a_clock_that_jumps_back_loses_and_doubles_nothing(folder, monkeypatch):
    out, made = trained(folder)
    with monkeypatch.context() as patch:
        patch.setattr(time, "time", lambda: 1_000_000.0)
        made.append_metrics([("train/loss", 5, 0.1)])
        made.append("end", status="FINISHED")
    Uploader(out).upload()
    (out / "upload.json").unlink()
    Uploader(out).upload()
    assert len(tables(folder)["metrics"]) == len(POINTS) + 1
    assert ends(folder) == [("xor", "FINISHED")]


def test_a_folder_that_was_moved_is_uploaded_from_where_it_is(folder):
    out = ended(folder)
    (folder / "elsewhere").mkdir()
    moved = out.rename(folder / "elsewhere" / "moved")
    assert catch_up(moved) == "5 events uploaded"
    assert catch_up(moved) == ""
    assert ends(folder) == [("xor", "FINISHED")]
    assert list(not_uploaded.folders(folder)) == []


@pytest.mark.parametrize("text", ["", '{"store": "x"', '{"store": "x"}\n{"fol'])
def test_half_a_message_is_the_end(monkeypatch, tmp_path, text):
    (tmp_path / "in").write_text(text)
    messages: queue.SimpleQueue = queue.SimpleQueue()
    with (tmp_path / "in").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        listen(messages)
    received = [messages.get() for _ in range(messages.qsize())]
    assert received[-1] is ENDED
    assert len(received) == text.count("\n") + 1


def test_the_states_of_an_older_build_are_read(folder):
    """record.jsonl and delivered.json of version 0.1's first builds."""
    out = ended(folder)
    Uploader(out).upload()
    state = json.loads((out / "upload.json").read_text())
    (out / "upload.json").unlink()
    known = {key: state[key] for key in ("uri", "run", "offset", "files", "model")}
    (out / "delivered.json").write_text(json.dumps(known))
    assert catch_up(out) == ""
    RunJournal(out, resumed=True).append("tags", tags={"team": "y"})
    RunJournal(out, resumed=True).append("end", status="FINISHED")
    assert catch_up(out) == "2 events uploaded"
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        assert connection.execute("SELECT value FROM tags WHERE key = 'team'").fetchall() == [("y",)]
    assert len(ends(folder)) == 1
