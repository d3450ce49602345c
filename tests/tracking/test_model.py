"""The logged model, loaded where neither jax nor nnjax can be imported."""

import os
import subprocess
import sys

import numpy as np
import pytest
import yaml
from mlflow import MlflowClient

from nnjax import predictor
from nnjax.tracking.model import log_model

ELSEWHERE = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("jax", "jaxlib", "nnjax"):
            raise ImportError(f"{name} is not installed here")
sys.meta_path.insert(0, Refuse())
import mlflow, numpy as np
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
np.save(sys.argv[4], model.predict(np.load(sys.argv[3])))
"""


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


def test_the_model_predicts_the_same_without_jax_and_without_nnjax(run, network, tmp_path):
    file, raw = network
    uri = log_model(run, file, raw, list("0123456789"))
    assert uri == f"runs:/{run.id}/model"
    np.save(tmp_path / "raw.npy", raw)
    script, given, answer = (tmp_path / name for name in ("elsewhere.py", "raw.npy", "answer.npy"))
    script.write_text(ELSEWHERE)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, str(script), run.uri, uri, str(given), str(answer)]
    subprocess.run(command, check=True, env=environment, cwd=tmp_path, capture_output=True, timeout=60)
    np.testing.assert_array_equal(np.load(answer), predictor.Predictor.load(file).probabilities(raw))


def test_the_model_is_the_runs_has_a_signature_and_no_pickle(run, network, folder):
    file, raw = network
    log_model(run, file, raw, list("0123456789"))
    client = MlflowClient(tracking_uri=run.uri)
    (output,) = client.get_run(run.id).outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert (logged.name, logged.source_run_id, logged.status) == ("model", run.id, "READY")
    (root,) = (path.parent for path in folder.rglob("MLmodel"))
    assert not [path for path in root.rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")]
    meta = yaml.safe_load((root / "MLmodel").read_text())
    assert (meta["run_id"], meta["model_id"]) == (run.id, output.model_id)
    assert '"dtype": "uint8", "shape": [-1, 28, 28]' in " ".join(meta["signature"]["inputs"].split())
    assert '"dtype": "float32", "shape": [-1, 10]' in " ".join(meta["signature"]["outputs"].split())
    wanted = (root / "requirements.txt").read_text().split()
    assert sorted(line.split("==")[0] for line in wanted) == ["mlflow", "numpy", "safetensors"]
    assert f"numpy=={np.__version__}" in wanted
