"""The logger: early stops keep their curve, Ctrl-C its history, a store that is gone costs no result."""

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from nnjax.errors import InputError, StoreError
from nnjax.inference import predictor
from nnjax.runs import run as pipeline
from nnjax.runs import run_folder, run_logger
from nnjax.system.exit import exit_with_one_line
from nnjax.tracking import journal, not_uploaded, upload, uploads
from nnjax.tracking.upload import catch_up, is_missing
from nnjax.training import trainer
from tests.config.test_schema import read
from tests.end_to_end.conftest import Done
from tests.tracking.test_journal import opened

XOR = ("+experiment=xor", "tracking.figures=false", "tracking.model=false", "training.epochs=300")


def run(folder, *overrides):
    """A run in this process, recorded in the folder."""
    (folder / "out").mkdir()
    pipeline.run(read(*XOR, *overrides), folder / "out", folder)
    return Done(0, "", "", folder).run()


@pytest.fixture
def folder(empty_store, tmp_path):
    """A start folder that holds a store."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return tmp_path


@pytest.mark.ci
def test_an_early_stop_has_a_curve(tmp_path):
    found = run(tmp_path, "training.epochs=100000", "training.tolerance=0.02")
    last = int(found.data.metrics["training/epochs"])
    points = Done(0, "", "", tmp_path).client().get_metric_history(found.info.run_id, "train/loss")
    steps = sorted(point.step for point in points)
    assert last < 1000
    assert steps[0] == 0
    assert steps[-1] == last
    assert len(set(steps)) == len(steps) > 10
    assert found.data.tags["stopped"] == "converged"


def test_ctrl_c_leaves_what_there_is(tmp_path, monkeypatch):
    monkeypatch.setattr(run_logger, "KILLED_PATIENCE", 60.0)
    chunks = trainer.Trainer.chunks

    def interrupted(training, *every):
        for chunk in chunks(training, *every):
            yield chunk
            if chunk.epoch:
                raise KeyboardInterrupt

    monkeypatch.setattr(trainer.Trainer, "chunks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    done = Done(0, "", "", tmp_path)
    found = done.run()
    assert found.info.status == "KILLED"
    assert found.data.metrics["train/loss"] > 0
    assert len(np.load(tmp_path / "out" / "history.npz")["train/loss"]) > 1
    assert "history.npz" in [item.path for item in done.client().list_artifacts(found.info.run_id)]


READ_ONLY, FULL = "attempt to write a readonly database", "database or disk is full"
REFUSE = "CREATE TRIGGER refuse BEFORE INSERT ON metrics BEGIN SELECT RAISE(ABORT, '{}'); END"


def execute(database, statement):
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(statement)
        connection.commit()


def train(folder, name="out"):
    """A run, and nothing asked of the store."""
    (folder / name).mkdir()
    pipeline.run(read(*XOR), folder / name, folder)


def breaks(monkeypatch, statement, database):
    """The statement is executed in the database once the training has begun."""
    chunks = trainer.Trainer.chunks

    def breaking(*arguments):
        for number, chunk in enumerate(chunks(*arguments)):
            yield chunk
            if number == 0:
                execute(database, statement)

    monkeypatch.setattr(trainer.Trainer, "chunks", breaking)


def uploaded(folder):
    """Uploads what is missing, once the process of the run has let go of its folder."""
    end = time.monotonic() + 60
    while is_missing(folder):
        assert time.monotonic() < end
        catch_up(folder)
    return Done(0, "", "", folder.parent)


def each_once(done):
    """The run's points as the journal has them, none twice; the run."""
    (run,) = [run for run in runs(done) if run.info.run_name != "template"]
    told = [tuple(p) for event in journal.read(done.folder / "out")[0] for p in event.get("points", ())]
    names = {name for name, _, _ in told}
    points = [p for name in names for p in done.client().get_metric_history(run.info.run_id, name)]
    assert sorted((p.key, p.step, p.value) for p in points) == sorted(told)
    assert len({(p.key, p.step) for p in points}) == len(points) > 100
    return run


def runs(done):
    client = done.client()
    return client.search_runs([each.experiment_id for each in client.search_experiments()])


