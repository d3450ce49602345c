"""The recorder: early stops keep their curve, Ctrl-C its history, a store that is gone costs no result."""

import numpy as np
import pytest

from nnjax import pipeline
from nnjax.errors import InputError
from nnjax.training import loop
from tests.end_to_end.conftest import Done
from tests.test_config import read

XOR = ("+experiment=xor", "tracking.figures=false", "tracking.model=false", "training.epochs=300")


def run(folder, *overrides):
    """A run in this process, recorded in the folder."""
    (folder / "out").mkdir()
    pipeline.run(read(*XOR, *overrides), folder / "out", folder)
    return Done(0, "", "", folder).run()


def test_an_early_stop_has_a_curve(tmp_path):
    found = run(tmp_path, "training.epochs=100000", "training.tolerance=0.02")
    last = int(found.data.metrics["training/epochs"])
    points = Done(0, "", "", tmp_path).client().get_metric_history(found.info.run_id, "train/loss")
    steps = sorted(point.step for point in points)
    assert last < 1000
    assert steps[0] == 0
    assert steps[-1] == last
    assert len(set(steps)) == len(steps) > 10
    assert found.data.tags["stopped"] == "converged"


def test_ctrl_c_leaves_what_there_is(tmp_path, monkeypatch):
    chunks = loop.Training.chunks

    def interrupted(training):
        for chunk in chunks(training):
            yield chunk
            if chunk.epoch:
                raise KeyboardInterrupt

    monkeypatch.setattr(loop.Training, "chunks", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    done = Done(0, "", "", tmp_path)
    found = done.run()
    assert found.info.status == "KILLED"
    assert found.data.metrics["train/loss"] > 0
    assert len(np.load(tmp_path / "out" / "history.npz")["train/loss"]) > 1
    assert "history.npz" in [item.path for item in done.client().list_artifacts(found.info.run_id)]


def test_a_store_that_breaks_off_is_said_once_the_result_is_safe(tmp_path, monkeypatch):
    from nnjax.tracking.store import Run

    def gone(*arguments):
        raise InputError("the store is gone")

    monkeypatch.setattr(Run, "log_metrics", gone)
    with pytest.raises(InputError, match="the store is gone"):
        run(tmp_path)
    assert {"history.npz", "model.safetensors"} <= {path.name for path in (tmp_path / "out").iterdir()}


def test_passwords_are_not_recorded(tmp_path):
    from nnjax.tracking.describe import without_passwords

    settings = {"data": {"mirror": "http://me:secret@host/x"}, "seed": 3}
    assert without_passwords(settings) == {"data": {"mirror": "http://host/x"}, "seed": 3}


def test_progress_in_plain_lines_ends_with_a_number(tmp_path, caplog):
    caplog.set_level("INFO", logger="nnjax")
    run(tmp_path, "training.tolerance=0.02", "tracking.enabled=true")
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("epoch ")]
    assert lines
    assert not any("nan" in line for line in lines)
