"""The same sweep again: what is there stays, what is missing is trained, nothing comes twice, also after kill -9."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from nnjax.errors import InputError
from nnjax.runs.sweep import train_lanes
from tests.end_to_end.conftest import command
from tests.runs.sweep.conftest import RATES, XOR, Swept, lane_of, recorded, values

OFF = "tracking.enabled=false"


def assert_each_once(sweep, count):
    """Every member once in the table and once as a finished child of the one finished parent."""
    lanes, children = sweep.lanes(), sweep.children()
    assert sorted(lane.settings["seed"] for lane in lanes) == list(range(count))
    assert {lane.facts["member"] for lane in lanes} == children.keys()
    assert {lane.facts["status"] for lane in lanes} == {"finished"}
    assert {run.info.status for run in children.values()} == {"FINISHED"}
    for lane in lanes:
        assert children[lane.facts["member"]].data.metrics == recorded(lane)
    assert [run.info.status for run in sweep.runs() if "mlflow.parentRunId" not in run.data.tags] == ["FINISHED"]


def test_what_is_finished_is_skipped_and_said(swept, caplog):
    made = swept().run("lanes.seeds=4")
    before = made.lanes()
    caplog.set_level("INFO", logger="nnjax")
    again = made.train("lanes.seeds=4")
    assert any("4 lanes, 0 to train, 4 skipped: finished before" in line for line in caplog.messages)
    made.finish()
    assert made.lanes() == before
    assert len(made.parts()) == 1
    assert again == [pytest.approx(sum(values(before, "train/loss")) / 4)]
    assert_each_once(made, 4)


def test_more_seeds_join_the_same_parent(swept, caplog):
    made = swept().run("lanes.seeds=4")
    parent_run, start = made.parent().info.run_id, made.lanes()
    caplog.set_level("INFO", logger="nnjax")
    made.run("lanes.seeds=8")
    assert any("8 lanes, 4 to train, 4 skipped: finished before" in line for line in caplog.messages)
    assert made.parent().info.run_id == parent_run
    assert made.parent().data.metrics["sweep/lanes"] == 8
    assert made.parent().data.tags["lanes"] == "8"
    assert made.lanes()[:4] == start
    assert_each_once(made, 8)


@pytest.mark.ci
def test_a_part_that_is_missing_is_trained_again(swept, caplog):
    made = swept().run("lanes.seeds=8", "lanes.max=4")
    first, second = made.parts()
    first.path.with_suffix(".parquet").unlink()
    caplog.set_level("INFO", logger="nnjax")
    made.run("lanes.seeds=8", "lanes.max=4")
    assert any("8 lanes, 4 to train, 4 skipped" in line for line in caplog.messages)
    kept, new = made.parts()
    assert kept.path == second.path
    assert [lane.settings for lane in new.lanes] == [lane.settings for lane in first.lanes]
    assert [lane.metrics for lane in new.lanes] == [lane.metrics for lane in first.lanes]
    assert_each_once(made, 8)


@pytest.mark.ci
def test_diverged_lanes_are_trained_again_and_stay_one(swept):
    made = swept().run(RATES, "lanes.seeds=2")
    before = made.lanes()
    children = {member: run.info.run_id for member, run in made.children().items()}
    made.run(RATES, "lanes.seeds=2")
    assert [len(part.lanes) for part in made.parts()] == [4, 2]
    assert [lane.facts["member"] for lane in made.lanes()] == [lane.facts["member"] for lane in before]
    assert {member: run.info.run_id for member, run in made.children().items()} == children
    for lane in made.lanes():
        child = made.children()[lane.facts["member"]]
        assert child.info.status == ("FAILED" if lane.facts["status"] == "diverged" else "FINISHED")
        points = made.client().get_metric_history(child.info.run_id, "train/loss")
        steps = [point.step for point in points]
        assert len(steps) == len(set(steps)) <= 10, "an epoch is told once"


@pytest.mark.ci
def test_a_diverged_childs_times_and_tags_are_those_of_the_lane_in_the_table(swept):
    made = swept().run(RATES, "lanes.seeds=2").run(RATES, "lanes.seeds=2")
    for lane in made.lanes():
        child = made.children()[lane.facts["member"]]
        assert child.info.end_time == lane.facts["ended"]
        assert child.data.tags["network"] == f"lanes/{lane.facts['part']}.safetensors, lane {lane.facts['lane']}"


@pytest.mark.ci
def test_another_rate_later_is_another_setting_that_differs(swept):
    made = swept().run("lanes.seeds=4").run("lanes.seeds=4", "optimizer.learning_rate=0.2")
    assert len(made.lanes()) == len(made.children()) == 8
    assert made.parent().data.tags["swept"] == "optimizer.learning_rate, seed"
    slow = lane_of(made.lanes(), seed=1, learning_rate=0.1)
    fast = lane_of(made.lanes(), seed=1, learning_rate=0.2)
    assert made.children()[slow.facts["member"]].data.metrics["train/loss"] == recorded(slow)["train/loss"]
    assert made.children()[fast.facts["member"]].data.params["optimizer.learning_rate"] == "0.2"
    assert slow.metrics != fast.metrics


@pytest.mark.ci
def test_a_parent_that_was_deleted_is_opened_anew(swept):
    made = swept().run("lanes.seeds=4")
    made.client().delete_run(made.parent().info.run_id)
    made.finish()
    assert_each_once(made, 4)


@pytest.mark.ci
def test_a_half_written_part_is_no_part(swept):
    made = swept()
    (made.root / "lanes").mkdir(parents=True)
    for suffix in ("safetensors", "npz", "part", "part.npz"):
        (made.root / "lanes" / f"1-2.{suffix}").write_bytes(b"half")
    made.run("lanes.seeds=4")
    assert_each_once(made, 4)


@pytest.mark.ci
def test_lanes_that_another_process_trains_are_left_to_it(swept, monkeypatch):
    """The lock is the file's: another process is as another opening of it in this one."""
    made, restore = swept(), train_lanes.restore

    def meanwhile(checkpointer, training):
        monkeypatch.setattr(train_lanes, "restore", restore)
        with pytest.raises(InputError, match="another process is training there"):
            made.train("lanes.seeds=4")

    monkeypatch.setattr(train_lanes, "restore", meanwhile)
    made.train("lanes.seeds=4")
    assert len(made.parts()) == 1


