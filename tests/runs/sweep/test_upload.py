"""A sweep uploaded: every member once in the table and in MLflow, with its own settings, metrics and times."""

import csv

import mlflow
import numpy as np
import pytest
from pandas import DataFrame

from nnjax.config import lanes
from nnjax.errors import TrainingError
from nnjax.runs.sweep import storage, upload
from nnjax.tracking.quiet import quiet
from nnjax.tracking.upload import STATE, is_missing
from nnjax.training import trainer
from tests.config.test_schema import read
from tests.reporting import Page
from tests.runs.sweep.conftest import RATES, XOR, lane_of, recorded, values

TRUTH_TABLE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
ALL = ("tracking.figures=true", "tracking.model=true")
JOBS = ("model.hidden=[2]", "model.hidden=[3]")


@pytest.fixture(scope="module")
def sweep(swept):
    """Two shapes, two rates of which one diverges, two seeds: 8 members."""
    made = swept()
    trainer.compile_programs.cache_clear()  # programs are counted
    for job in JOBS:
        made.train(job, RATES, "lanes.seeds=2", *ALL)
    return made.finish(*ALL)


def history(sweep):
    return dict(np.load(sweep.root / "summary" / "histories.npz"))


def test_the_table_has_every_member_once_with_all_its_settings(sweep):
    expected = [member for job in JOBS for member in lanes.lane_configs(read(*XOR, *ALL, job, RATES, "lanes.seeds=2"))]
    assert [lane.settings for lane in sweep.lanes()] == [lanes.result_settings(each) for each in expected]
    digest = sweep.lanes()[0].facts["data"]
    assert [lane.facts["member"] for lane in sweep.lanes()] == [
        lanes.lane_identity(lanes.result_settings(each), digest) for each in expected
    ]


def test_one_program_a_group_was_compiled(sweep):
    assert [part.group.compiles for part in sweep.parts()] == [1, 1]
    assert all(part.group.compile_seconds > 0 and part.group.train_seconds > 0 for part in sweep.parts())


def test_final_metrics_are_those_of_the_network_that_is_kept(sweep):
    for lane in [lane for lane in sweep.lanes() if lane.metrics]:
        network, y = sweep.network(lane), np.array([0, 1, 1, 0])
        h = network.outputs(TRUTH_TABLE)[:, 0]
        assert lane.metrics["test/loss"] == pytest.approx(((h - y) ** 2 / 2).mean(), rel=1e-5)
        assert lane.metrics["test/accuracy"] == ((h > 0.5) == y).mean()
        assert set(lane.metrics) >= {"test/loss", "test/accuracy", "train/loss", "train/accuracy"}
        assert lane.facts["epochs"] == lane.facts["kept_epoch"] == 30
        assert lane.facts["stopped"] == "epoch limit"


def test_the_norms_of_layers_are_in_the_histories_and_not_in_the_table(sweep):
    names = {f"{kind}/norm/{layer}" for kind in ("parameters", "gradient") for layer in (1, 2)}
    assert names < {*history(sweep)}
    assert not any(names & {*lane.metrics} for lane in sweep.lanes())


def test_a_diverged_lane_is_marked_with_its_last_finite_epoch(sweep):
    curves = history(sweep)
    for place, lane in enumerate(sweep.lanes()):
        loss = curves["train/loss"][place]
        if lane.settings["optimizer.learning_rate"] == 0.1:
            assert lane.facts["status"] == "finished"
            assert np.isfinite(loss).all()
            continue
        assert (lane.facts["status"], lane.facts["stopped"], lane.metrics) == ("diverged", "diverged", {})
        last = lane.facts["epochs"]
        assert 0 < last < 30
        assert np.isfinite(loss[: last + 1]).all()
        assert np.isnan(loss[last + 2 :]).all()  # that of the epoch in between may be finite, its network is not
        assert all(np.isfinite(leaf).all() for layer in sweep.network(lane).params for leaf in layer)


