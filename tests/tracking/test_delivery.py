"""A run's folder delivered to a real SQLite store: all of it, nothing twice, wherever the process was killed."""

import shutil
import sqlite3
from contextlib import closing, suppress

import numpy as np
import pytest

from nnjax import predictor
from nnjax.tracking import delivery, process, record, store, undelivered
from nnjax.tracking.delivery import Delivery, catch_up, packed, unpacked
from nnjax.tracking.record import Record

POINTS = [("train/loss", epoch, 1 / (1 + epoch)) for epoch in range(5)]
METADATA = {
    "model": {"name": "mlp", "activation": "relu"},
    "output": "sigmoid",
    "preprocessing": {"scale": 1.0, "shift": 0.0, "shape": [2]},
    "classes": ["0", "1"],
}
WRITES = ("log_params", "log_dataset", "log_points", "set_tags", "log_file", "finish")


def trained(folder, name="out", **facts):
    """A run's folder as a training leaves it, with a network where mlflow may read it."""
    out = folder / name
    (out / "figures").mkdir(parents=True)
    (out / "checkpoints").mkdir()
    (out / "checkpoints" / "1.safetensors").write_text("large")
    (out / "figures" / "curve.png").write_text("picture")
    (out / "half.part.npz").write_text("ha")
    predictor.save(out / "model.safetensors", [(np.ones((1, 2)), np.zeros(1))], METADATA)
    made = Record(out)
    made.append(
        "open",
        id=made.id,
        name="xor",
        experiment="boolean",
        uri=f"sqlite:///{folder}/mlflow.db",
        start_folder=str(folder),
        tags={"team": "x"},
        params={"seed": "0", "training.epochs": "4"},
        dataset={"name": "boolean", "source": "a table", "digest": "d" * 64, "shapes": {"train": [4, 2]}},
        process=process.this(),
        **facts,
    )
    undelivered.add(folder, out)
    made.metrics(POINTS[:3])
    made.metrics(POINTS[3:])
    made.append("tags", tags={"stopped": "epoch limit"})
    return out, made


def ended(folder, model=False):
    """The same, with its end."""
    out, made = trained(folder)
    if model:
        example = packed(np.zeros((4, 2), np.float32))
        made.append("model", file="model.safetensors", example=example, classes=["0", "1"])
    made.append("end", status="FINISHED")
    return out


def tables(folder):
    """All that the store knows of runs, but for what nobody can know beforehand."""
    query = {
        "metrics": "SELECT key, step, timestamp, value FROM metrics",
        "params": "SELECT key, value FROM params",
        "tags": "SELECT key, value FROM tags WHERE key IN ('team', 'stopped', 'record')",
        "runs": "SELECT name, status, end_time FROM runs WHERE name = 'xor'",
        "inputs": "SELECT destination_type FROM inputs",
        "models": "SELECT name, status FROM logged_models",
    }
    with closing(sqlite3.connect(folder / "mlflow.db")) as connection:
        return {table: sorted(connection.execute(text).fetchall()) for table, text in query.items()}


def test_the_store_gets_what_the_folder_has(folder):
    out = ended(folder)
    assert Delivery(out).deliver() == 5
    found, times = tables(folder), [event["time"] for event in record.read(out)[0]]
    whens = [times[1]] * 3 + [times[2]] * 2
    assert found["metrics"] == [
        (name, step, when, value) for (name, step, value), when in zip(POINTS, whens, strict=True)
    ]
    assert found["params"] == [("seed", "0"), ("training.epochs", "4")]
    assert {("team", "x"), ("stopped", "epoch limit")} <= {*found["tags"]}
    assert found["runs"] == [("xor", "FINISHED", times[-1])]
    files = {
        str(path.relative_to(artifacts))
        for artifacts in folder.glob("mlruns/*/*/artifacts")
        for path in artifacts.rglob("*.*")
    }
    assert files == {"figures/curve.png", "model.safetensors"}
    assert not (folder / undelivered.FOLDER).exists()


def test_delivered_again_nothing_changes(folder):
    out = ended(folder, model=True)
    Delivery(out).deliver()
    before = tables(folder)
    assert [len(before[table]) for table in ("runs", "models", "metrics")] == [1, 1, 5]
    assert Delivery(out).deliver() == 0
    for known in ("not json", "[]", '{"run": 3}', '{"run": "", "offset": 99999999, "files": {}, "model": ""}'):
        (out / record.DELIVERED).write_text(known)  # the store is asked what it has
        assert Delivery(out).deliver() == 6
        assert tables(folder) == before


