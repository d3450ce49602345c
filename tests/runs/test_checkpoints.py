"""When a training is saved, which checkpoints stay, and what they are the checkpoints of."""

import numpy as np
import pytest

from nnjax.errors import InputError
from nnjax.runs import checkpoint_file, checkpoints
from nnjax.runs.checkpoints import Checkpointer
from tests.training.conftest import training  # noqa: F401 - a fixture

IDENTITY = {"seed": 0, "data": "abc"}


@pytest.fixture
def small(training):  # noqa: F811
    return training(epochs=6)


def updates(folder):
    return sorted(int(path.stem) for path in folder.glob("*.safetensors"))


def test_every_so_many_epochs(tmp_path, small):
    checkpointer = Checkpointer(tmp_path, 2, IDENTITY)
    seen = []
    for _ in small.chunks(checkpointer.epochs):
        checkpointer.maybe_save(small)
        seen.append(updates(tmp_path)[-1:])
    per_epoch = small.per_epoch
    assert [last for last in seen if last and last[0] % (2 * per_epoch)] == []
    assert updates(tmp_path)[-2:] == [4 * per_epoch, 6 * per_epoch]


def test_every_so_many_seconds(tmp_path, small, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: now[0])
    checkpointer = Checkpointer(tmp_path, "60s", IDENTITY)
    now[0] = 59.0
    checkpointer.maybe_save(small)
    assert updates(tmp_path) == []
    now[0] = 60.0
    checkpointer.maybe_save(small)
    assert updates(tmp_path) == [0]


def goes_on(checkpointer, training):  # noqa: F811
    found = checkpointer.latest()
    if found is not None:
        checkpointer.restore(training, found)
    return found


def test_a_training_goes_on_where_it_was_saved(tmp_path, small, training):  # noqa: F811
    for _ in small.chunks():
        pass
    Checkpointer(tmp_path, None, IDENTITY).save(small)
    again = training(epochs=6)
    goes_on(Checkpointer(tmp_path, None, IDENTITY), again)
    assert again.position == small.position
    np.testing.assert_array_equal(again.history()["train/loss"], small.history()["train/loss"])


def test_another_setting_is_named(tmp_path, small):
    Checkpointer(tmp_path, None, IDENTITY).save(small)
    with pytest.raises(InputError, match=r"a training with seed=0\. .*, since now seed=1"):
        Checkpointer(tmp_path, None, {**IDENTITY, "seed": 1}).latest()


def test_nothing_saved_is_the_beginning(tmp_path):
    assert Checkpointer(tmp_path / "none", None, IDENTITY).latest() is None


def saved_twice(folder, small):
    checkpointer = Checkpointer(folder, 1, IDENTITY)
    for chunk in small.chunks(1):
        if chunk.epoch in (1, 2):
            checkpointer.save(small)
        if chunk.epoch == 2:
            return sorted(folder.glob("*.safetensors"))


def test_a_damaged_one_is_skipped_for_the_one_before(tmp_path, small, caplog):
    """A file that a kill left half written isn't one at all."""
    _, last = saved_twice(tmp_path, small)
    last.write_bytes(last.read_bytes()[:-1])
    (tmp_path / "000000000099.part.safetensors").write_bytes(b"half")
    found = Checkpointer(tmp_path, 1, IDENTITY).latest()
    assert found.facts["epoch"] == 1
    (line,) = caplog.messages
    assert last.name in line
    assert line.endswith("An earlier checkpoint is used.")


def test_where_none_can_be_read_nothing_begins_anew(tmp_path, small):
    for path in saved_twice(tmp_path, small):
        path.write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"damaged.* No other checkpoint"):
        Checkpointer(tmp_path, 1, IDENTITY).latest()


@pytest.mark.parametrize(
    "facts",
    [
        {"identity": []},
        {"scores": {"x": "y"}},
        {"scores": None},
        {"epoch": -1},
        {"epoch": True},
        {"step": 0.5},
        {"examples": "many"},
    ],
)
def test_facts_of_another_kind_are_no_checkpoint_of_a_training(tmp_path, small, facts):
    checkpointer = Checkpointer(tmp_path, 1, IDENTITY)
    checkpointer.save(small)
    (path,) = tmp_path.glob("*.safetensors")
    found = checkpointer.latest()
    checkpoint_file.write(path, found.arrays, {**found.facts, **facts})
    with pytest.raises(InputError, match="not a checkpoint of a training"):
        checkpointer.latest()


def test_arrays_of_another_kind_are_no_state_of_this_training(tmp_path, small):
    checkpointer = Checkpointer(tmp_path, 1, IDENTITY)
    checkpointer.save(small)
    found = checkpointer.latest()
    for name in found.arrays:
        for other in (np.zeros(0), None):
            arrays = {**found.arrays, name: other}
            if other is None:
                del arrays[name]
            with pytest.raises(InputError, match="of another training"):
                checkpointer.restore(small, found._replace(arrays=arrays))


def test_a_folder_is_one_processes_own(tmp_path):
    again = pytest.raises(InputError, match="another process is training there")
    with (
        checkpoints.exclusive_folder_lock(tmp_path / "run"),
        again,
        checkpoints.exclusive_folder_lock(tmp_path / "run"),
    ):
        pass
    with checkpoints.exclusive_folder_lock(tmp_path / "run"):
        pass


def test_the_score_is_the_median_lanes_latest_loss():
    history = {"validation/loss": np.array([[3.0, 1.0, np.nan], [3.0, 2.0, 4.0]]), "train/loss": np.zeros((2, 3))}
    assert checkpoints.latest_loss(history) == 2.5
    assert checkpoints.latest_loss({**history, "validation/loss": np.full((2, 3), np.nan)}) == 0
