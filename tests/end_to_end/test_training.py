"""From the command line to MLflow: what a run prints, leaves in its folder and records."""

import base64
import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pytest
from safetensors.numpy import load_file

from nnjax.system.times import MOMENTS
from nnjax.tracking.quiet import quiet
from nnjax.training.train_state import COLUMNS
from tests.end_to_end.conftest import command
from tests.reporting import Page

CURVES = {"learning_curves", "norms", "confusion_matrix"}
PARTS = ("import", "compose", "data", "check", "compile", "train", "evaluate", "figures", "model", "store", "report")


def test_xor_gets_all_four_rows_right(xor):
    assert xor.code == 0, xor.err
    assert re.search(r"^test .*accuracy 1$", xor.out, re.MULTILINE)  # L13
    assert xor.err == ""
    assert xor.run().data.metrics["test/accuracy"] == 1.0


def test_bundled_digits_are_learnt_and_named_everywhere(digits):
    assert digits.code == 0, digits.err
    run = digits.run()
    assert run.data.metrics["test/accuracy"] >= 0.91
    assert digits.out.count("data.mirror=") >= 1  # how to get the full set
    assert "mnist_5k" in digits.out
    assert "mnist_5k" in run.info.run_name
    assert digits.client().get_experiment(run.info.experiment_id).name == "mnist_5k"
    assert "mnist_5k" in (digits.run_folder / "summary.txt").read_text()
    (data,) = run.inputs.dataset_inputs
    assert data.dataset.name == "mnist_5k"
    assert json.loads(data.dataset.profile)["sha256"].startswith(data.dataset.digest)


def test_metrics_are_complete(digits):
    metrics = digits.run().data.metrics
    once = {
        "test/loss",
        "test/accuracy",
        "training/epochs",
        "training/updates",
        "training/examples_per_second",
        "training/stopped",
    }
    checks = {"gradient_check/max_relative_error", "gradient_check/finite_difference_error"}
    times = {f"time/{part}_seconds" for part in PARTS + MOMENTS}
    with_l2 = digits.run().data.params["training.l2"] != "0.0"
    curves = set(COLUMNS) if with_l2 else set(COLUMNS) - {"train/cost"}
    assert set(metrics) == once | checks | times | curves
    assert metrics["gradient_check/max_relative_error"] <= 1e-12
    assert sum(metrics[f"time/{part}_seconds"] for part in PARTS) <= metrics["time/total_seconds"]
    assert 0 < metrics["time/first_step_seconds"] < metrics["time/total_seconds"]
    assert metrics["training/updates"] == metrics["training/epochs"] * math.ceil(3600 / 128)


def test_steps_are_epochs_from_the_untrained_network_on(digits):
    run = digits.run()
    history = digits.client().get_metric_history(run.info.run_id, "train/loss")
    assert sorted(point.step for point in history) == list(range(int(run.data.metrics["training/epochs"]) + 1))
    first = next(point.value for point in history if point.step == 0)
    assert 2 < first < 3  # about log 10


def test_many_epochs_are_at_most_a_hundred_points(xor):
    run = xor.run()
    steps = [point.step for point in xor.client().get_metric_history(run.info.run_id, "train/loss")]
    assert len(steps) == len(set(steps)) <= 100
    assert max(steps) == run.data.metrics["training/epochs"] > 100
    history = np.load(xor.run_folder / "history.npz")
    assert len(history["train/loss"]) == max(steps) + 1  # the run folder has them all


def test_settings_are_params_and_a_file(digits):
    params = digits.run().data.params
    assert params["model.name"] == "mlp"
    assert params["optimizer.learning_rate"]
    assert params["data.source"] == "bundled"
    assert (digits.run_folder / "config.yaml").exists()


def test_tags_say_where_it_ran(digits):
    tags = digits.run().data.tags
    assert {"version.jax", "version.python", "device", "run_folder", "stopped", "mlflow.note.content"} <= set(tags)
    assert tags["stopped"] == "epoch limit"


@pytest.mark.parametrize(
    ("which", "extra"),
    [
        ("digits", {"digits", "most_confident_mistakes", "first_layer"}),
        ("xor", {"truth_table", "decision_boundary", "hidden_representation"}),
    ],
)
def test_figures_are_there(which, extra, request):
    done = request.getfixturevalue(which)
    names = [item.path for item in done.client().list_artifacts(done.run().info.run_id, "figures")]
    assert set(names) == {f"figures/{name}.png" for name in CURVES | extra}


