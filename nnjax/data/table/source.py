"""A file of the user's own as data: classes, or numbers, are predicted from all other columns (L5-L9)."""

import dataclasses
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnjax.data.dataset import (
    Dataset,
    Preprocessing,
    Split,
    SplitSizes,
    Target,
    digest_splits,
    row_order,
    split_validation,
)
from nnjax.data.table import reader
from nnjax.data.table.float32 import to_float32
from nnjax.errors import InputError

MAX_CLASSES = 20  # of whole numbers: a target with more different ones is a regression
TYPES = {"b": "true or false", "i": "whole numbers", "u": "whole numbers", "f": "numbers", "U": "text"}


def file(
    path: str | None,
    target: str = "y",
    task: str = "auto",
    scale: bool = True,
    seed: int = 0,
    train_size: int | None = None,
    validation_size: int | float = 0,
    test_size: int | float = 0.2,
) -> Dataset:
    """Return the Dataset of a .csv or .npz file (see `reader.read`): `split_test`, then `split_validation`.

    target: the column, or the array, to predict.
    task: classification, regression, or auto, which `infer_task` decides.
    scale: the network sees (value - mean) / standard deviation of each feature, or of all values of an array with more
    than two axes, such as images. A constant feature is only shifted. The target of a regression is scaled in the same
    way. Means and deviations are those of the training rows.
    x: float32 (n, d), or uint8 as stored. y: int32 (n,) in the order of the sorted classes, or float32 (n,) in the
    target's own units. Raises InputError.
    """
    if path is None:
        raise InputError("data=file needs a file", "data.path=FILE.csv or data.path=FILE.npz")
    table, y, classes = read_table(path, target, task)
    name = Path(path).stem
    training, test = split_test(name, Split(table.x, y), test_size, seed)
    train, validation = split_validation(name, training, SplitSizes(seed, train_size, validation_size))
    _check_target_varies(path, target, train.y, classes)
    return dataclasses.replace(
        _dataset(path, target, table, classes, (train, validation, test)),
        preprocessing=feature_scaling(train.x, scale),
        notice=_describe_inference(name, target, table, classes) if task == "auto" else "",
        target=None if classes else target_scaling(target, train.y, scale),
    )


def load_as_test(path: str, target: str, task: str) -> Dataset:
    """Return all rows of a file as the test, not scaled, for a network that was trained on other data.

    task: classification or regression. The rows may be few, and of one class. Raises InputError.
    """
    table, y, classes = read_table(path, target, task)
    no_rows = Split(table.x[:0], y[:0])
    return _dataset(path, target, table, classes, (no_rows, no_rows, Split(table.x, y)))


def read_table(path: str, target: str, task: str) -> tuple[reader.Table, NDArray[Any], tuple[str, ...]]:
    """Return a file's table, its target as it is trained on, and the classes, () of a regression. Raises InputError."""
    file_path = Path(os.path.expanduser(path))
    table = reader.read(file_path, target, labels=task == "classification")
    if (infer_task(table.y) if task == "auto" else task) == "classification":
        values, indices = np.unique(table.y, return_inverse=True)
        return table, indices.astype(np.int32), tuple(map(str, values))  # sorted (L9)
    if table.y.dtype.kind == "U":
        problem = f"data.task=regression needs numbers, and {target} of {path} is text, such as {str(table.y[0])!r:.40}"
        raise InputError(problem, "data.task=classification, or another data.target")
    return table, to_float32(table.y, f"{file_path}, {target}"), ()


def infer_task(y: NDArray[Any]) -> str:
    """Return classification or regression, whichever fits a target (n,).

    Classes are text, true and false, and at most MAX_CLASSES different whole numbers that occur twice on average. All
    other targets are a regression (L8).
    """
    is_classes = y.dtype.kind in "bU"
    if y.dtype.kind in "iu":
        count = len(np.unique(y))
        is_classes = count <= MAX_CLASSES and 2 * count <= len(y)
    return "classification" if is_classes else "regression"


