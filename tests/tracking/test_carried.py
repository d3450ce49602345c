"""A delivery by another process: as this one would do it, and nothing is lost or twice if that one dies."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest
from filelock import FileLock

from nnjax.errors import InputError, StoreError
from nnjax.system import processes
from nnjax.tracking import carrier, carriers, journal
from nnjax.tracking.carried import Carried
from tests.tracking.test_delivery import POINTS, ended, tables, trained


def delivered(folder, **given):
    """Delivers a folder: how many events, the delivery, the process that did it."""
    with Carried(folder, **given) as delivery:
        count = delivery.deliver()
        return count, delivery, delivery.helper.process.pid


def execute(folder, statement):
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        connection.execute(statement)
        connection.commit()


def test_the_store_has_it_all_and_the_next_run_has_the_same_process(folder):
    count, delivery, number = delivered(ended(folder), fresh=True)
    assert count == 5
    assert len(tables(folder)["metrics"]) == len(POINTS)
    run_id, hint = delivery.where
    assert (len(run_id), hint) == (32, "mlflow ui")
    assert delivery.offset == delivery.known["offset"] == journal.read(delivery.folder)[1]
    with FileLock(delivery.folder / journal.LOCK, timeout=10):  # it has let go of the folder
        pass
    out, made = trained(folder, "second")
    assert delivered(out)[::2] == (4, number)
    made.append("end", status="FINISHED")
    with Carried(out) as again:
        assert again.catch_up(out) == "1 event delivered"


def test_while_it_delivers_nobody_else_does(folder):
    out, _ = trained(folder)
    with Carried(out) as delivery:
        delivery.deliver()
        with pytest.raises(TimeoutError), FileLock(out / journal.LOCK, timeout=0):
            pass


def test_what_the_store_says_is_said_here_and_is_no_progress(folder):
    execute(folder, "CREATE TRIGGER refuse BEFORE INSERT ON metrics BEGIN SELECT RAISE(ABORT, 'no more'); END")
    with Carried(ended(folder)) as delivery:
        progressed = []
        for _ in range(2):
            with pytest.raises(StoreError, match="no more") as refused:
                delivery.deliver()
            progressed.append(delivery.progressed)
        assert progressed[0] == progressed[1]
        assert (refused.value.reason.count("no more"), refused.value.busy) == (1, False)
        execute(folder, "DROP TRIGGER refuse")
        assert delivery.deliver() == 5
    assert len(tables(folder)["metrics"]) == len(POINTS)


def test_errors_are_the_same_on_this_side():
    for error in (
        StoreError("http://h", "gone", True),
        InputError("a line"),
        FileNotFoundError(2, "No such file", "x"),
    ):
        again = carrier.unpacked(*carrier.packed(error))
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
    try:
        raise KeyError("mistake of ours")
    except KeyError as error:
        again = carrier.unpacked(*carrier.packed(error))
        assert isinstance(again, RuntimeError)
        assert "in test_errors_are" in str(again)
        assert "KeyError: 'mistake of ours'" in str(again)


@pytest.mark.ci
def test_a_process_that_dies_is_replaced_and_nothing_is_twice(folder):
    out, made = trained(folder)
    with Carried(out, fresh=True) as delivery:
        delivery.deliver()
        os.kill(delivery.helper.process.pid, signal.SIGKILL)
        made.append("end", status="FINISHED")
        with pytest.raises(StoreError, match="the process that writes to it ended with -9") as died:
            delivery.deliver()
        assert died.value.busy  # worth another try
        assert delivery.deliver() == 1
    found = tables(folder)
    assert len(found["metrics"]) == len(POINTS)
    assert [status for _, status, _ in found["runs"]] == ["FINISHED"]


def test_one_that_cannot_start_says_why(folder, monkeypatch):
    monkeypatch.setattr(carriers, "_idle", [])
    monkeypatch.setattr(carriers, "MODULE", "nnjax.tracking.nowhere")
    with pytest.raises(StoreError, match=r"ended with 1: .*No module named nnjax.tracking.nowhere"):
        delivered(ended(folder))


def test_it_has_the_environment_of_the_moment(folder, monkeypatch):
    delivered(ended(folder))
    monkeypatch.setenv("LOGNAME", "somebody")
    _, delivery, _ = delivered(trained(folder, "second")[0])
    query = "SELECT value FROM tags WHERE key = 'mlflow.user' AND run_uuid = ?"
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        assert connection.execute(query, delivery.where[:1]).fetchall() == [("somebody",)]


def test_it_ends_with_the_process_that_started_it(tmp_path):
    """Killed or not, and whatever it is at."""
    code = "carriers.start(); print(carriers._idle[0].process.pid, flush=True); input()"
    code = f"from nnjax.tracking import carriers; {code}"
    started = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    number = int(started.stdout.readline())
    assert processes.start_time(number)
    started.kill()
    started.communicate()
    end = time.monotonic() + 20
    while processes.start_time(number):
        assert time.monotonic() < end
        time.sleep(0.05)