def test_a_lane_alone_diverges_in_the_same_epoch(sweep, tmp_path):
    from nnjax.runs import run as pipeline

    last = lane_of(sweep.lanes(), learning_rate=100, hidden=[2], seed=0).facts["epochs"]
    alone = read(*XOR, "optimizer.learning_rate=100", "tracking.enabled=false")
    with pytest.raises(TrainingError, match=f"not finite in epoch {last + 1}:"):
        pipeline.run(alone, tmp_path, tmp_path)


def test_every_member_is_a_child_run_with_what_was_swept(sweep):
    children = sweep.children()
    assert len(children) == len(sweep.lanes()) == 8
    for place, lane in enumerate(sweep.lanes()):
        child, rate = children[lane.facts["member"]], lane.settings["optimizer.learning_rate"]
        hidden, seed = lane.settings["model.hidden"], lane.settings["seed"]
        expected = {"model.hidden": str(hidden), "optimizer.learning_rate": str(rate), "seed": str(seed)}
        assert child.data.params == expected
        assert child.info.run_name == f"hidden={hidden} learning_rate={rate} seed={seed}"
        assert (child.info.start_time, child.info.end_time) == (lane.facts["started"], lane.facts["ended"])
        assert 0 < child.info.start_time < child.info.end_time
        assert child.data.tags["lane"] == str(place)
        assert child.data.tags["network"] == f"lanes/{lane.facts['part']}.safetensors, lane {lane.facts['lane']}"
        assert child.data.tags["stopped"] == lane.facts["stopped"]


def test_a_finished_child_has_the_tables_metrics_and_a_diverged_one_its_last_finite_epoch(sweep):
    for lane in sweep.lanes():
        child = sweep.children()[lane.facts["member"]]
        if lane.facts["status"] == "diverged":
            assert child.info.status == "FAILED"
            assert child.data.tags["last_finite_epoch"] == str(lane.facts["epochs"])
            assert "learning_rate below" in child.data.tags["hint"]
            assert not {"test/loss", "test/accuracy"} & set(child.data.metrics)
        else:
            assert child.info.status == "FINISHED"
            assert "last_finite_epoch" not in child.data.tags
            assert child.data.metrics == recorded(lane)


def test_a_child_has_at_most_ten_points_of_a_metric_and_they_are_the_histories(sweep):
    client, curves = sweep.client(), history(sweep)
    for place, lane in enumerate(sweep.lanes()):
        run = sweep.children()[lane.facts["member"]].info.run_id
        points = client.get_metric_history(run, "train/loss")
        steps = sorted(point.step for point in points)
        assert len(steps) == len(set(steps)) <= 10
        assert steps[0] == 0
        assert steps[-1] == lane.facts["epochs"]
        for point in points:
            assert point.value == pytest.approx(curves["train/loss"][place, point.step], rel=1e-6)
        if lane.facts["status"] == "finished":
            assert len(steps) >= 9


def test_the_parent_has_the_spread_of_each_final_metric(sweep):
    metrics, finished = sweep.parent().data.metrics, [lane for lane in sweep.lanes() if lane.metrics]
    for name in ("test/loss", "test/accuracy", "train/loss", "train/accuracy"):
        final = np.array(values(finished, name))
        expected = {"mean": final.mean(), "std": final.std(ddof=1), "min": final.min(), "max": final.max()}
        assert {part: metrics[f"{name}/{part}"] for part in expected} == pytest.approx(expected)
    assert (metrics["sweep/lanes"], metrics["sweep/diverged"], metrics["sweep/compiles"]) == (8, 4, 2)