class Killer:
    """Ends the process, as far as a test can, at one of the calls to the store: before it is done, or after."""

    def __init__(self, calls, before):
        self.calls, self.before, self.killed = calls, before, False

    def around(self, real):
        def call(*arguments):
            if not self.before:
                real(*arguments)
            self.calls -= 1
            if self.calls < 0:
                self.killed = True
                raise SystemExit
            if self.before:
                real(*arguments)

        return call


@pytest.mark.parametrize("before", [True, False], ids=["before the store did it", "after"])
def test_killed_at_any_call_all_is_there_once(folder, monkeypatch, before):
    out = ended(folder)
    for calls in range(20):
        killer = Killer(calls, before)
        with monkeypatch.context() as patch:
            for name in WRITES:
                patch.setattr(store.Run, name, killer.around(getattr(store.Run, name)))
            with suppress(SystemExit):
                Delivery(out).deliver()
        if not killer.killed:
            break
    assert 3 < calls < 19
    found = tables(folder)
    assert [len(found[table]) for table in ("runs", "metrics", "params", "inputs")] == [1, 5, 2, 1]


def test_killed_before_the_run_is_known_it_is_found_again(folder, monkeypatch):
    out = ended(folder)
    with monkeypatch.context() as patch:
        patch.setattr(Delivery, "keep", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            Delivery(out).deliver()
    assert not (out / record.DELIVERED).exists()
    Delivery(out).deliver()
    assert len(tables(folder)["runs"]) == 1


def test_half_a_model_is_completed(folder, monkeypatch):
    from nnjax.tracking import model

    out = ended(folder, model=True)
    with monkeypatch.context() as patch:
        patch.setattr(model, "_write", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            Delivery(out).deliver()
    assert [status for _, status in tables(folder)["models"]] != []
    Delivery(out).deliver()
    (only,) = tables(folder)["models"]
    Delivery(out).deliver()
    (out / record.DELIVERED).unlink()
    Delivery(out).deliver()
    assert tables(folder)["models"] == [only]


def test_a_run_that_is_trained_is_left_alone_and_one_that_was_killed_ends(folder):
    out, made = trained(folder)
    assert catch_up(out) == ""
    opening = record.opening(record.read(out)[0])
    made.append(**{**opening, "process": {**process.this(), "started": "long ago"}})
    assert catch_up(out) == "6 events delivered, and the run, left RUNNING, is KILLED"
    assert [status for _, status, _ in tables(folder)["runs"]] == ["KILLED"]
    assert catch_up(out) == ""


def test_a_run_that_goes_on_after_its_end_is_the_same_run(folder):
    out = ended(folder)
    Delivery(out).deliver()
    again = Record(out, again=True)
    again.append(**record.read(out)[0][0])
    Delivery(out).deliver()
    assert [status for _, status, _ in tables(folder)["runs"]] == ["RUNNING"]
    again.metrics([*POINTS, ("train/loss", 5, 0.1)])
    again.append("end", status="FINISHED")
    Delivery(out).deliver()
    found = tables(folder)
    assert ([status for _, status, _ in found["runs"]], len(found["metrics"])) == (["FINISHED"], 6)


def test_a_store_that_has_lost_the_run_gets_all_of_it_when_it_goes_on(folder, empty_store):
    out = ended(folder)
    Delivery(out).deliver()
    before = tables(folder)
    shutil.copy(empty_store, folder / "mlflow.db")
    Record(out, again=True).append(**record.read(out)[0][-1])
    Delivery(out).deliver()
    assert tables(folder) == before


def test_arrays_come_back_as_they_were():
    for array in (
        np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
        np.array([[0.1, -np.inf]]),
        np.zeros((0, 2), np.float32),
    ):
        again = unpacked(packed(array))
        assert (again.dtype, again.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(again, array)


def test_what_is_missing_is_seen_without_a_store(folder):
    out, made = trained(folder)
    assert delivery.is_missing(out)
    made.append("end", status="FINISHED")
    assert delivery.is_missing(out)
    Delivery(out).deliver()
    assert not delivery.is_missing(out)
