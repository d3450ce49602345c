"""The logger: early stops keep their curve, Ctrl-C its history, a store that is gone costs no result."""

import errno
import os
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from nnjax.errors import InputError, StoreError, exit_with_one_line
from nnjax.inference import predictor
from nnjax.runs import run as pipeline
from nnjax.runs import run_folder, run_logger
from nnjax.tracking import journal, undelivered
from nnjax.tracking.carried import Carried
from nnjax.tracking.delivery import catch_up, is_missing
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


REFUSE = """
CREATE TRIGGER refuse BEFORE INSERT ON metrics
BEGIN SELECT RAISE(ABORT, 'attempt to write a readonly database'); END
"""


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


def delivered(folder):
    """Delivers what is missing, once the thread of the run has let go of its folder."""
    end = time.monotonic() + 60
    while is_missing(folder):
        assert time.monotonic() < end
        catch_up(folder)
    return Done(0, "", "", folder.parent)


def each_once(done):
    """The run's points as the record has them, none twice; the run."""
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


def test_a_store_that_refuses_costs_no_result_and_gets_all_later(folder, monkeypatch, caplog):
    monkeypatch.setattr(run_logger, "PATIENCE", 0.5)
    breaks(monkeypatch, REFUSE, folder / "mlflow.db")
    train(folder)
    (line,) = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert "attempt to write a readonly database" in line
    assert line.endswith("its folder has it all: nnjax sync out")
    assert {"history.npz", "model.safetensors", "summary.txt"} <= {path.name for path in (folder / "out").iterdir()}
    assert [each.name for each in undelivered.folders(folder)] == ["out"]
    execute(folder / "mlflow.db", "DROP TRIGGER refuse")
    found = each_once(delivered(folder / "out"))
    assert (found.info.status, found.data.metrics["test/accuracy"] > 0) == ("FINISHED", True)
    assert not (folder / undelivered.FOLDER).exists()


