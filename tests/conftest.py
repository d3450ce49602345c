"""Shapes in signatures are checked while testing, and nothing is read from or left in the tester's home."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")  # lanes are spread over both, whatever the machine has
install_import_hook(["nnjax.network", "nnjax.training"], "beartype.beartype")


@pytest.fixture(scope="session")
def everybodys(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A temporary folder that all processes of this session share (pytest-xdist)."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session", autouse=True)
def own_home(everybodys: Path) -> None:
    """Data, caches and stores of the tests, and of the commands they start, lie in a temporary folder."""
    home = everybodys / "home"
    home.mkdir(exist_ok=True)
    os.environ["TFDS_DATA_DIR"] = str(home / "data")
    os.environ["XDG_CACHE_HOME"] = str(home / "cache")
    os.environ.pop("MLFLOW_TRACKING_URI", None)
