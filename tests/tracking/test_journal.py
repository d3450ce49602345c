"""A run's journal: every event whole or ignored, points told once, and who was writing it."""

import errno
import json
import os
import subprocess
import sys

import pytest

from nnjax.errors import InputError
from nnjax.system import processes
from nnjax.tracking import journal, not_uploaded
from nnjax.tracking.journal import JOURNAL, RunJournal

OPEN = {
    "name": "xor",
    "experiment": "boolean",
    "uri": "sqlite:////x.db",
    "start_folder": "/",
    "tags": {},
    "params": {"seed": "0"},
    "dataset": {"name": "boolean", "source": "a table", "digest": "d", "shapes": {"train": [4, 2]}},
}


def opened(folder, **facts):
    """A journal with an opening."""
    made = RunJournal(folder)
    made.append("open", **{**OPEN, "id": made.id, "process": processes.current_process(), **facts})
    return made


def events(folder):
    return [event["event"] for event in journal.read(folder)[0]]


def test_events_are_read_from_where_the_last_reading_ended(tmp_path):
    made = opened(tmp_path, name="first")
    there, offset = journal.read(tmp_path)
    assert (there[0]["name"], there[0]["time"] > 1e12, offset) == ("first", True, journal.size(tmp_path))
    made.append("tags", tags={"a": "1"})
    there, end = journal.read(tmp_path, offset)
    assert ([event["tags"] for event in there], end) == ([{"a": "1"}], journal.size(tmp_path))
    assert journal.read(tmp_path, end) == ([], end)
    assert journal.read(tmp_path / "nowhere") == ([], 0)


def test_a_line_that_a_kill_cut_is_ignored_and_costs_no_other(tmp_path):
    opened(tmp_path).append("metrics", points=[["train/loss", 0, 0.5]])
    whole = (tmp_path / JOURNAL).read_bytes()
    for cut in range(len(whole)):
        (tmp_path / JOURNAL).write_bytes(whole[:cut])
        complete = ["open", "metrics"][: whole[:cut].count(b"\n")]
        assert events(tmp_path) == complete
        RunJournal(tmp_path, resumed=True).append("end", status="KILLED")
        # What was cut just before its line's end is an event all the same.
        assert events(tmp_path) in ([*complete, "end"], [*complete, "metrics", "end"], [*complete, "open", "end"])


def test_a_run_that_goes_on_keeps_its_journal_and_records_no_point_twice(tmp_path):
    first = opened(tmp_path)
    first.append_metrics([("train/loss", 0, 0.5), ("train/loss", 1, 0.4)])
    again = RunJournal(tmp_path, resumed=True)
    assert (again.resumed, again.id) == (True, first.id)
    again.append_metrics([("train/loss", 1, 0.4), ("train/loss", 2, 0.3), ("train/accuracy", 1, 1.0)])
    again.append_metrics([("train/loss", 2, 0.3)])
    points = [point for event in journal.read(tmp_path)[0] for point in event.get("points", ())]
    assert points == [
        ["train/loss", 0, 0.5],
        ["train/loss", 1, 0.4],
        ["train/loss", 2, 0.3],
        ["train/accuracy", 1, 1.0],
    ]


def test_another_run_in_the_same_folder_begins_anew(tmp_path):
    first = opened(tmp_path)
    for name in journal.STATES:
        (tmp_path / name).write_text("{}")
    second = RunJournal(tmp_path)
    assert (second.resumed, events(tmp_path)) == (False, [])
    assert not [name for name in journal.STATES if (tmp_path / name).exists()]
    assert second.id != first.id


def test_a_full_disk_leaves_no_half_event(tmp_path, monkeypatch):
    made, write = opened(tmp_path), os.write

    def full(file, data):
        if os.fstat(file).st_size > len(before) + 30:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data[:10])

    before = (tmp_path / JOURNAL).read_bytes()
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match=f"No space left on device.*{JOURNAL}"):
        made.append("tags", tags={"long": "x" * 60})
    assert (tmp_path / JOURNAL).read_bytes() == before


