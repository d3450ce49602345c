"""When a training is saved, which checkpoints stay, and what they are the checkpoints of."""

import numpy as np
import pytest

from nnjax import saving
from nnjax.errors import InputError
from nnjax.saving import Saver
from tests.training.conftest import training  # noqa: F401 - a fixture

IDENTITY = {"seed": 0, "data": "abc"}


@pytest.fixture
def small(training):  # noqa: F811
    return training(epochs=6)


def updates(folder):
    return sorted(int(path.stem) for path in folder.glob("*.safetensors"))


def test_every_so_many_epochs(tmp_path, small):
    saver = Saver(tmp_path, 2, IDENTITY)
    seen = []
    for _ in small.chunks(saver.epochs):
        saver.after(small)
        seen.append(updates(tmp_path)[-1:])
    per_epoch = small.per_epoch
    assert [last for last in seen if last and last[0] % (2 * per_epoch)] == []
    assert updates(tmp_path)[-2:] == [4 * per_epoch, 6 * per_epoch]


def test_every_so_many_seconds(tmp_path, small, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(saving.time, "monotonic", lambda: now[0])
    saver = Saver(tmp_path, "60s", IDENTITY)
    now[0] = 59.0
    saver.after(small)
    assert updates(tmp_path) == []
    now[0] = 60.0
    saver.after(small)
    assert updates(tmp_path) == [0]


def test_a_training_goes_on_where_it_was_saved(tmp_path, small, training):  # noqa: F811
    for _ in small.chunks():
        pass
    Saver(tmp_path, None, IDENTITY).save(small)
    again = training(epochs=6)
    Saver(tmp_path, None, IDENTITY).restore(again)
    assert again.position == small.position
    np.testing.assert_array_equal(again.history()["train/loss"], small.history()["train/loss"])


def test_another_setting_is_named(tmp_path, small):
    Saver(tmp_path, None, IDENTITY).save(small)
    with pytest.raises(InputError, match="another seed: 0"):
        Saver(tmp_path, None, {**IDENTITY, "seed": 1}).restore(small)


def test_nothing_saved_is_the_beginning(tmp_path, small):
    Saver(tmp_path / "none", None, IDENTITY).restore(small)
    assert small.position == (0, 0)


def test_the_score_is_the_median_lanes_latest_loss():
    history = {"validation/loss": np.array([[3.0, 1.0, np.nan], [3.0, 2.0, 4.0]]), "train/loss": np.zeros((2, 3))}
    assert saving.score(history) == 2.5
    assert saving.score({**history, "validation/loss": np.full((2, 3), np.nan)}) == 0
