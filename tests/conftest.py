"""Shapes in signatures are checked while testing, and nothing is read from or left in the tester's home."""

import importlib
import logging.config
import os
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")  # lanes are spread over both, whatever the machine has
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # as machines may be
settings.load_profile("busy")
install_import_hook(["nnjax.network", "nnjax.training"], "beartype.beartype")
importlib.import_module("nnjax.training.cpu").use()  # in all processes alike, whichever test starts JAX


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


@pytest.fixture(scope="session")
def empty_store(everybodys: Path, own_home: None) -> Path:
    """A store to be copied: making one takes two seconds."""
    from nnjax.tracking.store import open_run

    folder = everybodys / "store"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "mlflow.db").exists():
            open_run(None, "template", "template", {}, folder).finish("FINISHED")
    return folder / "mlflow.db"


def close_logs():
    """Closes the files of Hydra's jobs."""
    for handler in logging.root.handlers:
        if type(handler) is logging.FileHandler:
            handler.close()


@pytest.fixture
def main(tmp_path, monkeypatch, hydra_restore_singletons, capsys):
    """main(words..., folder=...) -> (exit code, both streams): the training command, in this process."""
    from nnjax import train
    from nnjax.sweep import callback

    def run(*words, folder=tmp_path):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(callback, "RUNNING", [])
        monkeypatch.setattr(sys, "argv", ["train", *words])
        monkeypatch.setattr(logging.config, "_clearExistingHandlers", close_logs)  # Hydra's would close pytest's too
        monkeypatch.setattr(train.gc, "set_threshold", lambda count: None)
        handlers, level = logging.root.handlers[:], logging.root.level
        try:
            train.main()
            code = 0
        except SystemExit as exit:
            code = exit.code
        finally:
            close_logs()
            logging.root.handlers[:], logging.root.level = handlers, level
        return code, *capsys.readouterr()

    return run
