"""`mlflow models serve` where neither jax nor nnjax can be imported, asked over HTTP as MLflow documents it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import nnjax
from nnjax.config import saved
from nnjax.network.layers.dense import Layer
from nnjax.network.losses import LOSSES
from nnjax.runs import build
from nnjax.runs.plan import make_plan
from nnjax.training import batches
from tests.end_to_end.conftest import Done

pytestmark = pytest.mark.slow
WITHOUT = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("jax", "jaxlib", "nnjax"):
            raise ImportError(f"{name} is not installed here")
sys.meta_path.insert(0, Refuse())
"""


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[Done, str], Callable[[Any], Any]]]:
    """serve(done, run id) -> ask(request): the answer of the run's model; in a folder with nothing of ours."""
    (tmp_path / "without").mkdir()
    (tmp_path / "without" / "sitecustomize.py").write_text(WITHOUT)  # every process of the server begins with it
    servers = []

    def serve(done: Done, run_id: str) -> Callable[[Any], Any]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        paths = {"PYTHONPATH": str(tmp_path / "without"), "MLFLOW_TRACKING_URI": f"sqlite:///{done.folder}/mlflow.db"}
        words = ["models", "serve", "-m", f"runs:/{run_id}/model", "--env-manager", "local"]
        words += ["--host", "127.0.0.1", "--port", port, "--workers", "1"]
        with (tmp_path / "log").open("w") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "mlflow", *words],
                cwd=tmp_path,
                env=os.environ | paths | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        servers.append(server)

        def ask(request: Any, path: str = "invocations") -> Any:
            body = None if request is None else json.dumps(request).encode()
            asked = urllib.request.Request(
                f"http://127.0.0.1:{port}/{path}", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(asked, timeout=30) as answer:
                return json.loads(answer.read().strip() or "null")

        end = time.monotonic() + 120
        while True:
            assert server.poll() is None and time.monotonic() < end, (tmp_path / "log").read_text()
            try:
                ask(None, "ping")
                return ask
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)

    yield serve
    for server in servers:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def of_jax(run_folder: Path) -> tuple[Any, np.ndarray]:
    """A run's data, and h of its test by JAX, with the run's own parameters."""
    config = saved.to_config(saved.read_settings(run_folder / "config.yaml"), str(run_folder))
    dataset = make_plan(config).dataset
    encoding = build.make_encoding(config, dataset)
    params = tuple(Layer(*layer) for layer in nnjax.load(run_folder).params)
    z, _ = build.make_model(config, dataset).forward(params, batches.inputs(jnp.asarray(dataset.test.x), encoding))
    return dataset, np.asarray(LOSSES[config.loss.name].output(z)) * encoding.deviation + encoding.mean


def test_digits_are_served_with_the_probabilities_of_jax(digits, serve):
    run_id = digits.run().info.run_id
    ask = serve(digits, run_id)
    dataset, h = of_jax(digits.run_folder)
    images = dataset.test.x[:50].tolist()
    for request in ({"inputs": {"images": images}}, {"inputs": images}, {"instances": [{"images": x} for x in images]}):
        answer = ask(request)["predictions"]
        assert [[*row] for row in answer] == [list("0123456789")] * 50
        np.testing.assert_allclose([[*row.values()] for row in answer], h[:50], atol=1e-6)


def test_a_table_is_served_by_the_names_of_its_columns(tmp_path, trained, serve, monkeypatch):
    x = np.random.default_rng(0).normal(50, 20, (60, 2)).round(2)
    (tmp_path / "mine.csv").write_text("\n".join(["a,b,y", *(f"{a},{b},{30 * a - b:.1f}" for a, b in x), ""]))
    done = trained(
        "data=file", "data.path=mine.csv", "model=regression", "training.epochs=20", "tracking.figures=false"
    )
    assert done.code == 0, done.err
    ask = serve(done, done.run().info.run_id)
    dataset, h = of_jax(done.run_folder)
    a, b = dataset.test.x.T.tolist()
    split = {"columns": ["b", "a"], "data": [*zip(b, a, strict=True)]}
    for request in (
        {"dataframe_split": split},
        {"dataframe_records": [{"a": i, "b": j} for i, j in zip(a, b, strict=True)]},
        {"inputs": {"b": b, "a": a}},
    ):
        found = [row["y"] for row in ask(request)["predictions"]]
        np.testing.assert_allclose(found, h[:, 0], rtol=1e-6, atol=1e-6 * dataset.target.deviation)
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask({"dataframe_split": {"columns": ["a"], "data": [[1.0]]}})
    assert refused.value.code == 400
    assert "missing inputs ['b']" in refused.value.read().decode()
