"""Where the store is, from wherever a run starts."""

import sqlite3
from pathlib import Path

import pytest

from nnjax.errors import InputError, StoreError
from nnjax.tracking.store_uri import (
    artifact_location,
    check_there,
    check_writable,
    known_as,
    look,
    public,
    refused,
    sqlite_path,
    sqlite_uri,
    store_uri,
)

SECRET = "http://user:secret@127.0.0.1:9"


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
    with pytest.raises(InputError, match="is not the address of a store") as caught:
        store_uri(uri, "/start")
    assert f"tracking.uri={uri} " in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("uri", ["htp://user:secret@h", "user:secret@h", "htp://h/?password=secret"])
def test_a_password_is_in_no_line_about_an_address(uri):
    with pytest.raises(InputError) as caught:
        store_uri(uri, "/start")
    assert "secret" not in str(caught.value)


def test_a_password_is_in_no_reason_and_not_in_what_to_look_at():
    said = refused(SECRET, f"API request to {SECRET}/api failed\n{SECRET} twice")
    assert said.reason == "API request to http://127.0.0.1:9/api failed"
    assert str(said).endswith(
        "tracking.uri=http://127.0.0.1:9 cannot be reached or written: API request to http://127.0.0.1:9/api failed"
    )
    for uri in (SECRET, "http://user:secret/with slash@127.0.0.1:9", "http://[secret"):
        with pytest.raises(StoreError) as caught:
            check_there(uri)
        assert "secret" not in caught.value.reason
    assert look(SECRET, "/start", "1", "abc") == "http://127.0.0.1:9/#/experiments/1/runs/abc"
    assert (
        look("postgresql://user:secret@h/db", "/start", "1", "a") == "mlflow ui --backend-store-uri postgresql://h/db"
    )


def test_an_address_without_password_is_that_of_the_environment_which_has_it(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", SECRET)
    assert known_as(public(SECRET)) == SECRET
    assert known_as("http://elsewhere") == "http://elsewhere"


def test_no_folder_is_made_for_a_store(tmp_path):
    for uri in ("sqlite:///nowhere/x.db", f"sqlite:///{tmp_path}/nowhere/x.db"):
        with pytest.raises(StoreError, match=r"there is no folder .*nowhere$"):
            check_there(store_uri(uri, tmp_path))
    check_there(store_uri("sqlite:///x.db", tmp_path))
    assert not [*tmp_path.iterdir()]


def test_artifacts_lie_beside_the_database_and_cannot_leave_it():
    assert artifact_location("sqlite:////data/mlflow.db", "mnist_5k") == "file:///data/mlruns/mnist_5k"
    assert artifact_location("sqlite:////data/mlflow.db", "../../etc") == "file:///data/mlruns/_etc"
    assert artifact_location("http://127.0.0.1:5000", "mnist") is None


def test_look_says_the_shortest_way():
    assert look("sqlite:////start/mlflow.db", "/start", "1", "abc") == "mlflow ui"
    assert look("sqlite:////a b/x.db", "/start", "1", "abc") == "mlflow ui --backend-store-uri 'sqlite:////a b/x.db'"
    assert look("http://host:5000/", "/start", "1", "abc") == "http://host:5000/#/experiments/1/runs/abc"


def test_a_locked_database_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr("nnjax.tracking.store_uri.PATIENCE", 0.1)
    holder = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    check_writable(tmp_path / "x.db")
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        check_writable(tmp_path / "x.db")
    holder.close()
