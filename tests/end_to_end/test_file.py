"""A file of one's own, from the command line to the model in MLflow: classes and regression (L5-L8)."""

import csv
import io

import mlflow
import numpy as np
import pytest
from pandas import DataFrame

from nnjax.tracking.quiet import quiet
from tests.end_to_end.conftest import command

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(50, 20, (90, 2)).round(2)
Y = (1000 + 30 * X[:, 0] - 10 * X[:, 1]).round(1)
SHORT = ("model.hidden=[]", "training.epochs=200", "training.gradient_check=false", "tracking.figures=false")


def saved(folder, header, cells):
    lines = [header, *(",".join(map(str, row)) for row in cells)]
    (folder / "mine.csv").write_text("\n".join(lines) + "\n")
    return folder


def answers(done, run_id, monkeypatch):
    """What MLflow's model says to X, its columns by name in another order and with one more."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{done.folder}/mlflow.db")
    with quiet():
        model = mlflow.pyfunc.load_model(f"runs:/{run_id}/model")
    return model.predict(DataFrame({"b": X[:, 1], "more": 0, "a": X[:, 0]}))


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A regression on a plane, recorded."""
    folder = saved(tmp_path_factory.mktemp("line"), "a,b,y", np.c_[X, Y])
    return command(
        folder, "data=file", "data.path=mine.csv", "model=regression", "model.hidden=[]", "training.epochs=200"
    )


def test_a_regression_is_recorded_with_rmse_and_r2_and_no_accuracy(line):
    """L8"""
    assert line.code == 0, line.err
    run = line.run()
    assert "y holds numbers: regression" in line.out
    assert not [name for name in run.data.metrics if "accuracy" in name]
    assert "accuracy" not in line.out
    measured = {f"{part}/{name}" for part in ("train", "validation", "test") for name in ("loss", "rmse", "r2")}
    assert measured <= {*run.data.metrics}
    assert run.data.metrics["test/r2"] > 0.999
    assert run.data.metrics["test/rmse"] < 0.05 * Y.std()
    assert run.data.metrics["gradient_check/max_relative_error"] <= 1e-12  # L32
    assert line.client().get_experiment(run.info.experiment_id).name == "mine"
    assert {path.stem for path in line.run_folder.glob("figures/*.png")} >= {"learning_curves", "predicted_over_true"}


def test_its_model_takes_raw_rows_and_predicts_in_the_targets_own_units(line, monkeypatch):
    found = answers(line, line.run().info.run_id, monkeypatch)
    np.testing.assert_allclose(found["y"], Y, atol=0.1 * Y.std())


def test_it_is_evaluated_on_its_own_test_and_on_another_file_and_asked_about_rows_without_a_target(line, ask):
    """L8, L38"""
    metrics = line.run().data.metrics
    own = ask(line.folder, "evaluate", line.run().info.run_id[:8], "--csv")
    assert own.code == 0, own.err
    measured = {row["metric"]: float(row["value"]) for row in csv.DictReader(io.StringIO(own.out))}
    assert measured == pytest.approx({"rmse": metrics["test/rmse"], "r2": metrics["test/r2"]}, abs=1e-3)
    other = [f"{y + 100},{b},{a}" for (a, b), y in zip(X[:20], Y, strict=False)]  # columns in another order, y 100 off
    (line.folder / "other.csv").write_text("\n".join(["y,b,a", *other, ""]))
    found = ask(line.folder, "evaluate", str(line.run_folder), "data.path=other.csv")
    assert found.code == 0, found.err
    assert "other: 20 for the test, from other.csv" in found.out
    shown = dict(words.split() for words in found.out.splitlines() if words.startswith(("rmse", "r2")))
    assert float(shown["rmse"]) == pytest.approx(100, abs=1)
    (line.folder / "rows.csv").write_text("\n".join(["b,a", *(f"{b},{a}" for a, b in X[:20]), ""]))
    asked = ask(line.folder, "predict", str(line.run_folder), "rows.csv", "--csv")
    assert asked.code == 0, asked.err
    answers = [float(row["y"]) for row in csv.DictReader(io.StringIO(asked.out))]
    np.testing.assert_allclose(answers, Y[:20], atol=0.1 * Y.std())


@pytest.mark.ci
def test_lanes_of_a_regression(tmp_path, trained):
    saved(tmp_path, "a,b,y", np.c_[X, Y])
    words = ("data=file", "data.path=mine.csv", "model=regression", "lanes.seeds=3", "objective=validation/r2", *SHORT)
    done = trained(*words)
    assert done.code == 0, done.err
    assert "test/rmse" in done.out
    assert "accuracy" not in done.out
    client = done.client()
    runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(children) == 3
    assert all(run.data.metrics["test/r2"] > 0.99 for run in children)


def test_classes_of_a_file(tmp_path, trained, monkeypatch):
    kinds = np.select([X[:, 0] < 45, X[:, 0] < 65], ["low", "middle"], "high")
    saved(tmp_path, "a,b,kind", np.c_[X, kinds])
    words = ("data=file", "data.path=mine.csv", "data.target=kind", "optimizer.learning_rate=1", *SHORT)
    done = trained(*words)
    assert done.code == 0, done.err
    assert "kind holds text, 3 classes: classification" in done.out
    run = done.run()
    assert run.data.metrics["test/accuracy"] > 0.85
    probabilities = answers(done, run.info.run_id, monkeypatch)
    assert [*probabilities.columns] == ["high", "low", "middle"]  # sorted (L9)
    assert (probabilities.idxmax(axis=1) == kinds).mean() > 0.85


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "error: data=file needs a file. Allowed: data.path=FILE.csv or data.path=FILE.npz.\n"),
        (
            ("data.path=mine.csv",),
            "error: loss=cross_entropy data=file: "
            "cross_entropy is for binary or multiclass data, and file is regression. Allowed: loss=squared_error.\n",
        ),
        (
            ("data.path=mine.csv", "model=regression", "data.label_noise=0.1"),
            "error: data.label_noise=0.1 replaces class labels, and a regression has none. Allowed: 0.\n",
        ),
        (
            ("data.path=mine.csv", "model=regression", "objective=validation/accuracy"),
            "error: objective=validation/accuracy is not measured, since file is regression. "
            "Allowed: validation/loss, validation/rmse, validation/r2.\n",
        ),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line(tmp_path, trained, words, message):
    saved(tmp_path, "a,b,y", np.c_[X, Y])
    done = trained("data=file", *words)
    assert (done.code, done.err) == (2, message)