def test_a_process_is_known_to_be_gone_by_its_number_and_its_start():
    here = processes.current_process()
    assert not processes.has_ended(here)
    assert processes.has_ended({**here, "started": "long ago"})  # the number was given to another
    assert not processes.has_ended({**here, "host": "elsewhere", "started": "long ago"})
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    there = {**here, "pid": child.pid, "started": processes.start_time(child.pid)}
    assert there["started"]
    assert not processes.has_ended(there)
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert processes.has_ended(there), "what is left of it until its parent asks is no process"
    child.wait()
    assert processes.has_ended(there)


def test_a_run_whose_process_is_gone_ends_when_it_was_last_heard_of(tmp_path):
    made = opened(tmp_path)
    assert not journal.end_if_abandoned(tmp_path)
    made.append("open", **OPEN, id=made.id, process={**processes.current_process(), "started": "long ago"}, time=7)
    assert journal.end_if_abandoned(tmp_path)
    assert journal.read(tmp_path)[0][-1] == {"event": "end", "time": 7, "status": "KILLED"}
    assert not journal.end_if_abandoned(tmp_path)


def test_lines_of_something_else_are_no_events(tmp_path):
    (tmp_path / JOURNAL).write_text(
        'nonsense\n[]\n{"event": "tags"}\n\x00\n' + json.dumps({"event": "files", "time": 1}) + "\n"
    )
    assert events(tmp_path) == ["files"]


WHOLE = {**OPEN, "event": "open", "time": 1, "id": "x", "process": {"host": "h", "pid": 1, "started": "1"}}
EXAMPLE = {"dtype": "<f4", "shape": [1], "base64": ""}
MODEL = {"event": "model", "time": 1, "file": "model.safetensors", "example": EXAMPLE, "classes": []}


@pytest.mark.parametrize(
    "event",
    [
        {"event": "open", "time": 1},
        {**WHOLE, "time": "now"},
        {**WHOLE, "process": {}},
        {**WHOLE, "start_folder": "a\0b"},
        {**WHOLE, "uri": "http://["},
        {**WHOLE, "params": {"seed": 0}},
        {**WHOLE, "tags": ["x"]},
        {**WHOLE, "name": "\ud800"},
        {**WHOLE, "dataset": {**OPEN["dataset"], "shapes": {"train": []}}},
        {"event": "metrics", "time": 1, "points": [["loss", 0]]},
        {"event": "metrics", "time": 1, "points": [["loss", True, 0.5]]},
        {"event": "metrics", "time": 1, "points": [["loss", 0, 10**400]]},
        {"event": "metrics", "time": 1, "points": 3},
        {"event": "tags", "time": 1, "tags": {"a": None}},
        {**MODEL, "file": "../model.safetensors"},
        {**MODEL, "file": ".."},
        {**MODEL, "file": 3},
        {**MODEL, "example": {**EXAMPLE, "dtype": "O"}},
        {"event": "end", "time": 1, "status": "DONE"},
        {"event": ["end"], "time": 1},
        {"event": "more", "time": 1},
    ],
    ids=lambda event: str(event)[:60],
)
def test_an_event_that_no_run_writes_is_one_line(tmp_path, event):
    (tmp_path / JOURNAL).write_text("".join(f"{json.dumps(each)}\n" for each in (WHOLE, MODEL, event)))
    for use in (journal.read, journal.end_if_abandoned, lambda folder: RunJournal(folder, resumed=True)):
        with pytest.raises(InputError, match=r"record\.jsonl is damaged: ") as caught:
            use(tmp_path)
        assert "\n" not in str(caught.value)


def test_folders_not_uploaded_are_remembered_until_they_are_removed_or_gone(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        not_uploaded.add(tmp_path, tmp_path / name)
        not_uploaded.add(tmp_path, tmp_path / name)
    for name, damaged in (("0", b"\xff"), ("1", b"a\0b")):
        (tmp_path / not_uploaded.FOLDER / name).write_bytes(damaged)
    assert {folder.name for folder in not_uploaded.folders(tmp_path)} == {"a", "b"}
    for name in "01":
        (tmp_path / not_uploaded.FOLDER / name).unlink(missing_ok=True)
    (tmp_path / "a").rmdir()
    assert [folder.name for folder in not_uploaded.folders(tmp_path)] == ["b"]
    not_uploaded.remove(tmp_path, tmp_path / "b")
    assert not (tmp_path / not_uploaded.FOLDER).exists()
    not_uploaded.remove(tmp_path, tmp_path / "b")