def split_test(name: str, rows: Split, size: int | float, seed: int) -> tuple[Split, Split]:
    """Return (training, test): a number or a share of the rows, drawn by the seed, is the test.

    name: of the data, for errors. Raises InputError for a size that the rows do not allow.
    """
    n = len(rows.y)
    count = round(size * n) if isinstance(size, float) and size < 1 else size
    if type(count) is not int or not 1 <= count < n:
        allowed = f"a count from 1 to {n - 1}, or a share that makes such a count"
        raise InputError(f"data.test_size={size} is impossible: {name} has {n} rows", allowed)
    order = row_order(n, seed)
    training, test = (Split(*(array[np.sort(part)] for array in rows)) for part in (order[count:], order[:count]))
    return training, test


def feature_scaling(x: NDArray[Any], scale: bool) -> Preprocessing:
    """Return the preprocessing that gives these raw rows mean 0 and standard deviation 1; the identity unless scale."""
    shape = (math.prod(x.shape[1:]),)
    if not scale:
        return Preprocessing(1.0, 0.0, shape)
    if x.ndim > 2:
        mean, deviation = _mean_and_deviation(x.reshape(-1, 1))
        return Preprocessing(float(1 / deviation[0]), float(-mean[0] / deviation[0]), shape)
    mean, deviation = _mean_and_deviation(x)
    return Preprocessing(tuple((1 / deviation).tolist()), tuple((-mean / deviation).tolist()), shape)


def target_scaling(name: str, y: NDArray[np.float32], scale: bool) -> Target:
    """Return how the target (n,) of a regression is scaled."""
    if not scale:
        return Target(name, 0.0, 1.0)
    mean, deviation = _mean_and_deviation(y[:, None])
    return Target(name, float(mean[0]), float(deviation[0]))


def _dataset(
    path: str, target: str, table: reader.Table, classes: tuple[str, ...], splits: tuple[Split, Split, Split]
) -> Dataset:
    """Return these splits of a file as a Dataset that is not scaled."""
    train, validation, test = splits
    return Dataset(
        name=Path(path).stem,
        train=train,
        validation=validation,
        test=test,
        preprocessing=feature_scaling(table.x, scale=False),
        classes=classes,
        task="regression" if not classes else "binary" if len(classes) == 2 else "multiclass",
        digest=digest_splits(train, validation, test),
        source=path,
        notice="",
        features=table.features,
        target=None if classes else target_scaling(target, train.y, scale=False),
    )


def _check_target_varies(path: str, target: str, y: NDArray[Any], classes: tuple[str, ...]) -> None:
    """Raise InputError where all training rows have the same target."""
    if (y == y[0]).all():
        value = " ".join((classes[y[0]] if classes else str(y[0])).split())
        problem = f"{path}, {target}: the value is {value:.40} in all {len(y):,} training rows"
        raise InputError(problem, "a target with different values")


def _mean_and_deviation(x: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation (d,) of the columns of x (n, d); the deviation 1 for a constant column."""
    return x.mean(axis=0, dtype=float), np.where(np.ptp(x, axis=0) > 0, x.std(axis=0, dtype=float), 1.0)


def _describe_inference(name: str, target: str, table: reader.Table, classes: tuple[str, ...]) -> str:
    """Return the line that says which task was inferred, and how to choose another."""
    kind, d = table.y.dtype.kind, math.prod(table.x.shape[1:])
    contents = f"{name}: {len(table.y):,} rows of {d:,} feature{'s' * (d > 1)}; {target} holds {TYPES[kind]}"
    if not classes:
        other = "" if kind == "f" else "; data.task=classification makes each a class"
        return f"{contents}: regression{other}"
    other = "" if kind == "U" else "; data.task=regression takes them as numbers"
    return f"{contents}, {len(classes)} classes: classification{other}"
