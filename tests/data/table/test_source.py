"""A file of one's own as data: what the target is taken for, scaling from the training rows alone, the cut (L5-L9)."""

from pathlib import Path

import numpy as np
import pytest

from nnjax.data.dataset import Dataset
from nnjax.data.table.source import file
from nnjax.errors import InputError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(5, 3, (40, 3))


def saved(folder: Path, y: np.ndarray, x: np.ndarray = X) -> str:
    np.savez(folder / "mine.npz", x=x, y=y)
    return str(folder / "mine.npz")


def features(dataset: Dataset, part: str) -> np.ndarray:
    """What the network sees of a split."""
    x, (scale, shift, shape) = getattr(dataset, part).x, dataset.preprocessing
    return x.reshape(len(x), *shape).astype(float) * np.array(scale) + np.array(shift)


@pytest.mark.parametrize(
    ("y", "task", "classes"),
    [
        (np.tile(["no", "yes"], 20), "binary", ("no", "yes")),
        (np.tile([True, False], 20), "binary", ("False", "True")),
        (np.tile([10, 9, 2, 9], 10), "multiclass", ("2", "9", "10")),  # in the order of numbers, not of letters
        (np.arange(40), "regression", ()),  # each there once: no classes
        (np.arange(40) % 21, "regression", ()),  # more than few
        (np.tile([0.0, 1.0], 20), "regression", ()),
    ],
)
def test_what_a_target_is_taken_for(tmp_path, y, task, classes):
    found = file(saved(tmp_path, y))
    assert (found.name, found.task, found.classes) == ("mine", task, classes)
    assert found.train.y.dtype == (np.float32 if task == "regression" else np.int32)  # L8, L9
    assert (found.target is None) == (task != "regression")
    assert ("regression" if task == "regression" else "classification") in found.notice
    assert ("data.task=" in found.notice) == (y.dtype.kind in "biu")


def test_rows_keep_their_labels(tmp_path):
    """L9: class indices name the row's own class, in each split."""
    y = np.tile(["c", "a", "b", "a"], 10)
    found = file(saved(tmp_path, y), validation_size=4)
    for part in (found.train, found.validation, found.test):
        for x, label in zip(*part, strict=True):
            (row,) = np.flatnonzero((X.astype(np.float32) == x).all(axis=1))
            assert found.classes[label] == y[row]


def test_data_task_overrides(tmp_path):
    path = saved(tmp_path, np.tile([1, 2], 20))
    assert file(path, task="regression").train.y.max() == 2.0
    assert file(saved(tmp_path, np.tile([0.5, 1.5], 20)), task="classification").classes == ("0.5", "1.5")
    assert file(path, task="regression").notice == ""


