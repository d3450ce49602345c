"""A store for each test."""

import shutil

import pytest

from nnjax.tracking.mlflow_client import open_run


@pytest.fixture
def folder(empty_store, tmp_path, monkeypatch):
    """A start folder that holds a store."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture
def run(folder):
    return open_run(None, "mnist", "mlp 30 sgd mnist seed 0", {"purpose": "test"}, folder)
