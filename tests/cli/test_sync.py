"""`nnjax sync`: what is missing is delivered, nothing twice; what was killed is said to be."""

import json
import sqlite3
from contextlib import closing

import pytest

from nnjax import __main__
from nnjax.runs.sweep import command, upload
from nnjax.runs.sweep.callback import Running
from nnjax.system import processes
from nnjax.tracking import journal, undelivered
from nnjax.tracking.journal import RunJournal
from tests.config.test_schema import read
from tests.runs.sweep.conftest import XOR, swept  # noqa: F401 - a fixture


@pytest.fixture
def sync(monkeypatch, capsys):
    """sync(folder, words...) -> (exit code, both streams): the verb in this process."""

    def run(folder, *words):
        monkeypatch.chdir(folder)
        monkeypatch.setattr("sys.argv", ["nnjax", "sync", *words])
        try:
            __main__.main()
            code = 0
        except SystemExit as ended:
            code = ended.code
        return code, *capsys.readouterr()

    return run


def left_behind(start, name, **process_facts):
    """A run's folder whose process wrote no end."""
    folder = start / "outputs" / "today" / name
    folder.mkdir(parents=True)
    made = RunJournal(folder)
    made.append(
        "open",
        id=made.id,
        name=name,
        experiment="boolean",
        uri=f"sqlite:///{start}/mlflow.db",
        start_folder=str(start),
        tags={},
        params={"seed": "0"},
        dataset={"name": "boolean", "source": "a table", "digest": "d" * 64, "shapes": {"train": [4, 2]}},
        process={**processes.this(), **process_facts},
    )
    made.metrics([("train/loss", 0, 0.5)])
    undelivered.add(start, folder)
    return folder


def runs(start):
    with closing(sqlite3.connect(start / "mlflow.db")) as connection:
        return dict(connection.execute("SELECT name, status FROM runs WHERE name != 'template'").fetchall())


def test_a_killed_run_is_ended_and_delivered_and_one_at_work_is_left_alone(swept, sync):  # noqa: F811
    start = swept().start
    left_behind(start, "killed", started="long ago")
    left_behind(start, "at work")
    left_behind(start, "elsewhere", host="another", started="long ago")
    code, said, noise = sync(start)
    assert (code, noise) == (0, "")
    elsewhere = "outputs/today/elsewhere: left RUNNING by another: not touched\n"
    assert said == f"{elsewhere}outputs/today/killed: 3 events delivered, and the run, left RUNNING, is KILLED\n"
    assert runs(start) == {"killed": "KILLED"}
    assert {folder.name for folder in undelivered.folders(start)} == {"at work", "elsewhere"}
    assert sync(start) == (0, elsewhere, "")
    assert sync(start, "outputs/today/at work") == (0, "nothing is missing\n", "")


def test_a_killed_run_that_can_go_on_says_how(swept, sync):  # noqa: F811
    start = swept().start
    folder = left_behind(start, "killed", started="long ago")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "1.safetensors").touch()
    assert sync(folder.parent, "killed")[1].endswith("is KILLED; resume=killed goes on\n")
    (start / "mlflow.db").unlink()  # delivered again, it has been KILLED before
    assert sync(start)[1] == "outputs/today/killed: 3 events delivered; resume=outputs/today/killed goes on\n"


def test_folders_are_named_and_mistakes_are_one_line(swept, sync, tmp_path):  # noqa: F811
    start = swept().start
    folder = left_behind(start, "killed", started="long ago")
    assert sync(start, "nowhere")[0] == 2
    assert sync(start, str(folder))[0] == 0
    assert runs(start) == {"killed": "KILLED"}
    nothing = "no recorded runs in "
    assert sync(tmp_path) == (0, f"{nothing}outputs/, multirun/, sweeps/\n", "")
    (tmp_path / "empty").mkdir()
    assert sync(tmp_path, "empty") == (0, f"{nothing}empty\n", "")


def test_a_store_that_is_gone_is_said_for_each_folder_and_in_the_exit_code(swept, sync):  # noqa: F811
    start = swept().start
    for name in "ab":
        left_behind(start, name, started="long ago")
    code, said, noise = sync(start, "--uri=http://127.0.0.1:9")
    assert code == 1
    assert [line.split(":")[0] for line in said.splitlines()] == ["outputs/today/a", "outputs/today/b"]
    assert noise == "error: 2 of 2 folders could not be uploaded\n"
    assert sync(start)[0] == 0
    assert runs(start) == {"a": "KILLED", "b": "KILLED"}


def a_sweep(made, **facts):
    """Lanes that were trained by a command that is gone, its parent left RUNNING; as XOR trains them."""
    config = read(*XOR, "lanes.record=table")
    running = Running(made.root, made.start, config.tracking, config.lanes.record, config.objective)
    command.remember(running)
    made.train("lanes.seeds=2", "lanes.record=table")
    command.update(made.root, process={**processes.this(), "started": "long ago", **facts})
    return running


