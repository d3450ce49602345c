"""How long the end of a run waits for a store: not at all for our own slowness, a while for one that is silent."""

import socket
import time

import pytest

from nnjax.tracking import courier, mlflow_client
from nnjax.tracking.courier import Courier
from nnjax.tracking.delivery import Delivery
from tests.tracking.test_journal import opened

PATIENCE = 0.4


@pytest.fixture
def made(folder):
    """made(uri) -> a courier at work on a record with its end."""
    couriers = []

    def make(uri, out=folder / "out"):
        out.mkdir()
        record = opened(out, start_folder=str(folder), uri=uri)
        record.append("end", status="FINISHED")
        couriers.append(Courier(Delivery(out, uri, fresh=True), folder, lambda: None))
        couriers[-1].start()
        couriers[-1].close()
        return couriers[-1]

    yield make
    for each in couriers:
        each.give_up()


def slowly(function):
    """The function, on a slow machine."""

    def slow(*arguments):
        time.sleep(4 * PATIENCE)
        return function(*arguments)

    return slow


def test_a_slow_machine_is_no_silent_store(made, folder, monkeypatch):
    """Imports, and the first opening of an SQLite store, whether or not it is there yet."""
    monkeypatch.setattr(Delivery, "load", slowly(Delivery.load))
    monkeypatch.setattr(mlflow_client, "_experiment_id", slowly(mlflow_client._experiment_id))
    assert made(f"sqlite:///{folder}/mlflow.db").settled(PATIENCE)


def test_a_store_that_is_never_made_is_given_up(made, folder, monkeypatch):
    monkeypatch.setattr(courier, "CREATION", PATIENCE)
    monkeypatch.setattr(mlflow_client, "_create_database", lambda database: time.sleep(10 * PATIENCE))
    waiting = made(f"sqlite:///{folder}/new.db")
    assert waiting.ready.wait(60)
    began = time.monotonic()
    assert not waiting.settled(PATIENCE)
    assert time.monotonic() - began < 4 * PATIENCE


def test_a_server_that_takes_connections_and_never_answers_is_given_up(made):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        waiting = made(f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert waiting.ready.wait(60)
        began = time.monotonic()
        assert not waiting.settled(PATIENCE)
        assert time.monotonic() - began < 2 * PATIENCE


@pytest.mark.ci
def test_a_store_that_is_locked_is_given_up_once_it_has_said_so(made, folder, monkeypatch):
    monkeypatch.setattr("nnjax.tracking.store_uri.PATIENCE", 0.1)
    holder = mlflow_client.sqlite3.connect(folder / "mlflow.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    waiting = made(f"sqlite:///{folder}/mlflow.db")
    assert not waiting.settled(PATIENCE)
    assert waiting.problem.busy
    holder.close()
