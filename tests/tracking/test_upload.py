"""A run's folder uploaded to a real SQLite store: all of it, nothing twice, wherever the process was killed."""

import json
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest

from nnjax.errors import InputError, StoreError
from nnjax.inference import predictor
from nnjax.system import processes
from nnjax.tracking import journal, mlflow_client, not_uploaded, upload
from nnjax.tracking.journal import RunJournal
from nnjax.tracking.upload import STATE, Uploader, catch_up, pack_array, unpack_array

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
    made = RunJournal(out)
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
        process=processes.current_process(),
        **facts,
    )
    not_uploaded.add(folder, out)
    made.append_metrics(POINTS[:3])
    made.append_metrics(POINTS[3:])
    made.append("tags", tags={"stopped": "epoch limit"})
    return out, made


def ended(folder, model=False):
    """The same, with its end."""
    out, made = trained(folder)
    if model:
        example = pack_array(np.zeros((4, 2), np.float32))
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


def test_a_try_that_gets_no_further_is_no_progress(folder, monkeypatch):
    """Else a store that always refuses the same would be waited for without end."""
    uploader = Uploader(ended(folder))
    monkeypatch.setattr(mlflow_client.Run, "set_tags", lambda *_: (_ for _ in ()).throw(StoreError("x", "refused")))
    progressed = []
    for _ in range(2):
        with pytest.raises(StoreError, match="refused"):
            uploader.upload()
        progressed.append(uploader.progressed)
    assert progressed[0] == progressed[1]


def test_the_store_gets_what_the_folder_has(folder):
    out = ended(folder)
    assert Uploader(out).upload() == 5
    found, times = tables(folder), [event["time"] for event in journal.read(out)[0]]
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
    assert not (folder / not_uploaded.FOLDER).exists()


def test_uploaded_again_nothing_changes(folder):
    out = ended(folder, model=True)
    Uploader(out).upload()
    before = tables(folder)
    assert [len(before[table]) for table in ("runs", "models", "metrics")] == [1, 1, 5]
    assert Uploader(out).upload() == 0
    whole = json.loads((out / STATE).read_text())
    assert upload.read_state(out, upload.store_of(out)) == whole
    others = ({"run": 3}, {"offset": -1}, {"offset": 99999999}, {"files": []}, {"uri": "http://elsewhere"})
    for known in ("not json", "[]", "{}", *(json.dumps({**whole, **other}) for other in others)):
        (out / STATE).write_text(known)  # the store is asked what it has
        assert Uploader(out).upload() == 6
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
                patch.setattr(mlflow_client.Run, name, killer.around(getattr(mlflow_client.Run, name)))
            with suppress(SystemExit):
                Uploader(out).upload()
        if not killer.killed:
            break
    assert 3 < calls < 19
    found = tables(folder)
    assert [len(found[table]) for table in ("runs", "metrics", "params", "inputs")] == [1, 5, 2, 1]


