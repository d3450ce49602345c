"""The logged model, loaded and asked in JSON where neither jax nor nnjax can be imported."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.models import Model
from mlflow.utils import requirements_utils

from nnjax.inference import predictor
from nnjax.network.losses import LOSSES
from nnjax.runs import build
from nnjax.runs.plan import make_plan
from nnjax.tracking.mlflow_model import log_model, write
from nnjax.training import batches
from tests.config.test_schema import read

ELSEWHERE = """
import json, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("jax", "jaxlib", "nnjax"):
            raise ImportError(f"{name} is not installed here")
sys.meta_path.insert(0, Refuse())
import mlflow
from mlflow.pyfunc.scoring_server import invocations
mlflow.set_tracking_uri(sys.argv[1])
answers = []
for uri, request in json.load(open(sys.argv[2])):
    model = mlflow.pyfunc.load_model(uri)
    answer = invocations(request, "application/json", model, model.metadata.get_input_schema())
    answers.append(json.loads(answer.response))
json.dump(answers, open(sys.argv[3], "w"))
"""
MODELS = {  # every model and preset of conf/, on tables, images and boolean data
    "mlp": "data=file data.path={images} model.hidden=[7,5]",
    "lenet5": "data=file data.path={images} model=lenet5",
    "softmax": "data=file data.path={table} data.target=kind model=softmax",
    "one_vs_rest": "data=file data.path={table} data.target=kind model=one_vs_rest",
    "logistic": "data=boolean data.function=or model=logistic",
    "perceptron": "data=boolean data.function=and model=perceptron",
    "regression": "data=file data.path={line} data.target=y model=regression model.hidden=[4]",
}


def elsewhere(folder, uri, requests):
    """What models answer to [address, request], each as `mlflow models serve` would, by class."""
    script, asked, answered = (folder / name for name in ("elsewhere.py", "asked.json", "answered.json"))
    script.write_text(ELSEWHERE)
    asked.write_text(json.dumps(requests))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, str(script), uri, str(asked), str(answered)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return [answer["predictions"] for answer in json.loads(answered.read_text())]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Pictures of three classes in an .npz, a table with a column of text, one of numbers alone: their paths."""
    folder, generator = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    np.savez(folder / "images.npz", x=generator.integers(0, 256, (30, 28, 28), np.uint8), y=np.arange(30) % 3)
    x = generator.normal(5, 3, (30, 2)).round(2)
    for name, head, y in (("table", "a,b,kind", [*"abc"] * 10), ("line", "a,b,y", 9 * x[:, 0])):
        rows = [f"{a},{b},{target}" for (a, b), target in zip(x, y, strict=True)]
        (folder / f"{name}.csv").write_text("\n".join([head, *rows, ""]))
    return {"images": folder / "images.npz", "table": folder / "table.csv", "line": folder / "line.csv"}


def untrained(words, files, folder):
    """A network at random: its data, its file, and what JAX makes of the test's rows, as nnjax itself has it."""
    config = read(*words.format(**files).split(), "training.gradient_check=false")
    dataset = make_plan(config).dataset
    model, loss, encoding = (
        build.make_model(config, dataset),
        LOSSES[config.loss.name],
        build.make_encoding(config, dataset),
    )
    params = jax.tree.map(lambda leaf: leaf + 0.01, model.init(jax.random.key(1), 1.0))
    forward = jax.jit(lambda x: loss.output(model.forward(params, batches.inputs(x, encoding))[0]))
    h = np.asarray(forward(dataset.test.x)) * encoding.deviation + encoding.mean
    predictor.save(
        folder / "network",
        [tuple(map(np.asarray, layer)) for layer in params],
        build.network_metadata(config, dataset),
    )
    both = h.shape[1] == 1 and loss.activation in predictor.PROBABILITIES
    return dataset, folder / "network", np.c_[1 - h, h] if both else h


