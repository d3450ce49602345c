"""A store for each test: created once, which takes two seconds, then copied."""

import shutil

import pytest

from nnjax.tracking.store import open_run


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        open_run(None, "template", "template", {}, folder).finish("FINISHED")
    return folder / "mlflow.db"


@pytest.fixture
def folder(empty_store, tmp_path, monkeypatch):
    """A start folder that holds a store."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture
def run(folder):
    return open_run(None, "mnist", "mlp 30 sgd mnist seed 0", {"purpose": "test"}, folder)
