"""Sweeps as they are typed: Hydra's multirun with the lanes sweeper, with the launcher, and lanes of one job."""

import shutil
from pathlib import Path

import pytest

from tests.end_to_end.conftest import command
from tests.runs.sweep.conftest import XOR, Swept

OFF = "tracking.enabled=false"


def sweep_of(folder: Path) -> Swept:
    (root,) = folder.glob("multirun/*/*")
    return Swept(root, folder)


def test_a_multirun_is_one_parent_with_a_job_a_shape_and_a_child_a_member(tmp_path):
    words = ("-m", "+sweep=lanes", *XOR, "model.hidden=[2],[3]", "seed=range(0,3)")
    done = command(tmp_path, *words)
    assert done.code == 0, done.err
    assert done.err == ""
    assert "2 jobs of 3 lanes each (seed)" in done.out
    assert done.out.count("1 program compiled in") == 2
    assert "mlp sgd XOR, 6 lanes of hidden, seed" in done.out
    sweep = sweep_of(tmp_path)
    assert sorted(path.name for path in sweep.root.iterdir() if path.name.isdigit()) == ["0", "1"]
    assert all((sweep.root / job / "config.yaml").exists() for job in "01")
    names = {run.info.run_name for run in sweep.children().values()}
    assert names == {f"hidden=[{units}] seed={seed}" for units in (2, 3) for seed in (0, 1, 2)}
    assert {run.info.status for run in sweep.runs()} == {"FINISHED"}
    assert len(sweep.runs()) == 7
    assert sweep.parent().info.run_id in done.out


@pytest.mark.ci
def test_a_sweep_whose_jobs_are_several_processes_is_one_parent(tmp_path):
    words = ("-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", *XOR, "model.hidden=[2],[3]", "lanes.seeds=2")
    done = command(tmp_path, *words)
    assert done.code == 0, done.err
    sweep = sweep_of(tmp_path)
    assert {run.info.status for run in sweep.runs()} == {"FINISHED"}
    assert len(sweep.children()) == len(sweep.lanes()) == 4
    assert len(sweep.runs()) == 5
    assert sweep.parent().info.run_id in done.out


@pytest.mark.ci
def test_a_job_that_fails_costs_no_other_jobs_lanes(main, tmp_path):
    code, out, err = main("-m", "+sweep=lanes", *XOR, OFF, "data.test_size=0,4", "seed=range(0,4)")
    assert code == 2
    problem = "data.test_size=4 is impossible: the table has 4 rows."
    expected = f"error: {problem} Allowed: 0, a count from 1 to 3, or a share that makes such a count."
    assert err.splitlines()[-1] == expected
    assert "4 lanes of seed" in out
    assert [lane.settings["seed"] for lane in sweep_of(tmp_path).lanes()] == [0, 1, 2, 3]
    assert {lane.settings["data.test_size"] for lane in sweep_of(tmp_path).lanes()} == {0}


def test_lanes_of_one_network_are_called_by_its_name_and_say_what_batch_they_have(main):
    """L5: one sigmoid unit is logistic regression, however it was chosen."""
    code, out, err = main("lanes.seeds=2", *XOR, OFF, "loss=log_loss", "model.hidden=[]", "training.batch_size=5")
    assert code == 0, err
    assert "logistic regression 2-1 sgd XOR, 2 lanes of seed" in out
    assert "batch: all 4 instances, since training.batch_size=5 is more" in out


def test_a_job_with_a_mistake_is_one_line_and_costs_no_other_jobs_lanes(main, tmp_path):
    code, _, err = main("-m", "+sweep=lanes", *XOR, OFF, "model.hidden=[2],[0]", "seed=range(0,4)")
    assert len(sweep_of(tmp_path).lanes()) == 4
    assert code == 2
    which, what = err.splitlines()  # Hydra says which job it was, we what is wrong with it
    assert which.startswith("Error executing job with overrides: ['+sweep=lanes'") and "'model.hidden=[0]'" in which
    assert what == "error: model.hidden=[0] is out of range. Allowed: a number of at least 1 and of at most 1000000."


def test_the_launcher_trains_a_batch_as_one_job(main, tmp_path):
    code, out, err = main("-m", "hydra/launcher=lanes", *XOR, OFF, "seed=range(0,4)")
    assert (code, err) == (0, "")
    assert out.count("4 lanes") >= 2
    sweep = sweep_of(tmp_path)
    assert [path.name for path in sweep.root.iterdir() if path.name.isdigit()] == ["0"]
    assert sorted(lane.settings["seed"] for lane in sweep.lanes()) == [0, 1, 2, 3]
    assert len(sweep.parts()) == 1


@pytest.mark.ci
def test_both_ways_a_sweep_trains_the_same_members(main, tmp_path):
    words = (*XOR, OFF, "optimizer.learning_rate=0.1,0.2", "seed=0,1")
    tables = []
    for how in ("+sweep=lanes", "hydra/launcher=lanes"):
        assert main("-m", how, *words)[0] == 0
        tables.append(sweep_of(tmp_path).lanes())
        shutil.rmtree(tmp_path / "multirun")
    first, second = ({lane.facts["member"]: lane.metrics for lane in lanes} for lanes in tables)
    assert len(first) == 4
    assert first == second


def test_a_lane_that_diverges_fails_no_sweep(main, tmp_path):
    code, out, err = main("-m", "+sweep=lanes", *XOR, OFF, "optimizer.learning_rate=0.1,100", "seed=0,1")
    assert (code, err) == (0, "")
    assert "2 finished, 2 diverged" in out


def test_seeds_in_one_job_need_no_multirun(main, tmp_path):
    code, out, err = main(*XOR, OFF, "lanes.seeds=4")
    assert (code, err) == (0, "")
    assert "4 lanes of seed" in out
    (folder,) = tmp_path.glob("outputs/*/*")
    assert len(Swept(folder, tmp_path).lanes()) == 4


def test_lanes_that_all_diverge_are_one_line_and_exit_1(main, tmp_path):
    code, out, err = main(*XOR, OFF, "lanes.seeds=4", "optimizer.learning_rate=100")
    assert (code, err) == (
        1,
        "error: the loss is not finite in any lane: try a lower optimizer.learning_rate, or training.clip_norm=1\n",
    )
    assert "0 finished, 4 diverged" in out


def test_ctrl_c_leaves_a_sweep_that_is_not_running(main, tmp_path, monkeypatch):
    from nnjax.runs import build
    from nnjax.runs.sweep import upload

    monkeypatch.setattr(upload, "KILLED_PATIENCE", 60.0)
    real, groups = build.make_trainer, []

    def interrupted(*arguments):
        groups.append(arguments)
        if len(groups) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(build, "make_trainer", interrupted)
    assert main(*XOR, "lanes.seeds=8", "lanes.max=4", "sweep.name=c", "lanes.record=table")[0] == 130
    sweep = Swept(tmp_path / "sweeps" / "c", tmp_path)
    assert len(sweep.parts()) == 1
    assert sweep.parent().info.status == "KILLED"


@pytest.mark.ci
def test_a_named_sweep_goes_on_where_it_was(main, tmp_path):
    words = ("-m", "+sweep=lanes", *XOR, OFF, "sweep.name=n")
    assert main(*words, "seed=range(0,4)")[0] == 0
    code, out, _ = main(*words, "seed=range(0,8)")
    assert code == 0
    assert "8 lanes, 4 to train, 4 skipped: finished before" in out
    assert len(Swept(tmp_path / "sweeps" / "n", tmp_path).lanes()) == 8