@pytest.mark.parametrize("reason", [READ_ONLY, pytest.param(FULL, marks=pytest.mark.ci)])
def test_a_store_that_refuses_costs_no_result_and_gets_all_later(folder, monkeypatch, caplog, reason):
    monkeypatch.setattr(run_logger, "PATIENCE", 0.5)
    breaks(monkeypatch, REFUSE.format(reason), folder / "mlflow.db")
    train(folder)
    (line,) = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert reason in line
    assert line.endswith("All results are in its folder. To upload them: nnjax sync out")
    assert {"history.npz", "model.safetensors", "summary.txt"} <= {path.name for path in (folder / "out").iterdir()}
    assert [each.name for each in not_uploaded.folders(folder)] == ["out"]
    execute(folder / "mlflow.db", "DROP TRIGGER refuse")
    found = each_once(uploaded(folder / "out"))
    assert (found.info.status, found.data.metrics["test/accuracy"] > 0) == ("FINISHED", True)
    assert not (folder / not_uploaded.FOLDER).exists()


@pytest.mark.ci
def test_a_store_that_is_locked_from_the_start_is_waited_for(folder, monkeypatch, caplog):
    """Somebody else's lock is no mistake of ours: the training begins and ends as if there were none."""
    monkeypatch.setattr(run_logger, "PATIENCE", 0.5)
    with closing(sqlite3.connect(folder / "mlflow.db", isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        train(folder)
    assert "nnjax sync out" in caplog.text
    assert each_once(uploaded(folder / "out")).info.status == "FINISHED"


def test_a_store_that_recovers_in_time_has_it_all_at_the_end(folder, monkeypatch, caplog):
    monkeypatch.setattr(run_logger, "PATIENCE", 60.0)
    breaks(monkeypatch, REFUSE.format(READ_ONLY), folder / "mlflow.db")
    write = run_folder.write_network

    def recovers(*arguments):
        execute(folder / "mlflow.db", "DROP TRIGGER refuse")
        return write(*arguments)

    monkeypatch.setattr(run_folder, "write_network", recovers)
    train(folder)
    assert "nnjax sync" not in caplog.text
    assert each_once(Done(0, "", "", folder)).info.status == "FINISHED"


def test_the_next_start_uploads_what_an_earlier_one_could_not(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(run_logger, "PATIENCE", 0.0)
        breaks(patch, REFUSE.format(READ_ONLY), folder / "mlflow.db")
        train(folder)
    execute(folder / "mlflow.db", "DROP TRIGGER refuse")
    released(folder / "out")
    monkeypatch.setattr(pipeline, "lane_results", after(pipeline.lane_results, lambda: not is_missing(folder / "out")))
    train(folder, "second")
    assert [run.info.status for run in runs(Done(0, "", "", folder)) if run.info.run_name != "template"] == [
        "FINISHED"
    ] * 2
    assert not (folder / not_uploaded.FOLDER).exists()


def released(folder):
    """Waits until the process that uploaded a folder has let go of it."""
    with FileLock(folder / upload.LOCK, timeout=60):
        pass


def after(function, condition):
    """The function, called when the condition holds: a training long enough for something to happen beside it."""

    def waits(*arguments):
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.01)
        return function(*arguments)

    return waits


@pytest.mark.parametrize(
    "uri", ["sqlite:///notes.db", "sqlite:///notes.db/mlflow.db", "sqlite:///nowhere/x.db", "http://127.0.0.1:9"]
)
def test_what_is_wrong_from_the_start_is_said_before_anything_is_trained(tmp_path, monkeypatch, uri):
    (tmp_path / "notes.db").write_text("this is text, not a database")
    monkeypatch.setattr(trainer.Trainer, "chunks", lambda *arguments: pytest.fail("it was trained"))
    with pytest.raises(StoreError, match="cannot be reached or written"):
        run(tmp_path, f"tracking.uri={uri}")
    assert not (tmp_path / not_uploaded.FOLDER).exists()
    assert not (tmp_path / "nowhere").exists()


def fails(monkeypatch, late, **failure):
    """The uploader, of which there is no process here, says that it failed: at once, or once something is trained."""
    chunks, has_failed = trainer.Trainer.chunks, threading.Event()

    def state(self):
        return {**upload.new_state(self.store), "time": time.time(), **(failure if has_failed.is_set() else {})}

    def failing(*arguments):
        for number, chunk in enumerate(chunks(*arguments)):
            if number == late:
                has_failed.set()
            yield chunk

    monkeypatch.setattr(uploads, "_send", lambda message: None)
    monkeypatch.setattr(uploads.Upload, "state", state)
    monkeypatch.setattr(trainer.Trainer, "chunks", failing)
    monkeypatch.setattr(run_logger, "PATIENCE", 0.5)


DELETED = {"wrong": "tracking.experiment=x is a deleted experiment"}


@pytest.mark.parametrize("late", [False, True], ids=["at once", "later"])
def test_an_error_of_the_files_ends_no_training(folder, monkeypatch, caplog, late):
    fails(monkeypatch, late, problem="No such file or directory: 'gone.npz'", busy=True)
    train(folder)
    assert (
        "No such file or directory: 'gone.npz'). All results are in its folder. To upload them: nnjax sync out"
        in caplog.text
    )
    assert journal.read(folder / "out")[0][-1]["status"] == "FINISHED"
    assert [each.name for each in not_uploaded.folders(folder)] == ["out"]


def test_what_no_later_try_can_mend_ends_only_what_has_not_begun(folder, monkeypatch, caplog):
    with monkeypatch.context() as patch:
        fails(patch, late=False, **DELETED)
        with pytest.raises(InputError, match="a deleted experiment"):
            train(folder, "first")
    assert not (folder / not_uploaded.FOLDER).exists()
    with monkeypatch.context() as patch:
        fails(patch, late=True, **DELETED)
        train(folder)
    assert (
        "(tracking.experiment=x is a deleted experiment). All results are in its folder. To upload them: nnjax sync out"
        in caplog.text
    )
    assert journal.read(folder / "out")[0][-1]["status"] == "FINISHED"
    assert [each.name for each in not_uploaded.folders(folder)] == ["out"]


def test_a_run_that_goes_on_is_not_refused(folder, monkeypatch, caplog):
    """What was trained before is there, whatever the store says now."""
    (folder / "out" / "checkpoints").mkdir(parents=True)
    (folder / "out" / "checkpoints" / "x").touch()
    opened(folder / "out")
    fails(monkeypatch, late=False, **DELETED)
    monkeypatch.setattr(pipeline.Checkpointer, "restore", lambda *arguments: None)
    pipeline.run(read(*XOR), folder / "out", folder)
    assert "nnjax sync out" in caplog.text
    assert journal.read(folder / "out")[0][-1]["status"] == "FINISHED"
    assert [each.name for each in not_uploaded.folders(folder)] == ["out"]


def test_the_line_says_where_a_password_is_wanted_that_nobody_wrote_down(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = "http://user:secret@h"
    said = not_uploaded.line("run", Path("/a/b c"), Path("/a"), store, "why")
    assert (
        said == "This run was not fully uploaded to http://h (why). "
        "All results are in its folder. To upload them: nnjax sync 'b c' --uri URI"
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    for store in ("http://user:secret@h", "http://h"):
        assert not_uploaded.line("run", Path("/a/b"), Path("/a"), store, "why").endswith("nnjax sync b")


def test_a_full_disk_is_one_line_and_leaves_no_half_file(folder, monkeypatch, capsys):
    """Every file from the network's on finds no room."""

    def full(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "model.safetensors")

    monkeypatch.setattr(predictor.Path, "write_bytes", full)
    with pytest.raises(SystemExit) as ended:
        exit_with_one_line(lambda: train(folder))
    assert ended.value.code == 1
    noise = capsys.readouterr().err
    assert noise.startswith("error: [Errno 28] No space left on device: 'model.safetensors'")
    assert noise.count("\n") == 1
    released(folder / "out")
    assert not [path.name for path in (folder / "out").rglob("*") if ".part" in path.suffixes]
    assert "model.safetensors" not in [path.name for path in (folder / "out").iterdir()]
    assert each_once(uploaded(folder / "out")).info.status == "FAILED"


def test_passwords_are_not_recorded(tmp_path):
    from nnjax.system.secrets import remove_passwords

    settings = {"data": {"mirror": "http://me:secret@host/x"}, "seed": 3}
    assert remove_passwords(settings) == {"data": {"mirror": "http://host/x"}, "seed": 3}


def test_progress_in_plain_lines_ends_with_a_number(tmp_path, caplog):
    caplog.set_level("INFO", logger="nnjax")
    run(tmp_path, "training.tolerance=0.02", "tracking.enabled=true")
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("epoch ")]
    assert lines
    assert not any("nan" in line for line in lines)


MLFLOW_UNUSED = """
import sys
from nnjax import train
try:
    train.main()
finally:
    assert not {"mlflow", "sqlalchemy"} & {*sys.modules}
"""


@pytest.mark.parametrize(
    "sweep", [pytest.param((), id="run"), pytest.param(("lanes.seeds=2",), id="sweep", marks=pytest.mark.ci)]
)
def test_mlflow_is_not_imported_where_something_is_trained(folder, sweep):
    """Its import is seconds of Python, in which nothing else would run there."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = (*XOR, "tracking.model=true", *sweep)
    subprocess.run([sys.executable, "-c", MLFLOW_UNUSED, *words], cwd=folder, env=environment, check=True)
    (parent,) = [run for run in runs(Done(0, "", "", folder)) if "mlflow.source.name" in run.data.tags]
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics["test/accuracy"] > 0