def test_the_parent_has_the_common_settings_and_says_what_was_swept(sweep):
    parent = sweep.parent()
    assert parent.info.status == "FINISHED"
    assert parent.data.params["training.epochs"] == "30"
    assert not {"model.hidden", "optimizer.learning_rate", "seed"} & set(parent.data.params)
    assert parent.data.tags["swept"] == "model.hidden, optimizer.learning_rate, seed"
    assert parent.data.tags["lanes"] == "8"
    assert parent.data.tags["version.jax"]
    assert "4 finished, 4 diverged" in parent.data.tags["mlflow.note.content"]
    assert len([run for run in sweep.runs() if "mlflow.parentRunId" not in run.data.tags]) == 1


def test_the_parents_input_is_the_data(sweep):
    (given,) = sweep.parent().inputs.dataset_inputs
    assert given.dataset.name == "XOR"
    assert {lane.facts["data"][:12] for lane in sweep.lanes()} == {given.dataset.digest}


def test_the_parents_files_are_the_summary(sweep, tmp_path):
    client, run = sweep.client(), sweep.parent().info.run_id
    top = {item.path for item in client.list_artifacts(run)}
    files = {"lanes.parquet", "histories.npz", "leaderboard.csv", "summary.txt", "report.html"}
    assert {*files, "figures", "best", "lanes"} <= top
    figures = {item.path for item in client.list_artifacts(run, "figures")}
    assert figures == {f"figures/{name}.png" for name in ("bands", "heat_map", "leaderboard")}
    best = {item.path for item in client.list_artifacts(run, "best/figures")}
    assert {f"best/figures/{name}.png" for name in ("learning_curves", "norms", "decision_boundary")} <= best
    copy = client.download_artifacts(run, "lanes.parquet", str(tmp_path))
    assert storage.read_table(copy)[0] == sweep.lanes()


def test_the_report_says_what_was_swept_and_which_lane_is_best(sweep):
    page = Page(sweep.root / "summary" / "report.html")
    page.check_alone()
    parts = ["Results", "What ran", "Data", "Gradient check", "Figures", "The best lane", "Run it again"]
    assert page.said("h2") == parts
    assert page.said("h1") == [sweep.parent().data.tags["mlflow.runName"]]
    cells = page.said("code")
    rates = cells.index("optimizer.learning_rate")
    assert cells[rates + 1] == "0.1, 100.0"
    assert cells.count("optimizer.learning_rate") == 1, "what was swept is no setting that all have"
    assert not [cell for cell in cells if cell.startswith("lanes.values")]
    assert page.said("td").count("diverged") == 4
    place = min((lane.metrics["train/loss"], i) for i, lane in enumerate(sweep.lanes()) if lane.metrics)[1]
    assert f"nnjax reproduce {sweep.parent().info.run_id}:{place}" in page.said("pre")
    assert len(page.of("img")) == len([*(sweep.root / "summary").rglob("*.png")])


def test_the_leaderboard_ranks_finished_lanes_by_the_objective(sweep):
    with (sweep.root / "summary" / "leaderboard.csv").open() as file:
        rows = list(csv.DictReader(file))
    losses = sorted(values([lane for lane in sweep.lanes() if lane.metrics], "train/loss"))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4", "", "", "", ""]
    assert [float(row["train/loss"]) for row in rows[:4]] == losses
    assert {row["stopped"] for row in rows[4:]} == {"diverged"}
    assert {row["optimizer.learning_rate"] for row in rows[4:]} == {"100.0"}


def test_the_logged_model_is_the_best_lane(sweep, monkeypatch):
    best = min((lane for lane in sweep.lanes() if lane.metrics), key=lambda lane: lane.metrics["train/loss"])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{sweep.start}/mlflow.db")
    with quiet():
        model = mlflow.pyfunc.load_model(f"runs:/{sweep.parent().info.run_id}/model")
    np.testing.assert_array_equal(
        model.predict(DataFrame(TRUTH_TABLE, columns=["x1", "x2"])), sweep.network(best).predict(TRUTH_TABLE)
    )
    assert (sweep.network(best).predict(TRUTH_TABLE) != 0).any()