def test_scaling_is_that_of_the_training_rows_alone(tmp_path):
    found = file(saved(tmp_path, X[:, 0] * 7 + 100), validation_size=0.25)
    inputs = features(found, "train")
    np.testing.assert_allclose(inputs.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(inputs.std(axis=0), 1, rtol=1e-6)
    assert np.abs(features(found, "test").mean(axis=0)).max() > 0.01
    y = found.train.y.astype(float)
    np.testing.assert_allclose(found.target[1:], (y.mean(), y.std()), rtol=1e-6)


def test_other_test_rows_change_nothing_of_it(tmp_path):
    first = file(saved(tmp_path, X[:, 0]), test_size=10)
    changed = X.copy()
    for row in first.test.x:
        changed[(X.astype(np.float32) == row).all(axis=1)] += 1000
    second = file(saved(tmp_path, changed[:, 0], changed), test_size=10)
    assert second.preprocessing == first.preprocessing
    assert second.target == first.target
    assert second.digest != first.digest
    np.testing.assert_array_equal(second.train.x, first.train.x)


def test_a_constant_feature_is_only_shifted(tmp_path):
    x = np.stack([np.full(40, 0.1), X[:, 0]], axis=1)
    found = file(saved(tmp_path, X[:, 0], x))
    assert found.preprocessing.scale[0] == 1.0
    np.testing.assert_allclose(features(found, "test")[:, 0], 0, atol=1e-7)


def test_images_share_one_scale_and_keep_their_form(tmp_path):
    x = RANDOM.integers(0, 256, (40, 4, 5), dtype=np.uint8)
    found = file(saved(tmp_path, np.tile(["a", "b"], 20), x))
    assert (found.train.x.dtype, found.train.x.shape, found.preprocessing.shape) == (np.uint8, (32, 4, 5), (20,))
    assert np.isclose(features(found, "train").std(), 1)
    assert np.ndim(found.preprocessing.scale) == 0


def test_scale_false_takes_numbers_as_they_are(tmp_path):
    found = file(saved(tmp_path, X[:, 0]), scale=False)
    assert found.preprocessing == (1.0, 0.0, (3,))
    assert found.target == ("y", 0.0, 1.0)


def test_the_test_is_cut_first_and_stays_whatever_is_trained_on(tmp_path):
    path = saved(tmp_path, X[:, 0])
    whole, small = (
        file(path, test_size=0.25, validation_size=6),
        file(path, test_size=10, validation_size=6, train_size=5),
    )
    assert [len(part.y) for part in (whole.train, whole.validation, whole.test)] == [24, 6, 10]
    assert len(small.train.y) == 5
    np.testing.assert_array_equal(small.test.x, whole.test.x)
    rows = np.concatenate([whole.train.x, whole.validation.x, whole.test.x])
    assert len(np.unique(rows, axis=0)) == 40  # each row is in one of them
    assert file(path).digest == file(path).digest != file(path, seed=1).digest


def test_callers_have_rows_of_float64(tmp_path):
    """A CSV file that pandas reads has float64: so has the signature of its MLflow model."""
    assert file(saved(tmp_path, X[:, 0])).example_rows.dtype == np.float64


@pytest.mark.parametrize(
    ("y", "settings", "message"),
    [
        (np.array(["a"] * 40), {}, "y: the value is a in all 32 training rows"),
        (np.full(40, 2.5), {}, "y: the value is 2.5 in all 32 training rows"),
        (np.array(["a", "b"] * 20), {"task": "regression"}, "is text, such as 'a'. Allowed: data.task=classification"),
        (
            X[:, 0],
            {"test_size": 40},
            "data.test_size=40 is impossible: mine has 40 rows. Allowed: a count from 1 to 39, or a share",
        ),
        (
            X[:, 0],
            {"test_size": 0.01},
            "data.test_size=0.01 is impossible: mine has 40 rows. Allowed: a count from 1 to 39, or",
        ),
        (X[:, 0], {"validation_size": 32}, "data.validation_size=32 is impossible: mine has 32 rows"),
        (X[:, 0], {"target": "z"}, "data.target=z is not an array of "),
        (
            np.arange(40) + 2**60,
            {},
            "y: float32 does not distinguish values about 12 apart at 1.15292e+18. Allowed: shifted values.",
        ),
        (X[:, 0] * 1e-50, {}, ". Allowed: multiplied values."),
    ],
)
def test_what_cannot_be_trained_on_is_refused_in_one_line(tmp_path, y, settings, message):
    with pytest.raises(InputError) as error:
        file(saved(tmp_path, y), **settings)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("task", "value"), [("classification", "1"), ("regression", "1.0")])
def test_a_target_must_differ_in_the_rows_that_are_trained_on(tmp_path, task, value):
    test = file(saved(tmp_path, X[:, 0])).test.x
    y = np.array([2 if (row.astype(np.float32) == test).all(axis=1).any() else 1 for row in X])
    assert len(set(y)) == 2
    with pytest.raises(InputError, match=rf"y: the value is {value} in all 32 training rows\. "):
        file(saved(tmp_path, y), task=task)


def test_no_file_named():
    with pytest.raises(InputError, match=r"Allowed: data.path=FILE.csv or data.path=FILE.npz\.$"):
        file(None)