@pytest.mark.ci
def test_every_model_answers_json_with_the_numbers_of_jax(files, run, network, tmp_path):
    """To 1e-6: its own example as it lies in the model, then all rows of the test, columns by name in any order.

    Then a run's model, by the run's id, pictures without their name.
    """
    (file, raw), requests, wanted = network, [], []
    for name, words in MODELS.items():
        folder = tmp_path / name
        folder.mkdir()
        dataset, random, h = untrained(words, files, folder)
        address = write(folder, random, dataset.example_rows, Model())
        names = [dataset.target.name] if dataset.target else dataset.classes[-h.shape[1] :]
        x = dataset.test.x
        if x.ndim > 2:
            whole = {"inputs": {"images": x.tolist()}}
        else:
            columns = dataset.features or [f"x{i}" for i in range(1, x.shape[1] + 1)]
            order = np.arange(x.shape[1])[::-1]
            whole = {"dataframe_split": {"columns": [columns[i] for i in order], "data": x[:, order].tolist()}}
        for request, rows in (((address / "serving_input_example.json").read_text(), h[:2]), (json.dumps(whole), h)):
            requests.append((str(address), request))
            wanted.append((name, [dict(zip(names, row, strict=True)) for row in rows.tolist()]))
    assert "MLmodel" in [*log_model(run, file, raw, list("0123456789"), "digest")]
    requests.append((f"runs:/{run.id}/model", json.dumps({"inputs": raw.tolist()})))
    h = predictor.Predictor.load(file).probabilities(raw)
    wanted.append(("run", [dict(zip("0123456789", row, strict=True)) for row in h.tolist()]))
    for (name, rows), answer in zip(wanted, elsewhere(tmp_path, run.uri, requests), strict=True):
        assert len(answer) == len(rows), name
        for row, found in zip(rows, answer, strict=True):
            assert found == pytest.approx(row, rel=1e-6, abs=1e-6), name


def test_every_model_of_the_configuration_is_asked():
    conf = Path(__file__).parents[2] / "conf"
    assert {path.stem for group in ("model", "preset") for path in (conf / group).glob("*.yaml")} == {*MODELS}


@pytest.fixture
def network(tmp_path):
    generator = np.random.default_rng(0)
    layers = [(generator.normal(size=(20, 784)) / 9, np.ones(20)), (generator.normal(size=(10, 20)), np.zeros(10))]
    metadata = {
        "model": {"name": "mlp", "activation": "relu"},
        "output": "softmax",
        "preprocessing": {"scale": 1 / 255, "shift": 0.0, "shape": [784]},
        "classes": list("0123456789"),
    }
    predictor.save(tmp_path / "p.safetensors", layers, metadata)
    return tmp_path / "p.safetensors", generator.integers(0, 256, (7, 28, 28), np.uint8)


def test_the_model_is_the_runs_has_a_signature_and_no_pickle(run, network, folder):
    file, raw = network
    assert "MLmodel" in [*log_model(run, file, raw, list("0123456789"), "digest")]
    client = MlflowClient(tracking_uri=run.uri)
    (output,) = client.get_run(run.id).outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert (logged.name, logged.source_run_id, logged.status) == ("model", run.id, "READY")
    (root,) = (path.parent for path in folder.rglob("MLmodel"))
    assert not [path for path in root.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]
    meta = yaml.safe_load((root / "MLmodel").read_text())
    assert (meta["run_id"], meta["model_id"]) == (run.id, output.model_id)
    (takes,), gives = (json.loads(meta["signature"][part]) for part in ("inputs", "outputs"))
    assert takes == {"type": "tensor", "tensor-spec": {"dtype": "uint8", "shape": [-1, 28, 28]}, "name": "images"}
    assert [(each["name"], each["type"]) for each in gives] == [(name, "float") for name in "0123456789"]
    wanted = (root / "requirements.txt").read_text().split()
    assert sorted(line.split("==")[0] for line in wanted) == ["mlflow", "numpy", "pandas", "safetensors"]
    assert f"numpy=={np.__version__}" in wanted


def test_nobody_reads_the_files_of_all_installed_packages(run, network, monkeypatch):
    """MLflow would, to warn of requirements that aren't met; what it knows of packages afterwards is as before."""
    read = []
    monkeypatch.setattr(requirements_utils, "_MODULES_TO_PACKAGES", None)
    monkeypatch.setattr(requirements_utils.importlib_metadata, "packages_distributions", lambda: read.append(1) or {})
    assert "MLmodel" in [*log_model(run, *network, list("0123456789"), "digest")]
    assert not read
    assert requirements_utils._MODULES_TO_PACKAGES is None