@pytest.mark.ci
def test_a_group_whose_checkpoints_are_damaged_is_trained_from_the_start(swept, monkeypatch, caplog):
    made, new_part = swept(), train_lanes.storage.new_part

    def killed_before(root):
        raise SystemExit

    monkeypatch.setattr(train_lanes.storage, "new_part", killed_before)
    with pytest.raises(SystemExit):
        made.train("lanes.seeds=4")
    monkeypatch.setattr(train_lanes.storage, "new_part", new_part)
    for path in made.root.glob("checkpoints/*/*.safetensors"):
        path.write_bytes(path.read_bytes()[:-1])
    again = made.train("lanes.seeds=4")
    assert [
        line
        for line in caplog.messages
        if "damaged" in line and line.endswith("These lanes are trained from the start.")
    ]
    assert again == swept().train("lanes.seeds=4")
    assert not list(made.root.glob("checkpoints/*"))


FINISH = """
import sys
from pathlib import Path
from nnjax.config.schema import Tracking
from nnjax.runs.sweep import upload
from nnjax.runs.sweep.callback import Running
root = Path(sys.argv[1])
tracking = Tracking(True, None, None, None, {}, False, False)
upload.finish(Running(root, root.parent, tracking, "runs", None), "FINISHED")
"""


def eventually(condition, seconds=120):
    """Waits for it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def children_of(start: Path) -> int:
    """How many there are, asked of the database itself, which takes no time."""
    with closing(sqlite3.connect(start / "mlflow.db")) as connection:
        return connection.execute("SELECT count(*) FROM tags WHERE key = 'mlflow.parentRunId'").fetchone()[0]


@pytest.mark.ci
@pytest.mark.slow
def test_an_end_killed_by_itself_leaves_nobody_writing(swept):
    """kill -9 of the command alone: what it started may still be writing child runs."""
    made = swept()
    made.train("lanes.seeds=40", "lanes.record=runs")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(
        [sys.executable, "-c", FINISH, str(made.root)], stdout=subprocess.DEVNULL, env=environment
    )
    eventually(lambda: children_of(made.start) > 2)
    process.kill()
    process.wait()
    made.finish("lanes.record=runs")
    time.sleep(1)  # a writer that was left alone would go on
    assert_each_once(made, 40)


NAMED = (*XOR, "sweep.name=k", "lanes.seeds=8", "lanes.max=2", "training.epochs=5000")


def killed(folder: Path, *words: str, moment: float) -> None:
    """The command, killed with its processes so many seconds after its sweep's folder was there, if it isn't over."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nnjax.train", *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    eventually(lambda: (folder / "sweeps" / "k").exists() or process.poll() is not None)
    time.sleep(moment)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.ci
@pytest.mark.parametrize("kills", [pytest.param(kills, marks=pytest.mark.slow) for kills in (3, 10)])
def test_killed_at_any_moment_nothing_is_lost_and_nothing_twice(tmp_path, kills):
    moments = random.Random()
    seed = moments.randrange(1000)
    moments.seed(seed)
    print(f"moments of seed {seed}")
    for _ in range(kills):
        killed(tmp_path, *NAMED, moment=moments.uniform(0, 3))
    done = command(tmp_path, *NAMED)
    assert done.code == 0, done.err
    assert done.err == ""
    assert_each_once(Swept(tmp_path / "sweeps" / "k", tmp_path), 8)
