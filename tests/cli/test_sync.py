"""`nnjax sync`: what is missing is uploaded, nothing twice; a run or a sweep that was killed becomes KILLED."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from nnjax import __main__
from nnjax.runs.sweep import upload
from nnjax.system import processes
from nnjax.tracking import journal, not_uploaded, uploads
from nnjax.tracking.journal import RunJournal
from nnjax.tracking.upload import Uploader, is_missing
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
        process={**processes.current_process(), **process_facts},
    )
    made.append_metrics([("train/loss", 0, 0.5)])
    not_uploaded.add(start, folder)
    return folder


def runs(start):
    with closing(sqlite3.connect(start / "mlflow.db")) as connection:
        return dict(connection.execute("SELECT name, status FROM runs WHERE name != 'template'").fetchall())


def test_a_killed_run_is_ended_and_uploaded_and_one_at_work_is_left_alone(swept, sync):  # noqa: F811
    start = swept().start
    left_behind(start, "killed", started="long ago")
    left_behind(start, "at work")
    left_behind(start, "elsewhere", host="another", started="long ago")
    code, said, noise = sync(start)
    assert (code, noise) == (0, "")
    elsewhere = "outputs/today/elsewhere: RUNNING on another: left as it is\n"
    assert (
        said
        == f"{elsewhere}outputs/today/killed: 3 events uploaded; the run was still marked RUNNING and is now KILLED\n"
    )
    assert runs(start) == {"killed": "KILLED"}
    assert {folder.name for folder in not_uploaded.folders(start)} == {"at work", "elsewhere"}
    assert sync(start) == (0, elsewhere, "")
    assert sync(start, "outputs/today/at work") == (0, "nothing is missing\n", "")


def test_a_killed_run_that_can_go_on_says_how(swept, sync):  # noqa: F811
    start = swept().start
    folder = left_behind(start, "killed", started="long ago")
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "1.safetensors").touch()
    assert sync(folder.parent, "killed")[1].endswith("is now KILLED; to continue it: nnjax-train resume=killed\n")
    (start / "mlflow.db").unlink()  # uploaded again, it has been KILLED before
    assert (
        sync(start)[1]
        == "outputs/today/killed: 3 events uploaded; to continue it: nnjax-train resume=outputs/today/killed\n"
    )


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


def change_opening(root, **facts):
    """Change the opening of a sweep's journal, as of a command that is gone."""
    path = root / journal.JOURNAL
    events = [json.loads(line) for line in path.read_text().splitlines()]
    events[0] |= facts
    path.write_text("".join(json.dumps(event) + "\n" for event in events))


def killed_sweep(made, monkeypatch, **process):
    """Train lanes by a command that is killed together with its uploader, when the store has the sweep's run."""
    with monkeypatch.context() as patch:
        patch.setattr(uploads, "_send", lambda message: None)
        made.train("lanes.seeds=2", "lanes.record=table")
    made.command = None
    change_opening(made.root, process={**processes.current_process(), "started": "long ago", **process})
    Uploader(made.root).upload()
    assert made.parent().info.status == "RUNNING"


def test_a_sweep_that_was_killed_is_uploaded_and_is_killed(swept, sync, monkeypatch):  # noqa: F811
    made = swept("sweeps")
    killed_sweep(made, monkeypatch)
    code, said, noise = sync(made.start)
    assert (code, noise) == (0, "")
    assert said.endswith(" events uploaded; the sweep was still marked RUNNING and is now KILLED\n")
    assert (made.parent().info.status, made.parent().data.metrics["sweep/lanes"]) == ("KILLED", 2)
    assert (made.root / "summary" / "summary.txt").exists()
    assert sync(made.start) == (0, "nothing is missing\n", "")
    assert not is_missing(made.root)
    assert is_missing(made.root, "http://elsewhere")
    (made.start / "mlflow.db").rename(made.start / "away.db")
    assert is_missing(made.root)


def test_a_sweep_of_another_host_is_left_alone(swept, sync, monkeypatch):  # noqa: F811
    made = swept("sweeps")
    killed_sweep(made, monkeypatch, host="another")
    assert sync(made.start) == (0, "sweeps: RUNNING on another: left as it is\n", "")
    assert made.parent().info.status == "RUNNING"


def test_a_sweep_that_came_to_nothing_is_said_once(swept, sync, monkeypatch):  # noqa: F811
    made = swept("sweeps")
    config = read(*XOR, "lanes.record=table")
    monkeypatch.setattr(uploads, "_send", lambda message: None)
    upload.open_journal(made.running(config), "boolean")
    change_opening(made.root, process={**processes.current_process(), "started": "long ago"})
    said = "sweeps: 2 events uploaded; the sweep was still marked RUNNING and is now KILLED\n"
    assert sync(made.start) == (0, said, "")
    assert sync(made.start) == (0, "nothing is missing\n", "")
    assert made.parent().info.status == "KILLED"