def test_the_report_is_an_artifact_that_needs_nothing_else(digits, tmp_path):
    run = digits.run()
    with quiet():
        copy = Path(digits.client().download_artifacts(run.info.run_id, "report.html", str(tmp_path)))
    page = Page(copy)
    page.check_alone()
    assert copy.read_bytes() == (digits.run_folder / "report.html").read_bytes()
    (notice,) = [text for text in page.said("p") if "not MNIST's 70,000" in text]
    assert "mnist_5k" in notice
    assert f"nnjax reproduce {run.info.run_id}" in page.said("pre")
    assert f"{run.data.metrics['test/accuracy']:.4g}" in page.said("td")
    pictures = {base64.b64decode(each["src"].partition(",")[2]) for each in page.of("img")}
    assert pictures == {file.read_bytes() for file in (digits.run_folder / "figures").iterdir()}


def test_model_needs_neither_jax_nor_pickle(xor):
    """h of the four rows, by mlflow in a process where importing jax fails."""
    program = (
        "import sys; sys.modules['jax'] = None; sys.modules['nnjax'] = None\n"
        "import mlflow, pandas\n"
        f"mlflow.set_tracking_uri('sqlite:///{xor.folder}/mlflow.db')\n"
        f"model = mlflow.pyfunc.load_model('runs:/{xor.run().info.run_id}/model')\n"
        "rows = pandas.DataFrame({'x2': [0, 1, 0, 1], 'x1': [0, 0, 1, 1]})\n"
        "print(model.predict(rows)['1'].round().astype(int).tolist())"
    )
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, env=environment
    )
    assert done.stdout.strip().endswith("[0, 1, 1, 0]"), done.stderr
    assert not [path for path in xor.folder.rglob("*") if path.suffix in (".pkl", ".pickle", ".cloudpickle")]


def test_model_is_found_by_its_run_and_has_a_signature(digits, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{digits.folder}/mlflow.db")
    found = mlflow.models.get_model_info(f"runs:/{digits.run().info.run_id}/model")
    assert "28" in str(found.signature.inputs)
    assert found.saved_input_example_info


def test_the_same_command_again_is_the_same_network(xor, tmp_path):
    again = command(tmp_path, "+experiment=xor", "tracking.enabled=false")
    assert again.code == 0
    first, second = (load_file(done.run_folder / "model.safetensors") for done in (xor, again))
    assert set(first) == set(second)
    assert all((first[name] == second[name]).all() for name in first)
    assert not (tmp_path / "mlflow.db").exists()


def test_a_loss_that_stops_being_finite_ends_the_run(trained):
    sgd = ["optimizer=momentum", "optimizer.learning_rate=1e20", "loss=squared_error"]
    done = trained("+experiment=xor", *sgd, "training.epochs=50")
    assert done.code == 1
    assert done.err.count("\n") == 1
    assert re.match(
        r"error: the parameters' norm is not finite in epoch 1: .*optimizer.learning_rate below 1e\+20", done.err
    )
    run = done.run()
    assert run.info.status == "FAILED"
    assert int(run.data.tags["diverged_epoch"]) >= 1
    assert "learning_rate" in run.data.tags["hint"]
    assert math.isfinite(run.data.metrics["train/loss"])
    assert (done.run_folder / "history.npz").exists()


def test_gradients_that_differ_are_not_trained_with(tmp_path):
    """A process whose backprop has the wrong sign refuses, and records why."""
    program = tmp_path / "wrong.py"
    program.write_text(
        "from nnjax.network import gradient_check\n"
        "right = gradient_check.backprop\n"
        "def wrong(model, loss):\n"
        "    import jax\n"
        "    def negative(value, grads):\n"
        "        return value, jax.tree.map(lambda gradient: -gradient, grads)\n"
        "    return lambda *arguments: negative(*right(model, loss)(*arguments))\n"
        "gradient_check.backprop = wrong\n"
        "from nnjax.train import main\n"
        "main()\n"
    )
    done = command(tmp_path, "+experiment=xor", module="wrong")
    assert done.code == 1
    assert "the gradients differ, so nothing was trained" in done.err
    run = done.run()
    assert run.info.status == "FAILED"
    assert run.data.metrics["gradient_check/max_relative_error"] > 1
    assert "train/loss" not in run.data.metrics
    assert (done.run_folder / "gradient_check.txt").exists()