def test_a_sweep_that_was_killed_is_delivered_and_is_killed(swept, sync, monkeypatch):  # noqa: F811
    made = swept("sweeps")
    a_sweep(made)
    assert made.parent().info.status == "RUNNING"
    code, said, noise = sync(made.start)
    assert (code, noise) == (0, "")
    assert said.endswith("sweeps: uploaded, and the sweep, left RUNNING, is KILLED\n")
    assert (made.parent().info.status, made.parent().data.metrics["sweep/lanes"]) == ("KILLED", 2)
    assert sync(made.start) == (0, "nothing is missing\n", "")
    known = command.read(made.root)
    running = command.running(made.root, known)
    assert command.has(known, running, known["delivered"])
    assert not command.has(known, command.running(made.root, known, "http://elsewhere"), known["delivered"])
    secret = {**known, "tracking": {**known["tracking"], "uri": "http://h"}}
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@h")
    assert command.store_of(command.running(made.root, secret)) == "http://user:secret@h"
    (made.start / "mlflow.db").rename(made.start / "away.db")
    assert not command.has(known, running, known["delivered"])


def test_a_sweep_of_another_host_is_left_alone(swept, sync):  # noqa: F811
    made = swept("sweeps")
    a_sweep(made, host="another")
    assert sync(made.start) == (0, "sweeps: left RUNNING by another: not touched\n", "")
    assert made.parent().info.status == "RUNNING"


def test_a_sweep_that_came_to_nothing_is_said_once(swept, sync):  # noqa: F811
    made = swept("sweeps")
    config = read(*XOR, "lanes.record=table")
    command.remember(Running(made.root, made.start, config.tracking, config.lanes.record, config.objective))
    command.update(made.root, process={**processes.this(), "started": "long ago"})
    said = "sweeps: nothing was trained, and the sweep, left RUNNING, is KILLED\n"
    assert sync(made.start) == (0, said, "")
    assert sync(made.start) == (0, "nothing is missing\n", "")


def test_a_sweep_that_is_not_to_be_recorded_asks_for_no_store(swept, monkeypatch):  # noqa: F811
    made = swept("sweeps")
    made.root.mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "file:///nobodys")
    made.deliver("tracking.enabled=false")
    assert command.read(made.root) is None


def test_a_sweep_whose_store_was_gone_at_its_end_is_delivered_with_its_own_status(swept, sync, capsys):  # noqa: F811
    made = swept("sweeps")
    running = a_sweep(made)
    database, away = made.start / "mlflow.db", made.start / "away.db"
    database.rename(away)
    database.mkdir()  # nothing can be written there
    upload.deliver(running, "FINISHED")
    assert "its folder has it all: nnjax sync sweeps" in capsys.readouterr().out
    assert (made.root / "summary" / "summary.txt").exists()
    database.rmdir()
    away.rename(database)
    code, said, _ = sync(made.start)
    assert (code, said.splitlines()[-1]) == (0, "sweeps: uploaded")
    assert made.parent().info.status == "FINISHED"
    assert sync(made.start) == (0, "nothing is missing\n", "")


def test_what_is_not_a_record_is_one_line(swept, sync):  # noqa: F811
    start = swept().start
    folder = start / "outputs" / "x"
    folder.mkdir(parents=True)
    (folder / journal.RECORD).write_text('{"event": "end", "time": 1, "status": "FINISHED"}\n')
    code, said, noise = sync(start)
    assert code == 1
    assert said.startswith("outputs/x: not uploaded: ")
    assert noise.count("\n") == 1


def test_a_command_that_was_remembered_before_there_were_reports_wants_one(tmp_path):
    command.remember(Running(tmp_path, tmp_path, read(*XOR).tracking, "table", None))
    known = command.read(tmp_path)
    del known["tracking"]["report"]
    (tmp_path / command.FILE).write_text(json.dumps(known))
    assert command.running(tmp_path, command.read(tmp_path)).tracking.report is True


def test_damaged_files_are_a_line_each_and_the_others_are_delivered(swept, sync):  # noqa: F811
    start = swept().start
    damaged = start / "outputs" / "damaged"
    damaged.mkdir(parents=True)
    (damaged / journal.RECORD).write_text('{"event": "open", "time": 1}\n')
    (start / "outputs" / "empty").mkdir()
    (start / "outputs" / "empty" / journal.RECORD).touch()  # killed before it began
    left_behind(start, "killed", started="long ago")
    config = read(*XOR, "lanes.record=table")
    command.remember(Running(start / "sweeps" / "0", start, config.tracking, "table", config.objective))
    whole = command.read(start / "sweeps" / "0")
    wrongs = (
        {"process": {}},
        {"tracking": {"enabled": True}},
        {"tracking": {**whole["tracking"], "more": 1}},
        {"tracking": {**whole["tracking"], "uri": 3}},
        {"objective": "speed"},
        {"record": ["table"]},
        {"status": "DONE"},
        {"start_folder": None},
    )
    for number, wrong in enumerate(wrongs, 1):
        (start / "sweeps" / str(number)).mkdir()
        (start / "sweeps" / str(number) / command.FILE).write_text(json.dumps({**whole, **wrong}))
    for number, text in enumerate(("[]", "{}", "no JSON", "[" * 100_000), 1 + len(wrongs)):
        (start / "sweeps" / str(number)).mkdir()
        (start / "sweeps" / str(number) / command.FILE).write_text(text)
    code, said, noise = sync(start)
    assert (code, runs(start)) == (1, {"killed": "KILLED"})
    lines = said.splitlines()
    assert len([line for line in lines if ": not uploaded: " in line and "damaged: " in line]) == len(lines) - 1 == 13
    assert noise == "error: 13 of 14 folders could not be uploaded\n"