def test_a_sweep_that_is_not_to_be_recorded_asks_for_no_store(swept, monkeypatch):  # noqa: F811
    made = swept("sweeps")
    made.root.mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "file:///nobodys")
    made.finish("tracking.enabled=false")
    assert journal.read(made.root) == ([], 0)


def test_a_sweep_whose_store_was_gone_at_its_end_is_uploaded_with_its_own_status(
    swept,  # noqa: F811
    sync,
    capsys,
    monkeypatch,
):
    made = swept("sweeps")
    monkeypatch.setattr(upload, "PATIENCE", 0.5)
    monkeypatch.setattr(uploads, "CREATION", 0.5)
    database, away = made.start / "mlflow.db", made.start / "away.db"
    database.rename(away)
    database.mkdir()  # nothing can be written there
    monkeypatch.setattr(uploads, "_send", lambda message: None)
    monkeypatch.setattr(upload.store_uri, "check_there", lambda store: None)
    made.run("lanes.seeds=2", "lanes.record=table")
    assert "All results are in its folder. To upload them: nnjax sync sweeps" in capsys.readouterr().out
    assert (made.root / "summary" / "summary.txt").exists()
    database.rmdir()
    away.rename(database)
    code, said, _ = sync(made.start)
    assert (code, said) == (0, "sweeps: 6 events uploaded\n")
    assert made.parent().info.status == "FINISHED"
    assert sync(made.start) == (0, "nothing is missing\n", "")


def test_a_sweep_of_an_older_build_is_a_line(swept, sync):  # noqa: F811
    """command.json, of version 0.1's first builds: that build can upload it, and so can the sweep's own command."""
    start = swept().start
    (start / "sweeps" / "old").mkdir(parents=True)
    (start / "sweeps" / "old" / upload.OLD_COMMAND).write_text("{}")
    code, said, noise = sync(start)
    assert (code, noise) == (1, "error: 1 of 1 folders could not be uploaded\n")
    assert "was written by an older build of nnjax. Allowed: nnjax sync of that build, or the sweep's own" in said


def test_what_is_no_journal_is_one_line(swept, sync):  # noqa: F811
    start = swept().start
    folder = start / "outputs" / "x"
    folder.mkdir(parents=True)
    (folder / journal.JOURNAL).write_text('{"event": "end", "time": 1, "status": "FINISHED"}\n')
    code, said, noise = sync(start)
    assert code == 1
    assert said.startswith("outputs/x: not uploaded: ")
    assert noise.count("\n") == 1


def test_damaged_files_are_a_line_each_and_the_others_are_uploaded(swept, sync, monkeypatch):  # noqa: F811
    made = swept("sweeps/0")
    start = made.start
    damaged = start / "outputs" / "damaged"
    damaged.mkdir(parents=True)
    (damaged / journal.JOURNAL).write_text('{"event": "open", "time": 1}\n')
    (start / "outputs" / "empty").mkdir()
    (start / "outputs" / "empty" / journal.JOURNAL).touch()  # killed before it began
    left_behind(start, "killed", started="long ago")
    killed_sweep(made, monkeypatch)
    (opened,) = (json.loads(line) for line in (made.root / journal.JOURNAL).read_text().splitlines())
    recorded = opened["sweep"]
    wrongs = (
        {"process": {}},
        {"start_folder": None},
        {"sweep": []},
        {"sweep": {}},
        {"sweep": {**recorded, "tracking": {"enabled": True}}},
        {"sweep": {**recorded, "tracking": {**recorded["tracking"], "more": 1}}},
        {"sweep": {**recorded, "tracking": {**recorded["tracking"], "uri": 3}}},
        {"sweep": {**recorded, "objective": "speed"}},
        {"sweep": {**recorded, "record": ["table"]}},
    )
    for number, wrong in enumerate(wrongs, 1):
        folder = shutil.copytree(made.root, start / "sweeps" / str(number))
        change_opening(folder, **wrong)
    for name, text in {"list": "[]\n", "no children": '{"member": 1}\n', "deep": "[" * 100_000 + "\n"}.items():
        folder = shutil.copytree(made.root, start / "sweeps" / name)
        RunJournal(folder, resumed=True).append("children", file="children.jsonl")
        (folder / "children.jsonl").write_text(text)
    code, said, noise = sync(start)
    assert (code, runs(start)["killed"]) == (1, "KILLED")
    lines = said.splitlines()
    failed = [line for line in lines if ": not uploaded: " in line]
    assert len(failed) == 1 + len(wrongs) + 3, said
    assert all("damaged: " in line for line in failed), said
    assert noise == f"error: {len(failed)} of {len(lines)} folders could not be uploaded\n"
