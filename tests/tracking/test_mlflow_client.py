"""Runs in a real SQLite store, read back through mlflow's own client."""

import json
import math
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

import nnjax.tracking
from nnjax.errors import InputError
from nnjax.tracking.mlflow_client import open_run
from nnjax.tracking.quiet import quiet

ROOT = Path(nnjax.tracking.__file__).parents[2]
ONE_OF_MANY = """
import sys
from nnjax.tracking.mlflow_client import open_run
run = open_run(None, "mnist", f"run {sys.argv[2]}", {}, sys.argv[1])
run.log_points([("train/loss", 0, 2.3, 1), ("train/loss", 1, 0.5, 1)])
run.finish("FINISHED")
print(run.id)
"""


def stored(run):
    return MlflowClient(tracking_uri=run.uri).get_run(run.id)


def points(run, metric):
    history = MlflowClient(tracking_uri=run.uri).get_metric_history(run.id, metric)
    return sorted((point.step, point.value) for point in history)


@pytest.mark.ci
def test_processes_that_create_a_store_at_once_all_succeed_and_say_nothing(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"} | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ONE_OF_MANY, str(tmp_path)]
    pipe = subprocess.PIPE
    together = [
        subprocess.Popen([*command, str(i)], env=environment, stdout=pipe, stderr=pipe, text=True) for i in range(4)
    ]
    ends = [(*process.communicate(timeout=120), process.returncode) for process in together]
    assert [(error, code) for _, error, code in ends] == [("", 0)] * 4
    with quiet():  # SQLAlchemy warns of mlflow's mappings once
        client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    assert len(client.search_experiments(filter_string="name = 'mnist'")) == 1
    for output, _, _ in ends:
        run = client.get_run(output.strip())
        assert run.info.status == "FINISHED"
        assert len(client.get_metric_history(run.info.run_id, "train/loss")) == 2
    assert {path.name for path in tmp_path.iterdir()} <= {
        *("mlflow.db", "mlflow.db-wal", "mlflow.db-shm", "mlflow.db.lock", "mlruns")
    }


def test_what_a_killed_creation_left_does_no_harm(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name in ("mlflow.db", "mlflow.db.part-journal"):
        (tmp_path / name).touch()
    (tmp_path / "mlflow.db.part").write_bytes(b"half a database")
    run = open_run(None, "mnist", "after a kill", {}, tmp_path)
    assert stored(run).info.status == "RUNNING"


def test_a_run_is_named_tagged_and_finds_its_experiment_again(run, folder):
    random.seed(0)
    second = open_run(None, "mnist", "another", {}, folder)
    assert (second.experiment_id, second.experiment, second.url_hint) == (run.experiment_id, "mnist", "mlflow ui")
    assert second.id != run.id
    found = stored(run)
    assert found.info.run_name == "mlp 30 sgd mnist seed 0"
    assert found.data.tags["purpose"] == "test"
    assert found.data.tags["mlflow.user"] == found.info.user_id or found.data.tags["mlflow.user"]
    kind = MlflowClient(tracking_uri=run.uri).get_experiment(run.experiment_id).tags["mlflow.experimentKind"]
    assert kind == "custom_model_development"


def test_params_beyond_a_batch_and_beyond_a_values_length(run):
    run.log_params({f"a.b{i}": i for i in range(250)} | {"long": "x" * 10_000, "none": None, "list": [300, 100]})
    params = stored(run).data.params
    assert len(params) == 253
    assert (params["a.b249"], params["none"], params["list"]) == ("249", "None", "[300, 100]")
    assert params["long"] == "x" * 6000


def test_metrics_step_is_the_epoch_and_points_beyond_a_call_arrive(run):
    series = {"train/loss": [(epoch, 1 / (1 + epoch)) for epoch in range(1500)], "train/accuracy": [(0, 0.1)]}
    run.log_points([(name, step, value, 123) for name, pairs in series.items() for step, value in pairs])
    assert points(run, "train/loss") == series["train/loss"]
    assert points(run, "train/accuracy") == [(0, 0.1)]
    history = MlflowClient(tracking_uri=run.uri).get_metric_history(run.id, "train/accuracy")
    assert history[0].timestamp == 123


def test_a_point_that_is_not_finite_is_left_out(run):
    values = (1.0, math.nan, math.inf, -math.inf, 2.0)
    run.log_points([("train/loss", step, value, 1) for step, value in enumerate(values)])
    run.log_points([("validation/loss", 0, math.nan, 1)])
    assert points(run, "train/loss") == [(0, 1.0), (4, 2.0)]
    assert "validation/loss" not in stored(run).data.metrics


def test_points_uploaded_twice_stay_single(run):
    for _ in range(2):
        run.log_points([("train/loss", 0, 2.0, 7), ("train/loss", 1, 1.0, 7)])
    assert points(run, "train/loss") == [(0, 2.0), (1, 1.0)]


def test_the_dataset_carries_its_real_digest_rows_and_shapes(run):
    digest = "0123456789abcdef" * 4
    splits = {"train": (55_000, 28, 28), "validation": (5_000, 28, 28), "test": (10_000, 28, 28)}
    run.log_dataset("mnist", "https://example.org/mnist", digest, splits)
    (logged,) = stored(run).inputs.dataset_inputs
    assert (logged.dataset.name, logged.dataset.digest) == ("mnist", digest[:12])
    assert json.loads(logged.dataset.source) == {"url": "https://example.org/mnist"}
    profile = json.loads(logged.dataset.profile)
    assert (profile["sha256"], profile["num_rows"], profile["test_rows"]) == (digest, 70_000, 10_000)
    assert profile["train_shape"] == [55_000, 28, 28]
    assert {tag.key: tag.value for tag in logged.tags} == {"mlflow.data.context": "training"}


def test_a_data_set_of_a_long_name_is_no_refusal(run):
    run.log_dataset("x" * 600, "truth table", "d" * 64, {"train": [512, 9]})
    (logged,) = stored(run).inputs.dataset_inputs
    assert logged.dataset.name == "x" * 500


def test_artifacts_lie_beside_the_store_wherever_the_run_was_started(run, folder, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    (folder / "files").mkdir()
    (folder / "files" / "history.csv").write_text("epoch,loss\n")
    run.log_file(folder / "files" / "history.csv", None)
    run.log_file(folder / "files" / "history.csv", "notes")
    artifacts = folder / "mlruns" / "mnist" / run.id / "artifacts"
    names = {str(path.relative_to(artifacts)) for path in artifacts.rglob("*") if path.is_file()}
    assert names == {"history.csv", "notes/history.csv"}
    assert (artifacts / "notes" / "history.csv").read_text() == "epoch,loss\n"
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_a_run_ends_with_its_status_and_an_end_time(run, status):
    run.set_tags({"diverged": 3, "long": "y" * 9000})
    run.finish(status)
    found = stored(run)
    assert (found.info.status, found.data.tags["diverged"]) == (status, "3")
    assert found.data.tags["long"] == "y" * 8000
    assert found.info.end_time >= found.info.start_time


def test_threads_write_to_their_own_runs(folder):
    runs = [open_run(None, "mnist", f"thread {i}", {}, folder) for i in range(3)]

    def write(i):
        runs[i].log_params({"seed": i})
        runs[i].log_points([("train/loss", epoch, float(i), 1) for epoch in range(20)])

    threads = [threading.Thread(target=write, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, run in enumerate(runs):
        assert stored(run).data.params == {"seed": str(i)}
        assert points(run, "train/loss") == [(epoch, float(i)) for epoch in range(20)]


def refused(uri, folder):
    """The one line that open_run says, and the seconds that it takes."""
    start = time.perf_counter()
    with pytest.raises(InputError) as caught:
        open_run(uri, "mnist", "never", {}, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value), time.perf_counter() - start


def test_stores_that_cannot_be_written_are_one_line(folder, monkeypatch):
    (folder / "notes.db").write_text("this is text, not a database, however long it may be" * 20)
    assert "not a database" in refused("sqlite:///notes.db", folder)[0]
    (folder / "inside.db").mkdir()
    assert "unable to open database file" in refused("sqlite:///inside.db", folder)[0]
    assert "notes.db" in refused("sqlite:///notes.db/mlflow.db", folder)[0]
    monkeypatch.setattr("nnjax.tracking.store_uri.PATIENCE", 0.1)
    holder = sqlite3.connect(folder / "mlflow.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    line, seconds = refused(None, folder)
    holder.close()
    assert "database is locked" in line
    assert seconds < 2


def test_a_server_that_is_not_there_is_one_line_within_seconds(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        line, seconds = refused(f"http://127.0.0.1:{taken.getsockname()[1]}", tmp_path)
    assert "tracking.uri=http://127.0.0.1" in line
    assert seconds < 10


def test_a_deleted_experiment_is_said(run, folder):
    MlflowClient(tracking_uri=run.uri).delete_experiment(run.experiment_id)
    with pytest.raises(InputError, match="is a deleted experiment"):
        open_run(None, "mnist", "never", {}, folder)


def test_a_finished_run_is_in_the_one_file(run, tmp_path):
    """Whoever copies mlflow.db has everything, though a log is written ahead of it."""
    run.log_points([("train/loss", 0, 1.5, 1000)])
    run.finish("FINISHED")
    database = run.uri.removeprefix("sqlite:///")
    elsewhere = tmp_path / "copy" / "mlflow.db"
    elsewhere.parent.mkdir()
    shutil.copy(database, elsewhere)
    with quiet():
        found = MlflowClient(f"sqlite:///{elsewhere}").get_run(run.id)
    assert (found.info.status, found.data.metrics["train/loss"]) == ("FINISHED", 1.5)
