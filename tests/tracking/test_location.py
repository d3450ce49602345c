"""Where the store is, from wherever a run starts."""

import sqlite3
from pathlib import Path

import pytest

from nnjax.errors import InputError
from nnjax.tracking.location import artifact_location, check_writable, look, sqlite_path, sqlite_uri, store_uri


def test_the_argument_wins_over_the_environment_over_the_start_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert store_uri(None, tmp_path) == f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert store_uri(None, tmp_path) == "http://127.0.0.1:5000"
    assert store_uri("sqlite:///other.db", tmp_path) == f"sqlite:///{tmp_path}/other.db"
    assert store_uri("sqlite:////data/runs.db", tmp_path) == "sqlite:////data/runs.db"


@pytest.mark.parametrize("name", ["plain", "with space", "100%20", "why?", "#1", "ü"])
def test_a_folder_of_any_name_comes_back_from_its_address(name):
    assert sqlite_path(sqlite_uri(Path("/data", name, "mlflow.db"))) == Path("/data", name, "mlflow.db")


@pytest.mark.parametrize("uri", ["runs", "file:///runs", "sqlite://", "sqlite:///:memory:", "ftp://host"])
def test_addresses_that_cannot_hold_a_store_are_one_line(uri):
    with pytest.raises(InputError, match="must be sqlite:///FILE") as caught:
        store_uri(uri, "/start")
    assert repr(uri) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_artifacts_lie_beside_the_database_and_cannot_leave_it():
    assert artifact_location("sqlite:////data/mlflow.db", "mnist_5k") == "file:///data/mlruns/mnist_5k"
    assert artifact_location("sqlite:////data/mlflow.db", "../../etc") == "file:///data/mlruns/_etc"
    assert artifact_location("http://127.0.0.1:5000", "mnist") is None


def test_look_says_the_shortest_way():
    assert look("sqlite:////start/mlflow.db", "/start", "1", "abc") == "mlflow ui"
    assert look("sqlite:////a b/x.db", "/start", "1", "abc") == "mlflow ui --backend-store-uri 'sqlite:////a b/x.db'"
    assert look("http://host:5000/", "/start", "1", "abc") == "http://host:5000/#/experiments/1/runs/abc"


def test_a_locked_database_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr("nnjax.tracking.location.PATIENCE", 0.1)
    holder = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    check_writable(tmp_path / "x.db")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        check_writable(tmp_path / "x.db")
    holder.close()