@pytest.mark.parametrize("known", [True, False], ids=["known", "killed before it was known"])
def test_uploaded_twice_nothing_changes(sweep, known):
    client = sweep.client()

    def points(run):
        found = {name: client.get_metric_history(run.info.run_id, name) for name in run.data.metrics}
        return {name: [(point.step, point.timestamp, point.value) for point in each] for name, each in found.items()}

    def facts(run):
        return run.info.status, run.info.start_time, run.info.run_name, run.data.params, run.data.tags, points(run)

    def everything():
        return {run.info.run_id: facts(run) for run in sweep.runs()}

    before = everything()
    if not known:
        (sweep.root / STATE).unlink()
    sweep.finish("tracking.figures=true")
    assert not is_missing(sweep.root)
    after = everything()
    assert after.keys() == before.keys()
    for run in before:
        assert after[run] == before[run]


def test_a_table_alone_has_no_child_runs(swept):
    made = swept().run("lanes.record=table", "lanes.seeds=4")
    assert made.children() == {}
    assert made.parent().info.status == "FINISHED"
    assert "lanes.parquet" in [item.path for item in made.client().list_artifacts(made.parent().info.run_id)]
    assert [lane.settings["seed"] for lane in made.lanes()] == [0, 1, 2, 3]


@pytest.mark.ci
@pytest.mark.parametrize(("record", "most", "children"), [("auto", 4, 4), ("auto", 3, 0), ("runs", 3, 4)])
def test_so_many_lanes_become_child_runs(swept, monkeypatch, record, most, children):
    assert upload.MAX_CHILD_RUNS == 256
    monkeypatch.setattr(upload, "MAX_CHILD_RUNS", most)
    made = swept().run(f"lanes.record={record}", "lanes.seeds=4")
    assert len(made.children()) == children
    assert len(made.lanes()) == 4


def test_without_tracking_the_folder_has_it_all(swept, tmp_path):
    made = swept("s", tmp_path).run("tracking.enabled=false", "lanes.seeds=4")
    assert len(made.lanes()) == 4
    assert not (tmp_path / "mlflow.db").exists()


def test_a_sweep_in_which_all_diverged_is_uploaded(swept):
    made = swept()
    (result,) = made.train("optimizer.learning_rate=100", "lanes.seeds=4")
    assert isinstance(result, TrainingError)
    made.finish(*ALL)
    assert {run.info.status for run in made.children().values()} == {"FAILED"}
    assert made.parent().info.status == "FAILED"
    assert made.parent().data.metrics["sweep/diverged"] == 4


def test_results_are_the_points_means_over_the_seeds_that_finished(swept):
    made = swept()
    first, second = made.train(RATES, "lanes.seeds=2", "tracking.enabled=false")
    made.finish("tracking.enabled=false")
    assert first == pytest.approx(np.mean(values([lane for lane in made.lanes() if lane.metrics], "train/loss")))
    assert isinstance(second, TrainingError)


@pytest.mark.ci
def test_a_child_has_the_metrics_of_the_network_kept_not_of_the_last_epoch(swept):
    """keep=best: the epoch of the lowest validation loss, after which training went on."""
    made = swept().run(
        *("data=mnist", "data.source=bundled", "data.train_size=40", "data.validation_size=40"),
        *("loss=cross_entropy", "optimizer=adam", "optimizer.learning_rate=0.05", "training.keep=best"),
        *("training.limit_batches=1", "lanes.seeds=2"),
    )
    assert any(lane.facts["kept_epoch"] < lane.facts["epochs"] for lane in made.lanes())
    for lane in made.lanes():
        child = made.children()[lane.facts["member"]]
        assert child.data.metrics["validation/loss"] == pytest.approx(lane.metrics["validation/loss"], rel=1e-7)
        assert child.data.metrics["test/loss"] == pytest.approx(lane.metrics["test/loss"], rel=1e-7)