def test_killed_before_the_run_is_known_it_is_found_again(folder, monkeypatch):
    out = ended(folder)
    with monkeypatch.context() as patch:
        patch.setattr(Uploader, "save_state", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            Uploader(out).upload()
    assert not (out / STATE).exists()
    Uploader(out).upload()
    assert len(tables(folder)["runs"]) == 1


def test_half_a_model_is_completed(folder, monkeypatch):
    from nnjax.tracking import mlflow_model

    out = ended(folder, model=True)
    with monkeypatch.context() as patch:
        patch.setattr(mlflow_model, "write", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            Uploader(out).upload()
    assert [status for _, status in tables(folder)["models"]] != []
    Uploader(out).upload()
    (only,) = tables(folder)["models"]
    Uploader(out).upload()
    (out / STATE).unlink()
    Uploader(out).upload()
    assert tables(folder)["models"] == [only]


def test_a_run_that_is_trained_is_left_alone_and_one_that_was_killed_ends(folder):
    out, made = trained(folder)
    assert catch_up(out) == ""
    opening = upload.opening(out)
    made.append(**{**opening, "process": {**processes.current_process(), "started": "long ago"}})
    goes_on = f"to continue it: nnjax-train resume={os.path.relpath(out)}"  # it has a checkpoint
    assert catch_up(out) == f"6 events uploaded; the run was still marked RUNNING and is now KILLED; {goes_on}"
    assert [status for _, status, _ in tables(folder)["runs"]] == ["KILLED"]
    assert catch_up(out) == ""


def test_a_run_that_goes_on_after_its_end_is_the_same_run(folder):
    out = ended(folder)
    Uploader(out).upload()
    again = RunJournal(out, resumed=True)
    again.append(**journal.read(out)[0][0])
    Uploader(out).upload()
    assert [status for _, status, _ in tables(folder)["runs"]] == ["RUNNING"]
    again.append_metrics([*POINTS, ("train/loss", 5, 0.1)])
    again.append("end", status="FINISHED")
    Uploader(out).upload()
    found = tables(folder)
    assert ([status for _, status, _ in found["runs"]], len(found["metrics"])) == (["FINISHED"], 6)


def test_a_store_that_has_lost_the_run_gets_all_of_it_when_it_goes_on(folder, empty_store):
    out = ended(folder)
    Uploader(out).upload()
    before = tables(folder)
    shutil.copy(empty_store, folder / "mlflow.db")
    RunJournal(out, resumed=True).append(**journal.read(out)[0][-1])
    Uploader(out).upload()
    assert tables(folder) == before


def test_what_was_uploaded_is_of_one_store(folder, empty_store):
    """Another address, or an SQLite file that is gone: all is missing."""
    out = ended(folder)
    Uploader(out).upload()
    before, other = tables(folder), folder / "other"
    other.mkdir()
    shutil.copy(empty_store, other / "mlflow.db")
    uri = f"sqlite:///{other}/mlflow.db"
    assert not upload.is_missing(out)
    assert upload.is_missing(out, uri)
    assert catch_up(out, uri) == "5 events uploaded"
    assert tables(other) == before
    assert not upload.is_missing(out, uri)
    shutil.copy(empty_store, folder / "mlflow.db")
    assert upload.is_missing(out)
    assert catch_up(out) == "5 events uploaded"
    assert tables(folder) == before
    assert not upload.is_missing(out)
    (folder / "mlflow.db").rename(folder / "away.db")
    assert upload.is_missing(out)


def test_a_journal_without_password_is_uploaded_by_the_environments(folder, monkeypatch):
    out, made = trained(folder)
    made.append(**{**upload.opening(out), "uri": "http://h:9"})
    assert upload.store_of(out) == "http://h:9"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://user:secret@h:9")
    assert upload.store_of(out) == "http://user:secret@h:9"
    assert "secret" not in str(Uploader(out).state)
    with pytest.raises(InputError) as caught:
        Uploader(out).upload()
    assert "secret" not in str(caught.value)


def test_hidden_files_and_links_stay_where_they_are(folder):
    out, _ = trained(folder)
    (out / ".hydra").mkdir()
    (out / ".hydra" / "overrides.yaml").write_text("- tracking.uri=http://user:secret@h")
    (out / "figures" / ".hidden").touch()
    (out / "link").symlink_to(folder / "mlflow.db")
    assert {str(path.relative_to(out)) for path, _ in Uploader(out).files()} == {
        "figures/curve.png",
        "model.safetensors",
    }


def test_a_file_that_went_away_since_it_was_listed_is_left_out(folder, monkeypatch):
    out, files = ended(folder), Uploader.files
    monkeypatch.setattr(Uploader, "files", lambda self: [*files(self), (out / "gone.npz", Path("gone.npz"))])
    assert Uploader(out).upload() == 5


@pytest.mark.parametrize("damage", ["example", "network", "link"])
def test_a_model_that_cannot_be_made_is_one_line(folder, damage):
    out = ended(folder)
    example = pack_array(np.zeros((4, 2), np.float32))
    if damage == "example":
        example = {**example, "shape": [3, 3]}
    if damage == "network":
        (out / "model.safetensors").write_bytes(b"damaged")
    if damage == "link":
        (out / "model.safetensors").rename(folder / "other.safetensors")
        (out / "model.safetensors").symlink_to(folder / "other.safetensors")
    RunJournal(out, resumed=True).append("model", file="model.safetensors", example=example, classes=["0", "1"])
    if damage == "link":
        Uploader(out).upload()
        assert not tables(folder)["models"]
        return
    with pytest.raises(InputError, match="no model can be made of it: ") as caught:
        Uploader(out).upload()
    assert "\n" not in str(caught.value)


def test_arrays_come_back_as_they_were():
    for array in (
        np.arange(6, dtype=np.uint8).reshape(1, 2, 3),
        np.array([[0.1, -np.inf]]),
        np.zeros((0, 2), np.float32),
    ):
        again = unpack_array(pack_array(array))
        assert (again.dtype, again.shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(again, array)


def test_what_is_missing_is_seen_without_a_store(folder):
    out, made = trained(folder)
    assert upload.is_missing(out)
    made.append("end", status="FINISHED")
    assert upload.is_missing(out)
    Uploader(out).upload()
    assert not upload.is_missing(out)