@pytest.mark.ci
def test_a_store_that_is_locked_from_the_start_is_waited_for(folder, monkeypatch, caplog):
    """Somebody else's lock is no mistake of ours: the training begins and ends as if there were none."""
    monkeypatch.setattr(run_logger, "PATIENCE", 0.5)
    with closing(sqlite3.connect(folder / "mlflow.db", isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        train(folder)
    assert "nnjax sync out" in caplog.text
    assert each_once(delivered(folder / "out")).info.status == "FINISHED"


def test_a_store_that_recovers_in_time_has_it_all_at_the_end(folder, monkeypatch, caplog):
    monkeypatch.setattr(run_logger, "PATIENCE", 60.0)
    breaks(monkeypatch, REFUSE, folder / "mlflow.db")
    write = run_folder.write_network

    def recovers(*arguments):
        execute(folder / "mlflow.db", "DROP TRIGGER refuse")
        return write(*arguments)

    monkeypatch.setattr(run_folder, "write_network", recovers)
    train(folder)
    assert "nnjax sync" not in caplog.text
    assert each_once(Done(0, "", "", folder)).info.status == "FINISHED"


def test_the_next_start_delivers_what_an_earlier_one_could_not(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(run_logger, "PATIENCE", 0.0)
        breaks(patch, REFUSE, folder / "mlflow.db")
        train(folder)
    execute(folder / "mlflow.db", "DROP TRIGGER refuse")
    released(folder / "out")
    monkeypatch.setattr(pipeline, "lane_results", after(pipeline.lane_results, lambda: not is_missing(folder / "out")))
    train(folder, "second")
    assert [run.info.status for run in runs(Done(0, "", "", folder)) if run.info.run_name != "template"] == [
        "FINISHED"
    ] * 2
    assert not (folder / undelivered.FOLDER).exists()


def released(folder):
    """Waits until the thread that delivered a folder has let go of it."""
    with FileLock(folder / journal.LOCK, timeout=60):
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
    with pytest.raises(StoreError, match="the store must be reachable and writable"):
        run(tmp_path, f"tracking.uri={uri}")
    assert not (tmp_path / undelivered.FOLDER).exists()
    assert not (tmp_path / "nowhere").exists()


def fails(monkeypatch, error, late):
    """Every delivery fails, at once or once the training has begun; the training waits until one has."""
    deliver, failed, chunks = Carried.deliver, threading.Event(), trainer.Trainer.chunks
    begun = threading.Event()
    if not late:
        begun.set()

    def failing(self):
        if not begun.is_set():
            return deliver(self)
        failed.set()
        raise error

    def waiting(*arguments):
        for number, chunk in enumerate(chunks(*arguments)):
            if not late and number == 0:
                assert failed.wait(60)
                time.sleep(0.2)
            if number == 1:  # the one before was shown
                begun.set()
            yield chunk  # which is news for the thread
            if late and number == 1:
                assert failed.wait(60)
                time.sleep(0.2)

    monkeypatch.setattr(Carried, "deliver", failing)
    monkeypatch.setattr(trainer.Trainer, "chunks", waiting)
    monkeypatch.setattr(run_logger, "PATIENCE", 0.5)


@pytest.mark.parametrize("late", [False, True], ids=["at once", "later"])
def test_an_error_of_the_files_ends_no_training(folder, monkeypatch, caplog, late):
    fails(monkeypatch, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "gone.npz"), late)
    train(folder)
    assert "No such file or directory: 'gone.npz'); its folder has it all: nnjax sync out" in caplog.text
    assert journal.read(folder / "out")[0][-1]["status"] == "FINISHED"
    assert [each.name for each in undelivered.folders(folder)] == ["out"]


def test_what_no_later_try_can_mend_ends_only_what_has_not_begun(folder, monkeypatch, caplog):
    wrong = InputError("tracking.experiment must not be a deleted one")
    with monkeypatch.context() as patch:
        fails(patch, wrong, late=False)
        with pytest.raises(InputError, match="a deleted one"):
            train(folder, "first")
    assert not (folder / undelivered.FOLDER).exists()
    with monkeypatch.context() as patch:
        fails(patch, wrong, late=True)
        train(folder)
    assert "(tracking.experiment must not be a deleted one); its folder has it all: nnjax sync out" in caplog.text
    assert journal.read(folder / "out")[0][-1]["status"] == "FINISHED"
    assert [each.name for each in undelivered.folders(folder)] == ["out"]


def test_a_run_that_goes_on_is_not_refused(folder, monkeypatch, caplog):
    """What was trained before is there, whatever the store says now."""
    (folder / "out" / "checkpoints").mkdir(parents=True)
    (folder / "out" / "checkpoints" / "x").touch()
    opened(folder / "out")
    fails(monkeypatch, InputError("tracking.experiment must not be a deleted one"), late=False)
    monkeypatch.setattr(pipeline.Checkpointer, "restore", lambda *arguments: None)
    pipeline.run(read(*XOR), folder / "out", folder)
    assert "nnjax sync out" in caplog.text
    assert journal.read(folder / "out")[0][-1]["status"] == "FINISHED"
    assert [each.name for each in undelivered.folders(folder)] == ["out"]


def test_the_line_says_where_a_password_is_wanted_that_nobody_wrote_down(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    store = "http://user:secret@h"
    said = undelivered.line("run", Path("/a/b c"), Path("/a"), store, "why")
    assert (
        said == "not all of this run is in the store http://h (why); its folder has it all: nnjax sync 'b c' --uri URI"
    )
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store)
    for store in ("http://user:secret@h", "http://h"):
        assert undelivered.line("run", Path("/a/b"), Path("/a"), store, "why").endswith("nnjax sync b")


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
    assert each_once(delivered(folder / "out")).info.status == "FAILED"


def test_passwords_are_not_recorded(tmp_path):
    from nnjax.system.secrets import without_passwords

    settings = {"data": {"mirror": "http://me:secret@host/x"}, "seed": 3}
    assert without_passwords(settings) == {"data": {"mirror": "http://host/x"}, "seed": 3}


def test_progress_in_plain_lines_ends_with_a_number(tmp_path, caplog):
    caplog.set_level("INFO", logger="nnjax")
    run(tmp_path, "training.tolerance=0.02", "tracking.enabled=true")
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("epoch ")]
    assert lines
    assert not any("nan" in line for line in lines)


def test_nothing_is_imported_for_the_store_before_the_program_is_compiled(folder, monkeypatch):
    """Python does one thing at a time: the first step would wait for it."""
    compile_it, before = pipeline.build.trainer, {*threading.enumerate()}

    def alone(*arguments):
        assert "mlflow" not in [thread.name for thread in {*threading.enumerate()} - before]
        return compile_it(*arguments)

    monkeypatch.setattr(pipeline.build, "trainer", alone)
    train(folder)
    metrics = each_once(Done(0, "", "", folder)).data.metrics
    assert metrics["time/first_step_seconds"] > metrics["time/compile_seconds"] > 0
