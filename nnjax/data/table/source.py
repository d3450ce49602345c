"""A file of one's own as data: classes or numbers to predict from all other columns (L5-L9)."""

import dataclasses
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnjax.data.dataset import Dataset, Preprocessing, Sizes, Split, Target, cut, digest_of_splits, shuffled
from nnjax.data.table import reader
from nnjax.data.table.float32 import single
from nnjax.errors import InputError

FEW = 20  # distinct whole numbers that are still taken for classes
KINDS = {"b": "true or false", "i": "whole numbers", "u": "whole numbers", "f": "numbers", "U": "text"}


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
    """Return the Dataset of a .csv or .npz file (`table.read`), cut by `seed`: test first, the rest as `cut` says.

    target: the column, or array, to predict. task: classification, regression, or auto: text, true and false, and at
    most FEW distinct whole numbers, each there twice on average, are classes, all else is regression (L8).
    scale: the network sees (value - mean) / standard deviation of each feature, or of all values of an array with more
    axes than two, such as images; a constant one is only shifted. Regression learns its target scaled the same way.
    Means and deviations are those of the training rows alone.
    x: float32 (n, d), or uint8 as stored; y: int32 (n,) in the order of the sorted classes, or float32 (n,) in the
    target's own units. Raises InputError.
    """
    if path is None:
        raise InputError("data=file: names no file; allowed: data.path=FILE.csv or data.path=FILE.npz")
    found, y, classes = read_table(path, target, task)
    name = Path(path).stem
    training, test = split_test(name, Split(found.x, y), test_size, seed)
    train, validation = cut(name, training, Sizes(seed, train_size, validation_size))
    check_differ(path, target, train.y, classes)
    return dataclasses.replace(
        dataset(path, target, found, classes, (train, validation, test)),
        preprocessing=preprocessing(train.x, scale),
        notice=notice(name, target, found, classes) if task == "auto" else "",
        target=None if classes else target_scaling(target, train.y, scale),
    )


def unseen(path: str, target: str, task: str) -> Dataset:
    """Return all rows of a file as the test, not scaled: for a network that was trained on others.

    task: classification or regression. Rows may be few, and of one class alone. Raises InputError.
    """
    found, y, classes = read_table(path, target, task)
    nothing = Split(found.x[:0], y[:0])
    return dataset(path, target, found, classes, (nothing, nothing, Split(found.x, y)))


def read_table(path: str, target: str, task: str) -> tuple[reader.Table, NDArray[Any], tuple[str, ...]]:
    """Return a file's table, its target as it is trained on, and the classes, () of a regression."""
    place = Path(os.path.expanduser(path))
    found = reader.read(place, target, labels=task == "classification")
    if (infer_task(found.y) if task == "auto" else task) == "classification":
        return found, *labelled(found.y)
    return found, measured(place, target, found.y), ()


def dataset(
    path: str, target: str, found: reader.Table, classes: tuple[str, ...], splits: tuple[Split, Split, Split]
) -> Dataset:
    """Return these splits of a file as a Dataset, not scaled."""
    train, validation, test = splits
    return Dataset(
        name=Path(path).stem,
        train=train,
        validation=validation,
        test=test,
        preprocessing=preprocessing(found.x, scale=False),
        classes=classes,
        task="regression" if not classes else "binary" if len(classes) == 2 else "multiclass",
        digest=digest_of_splits(train, validation, test),
        source=path,
        notice="",
        features=found.features,
        target=None if classes else target_scaling(target, train.y, scale=False),
    )


def infer_task(y: NDArray[Any]) -> str:
    """Return classification or regression, by what the target is."""
    few = y.dtype.kind in "iu" and (count := len(np.unique(y))) <= FEW and 2 * count <= len(y)
    return "classification" if y.dtype.kind in "bU" or few else "regression"


def check_differ(path: str, target: str, y: NDArray[Any], classes: tuple[str, ...]) -> None:
    """Raises InputError where all rows that are trained on have the same target."""
    if (y == y[0]).all():
        value = " ".join((classes[y[0]] if classes else str(y[0])).split())
        rule = "must differ to be predicted"
        raise InputError(f"{path}, {target}: {rule}, is {value:.40} in all {len(y):,} training rows")


def labelled(y: NDArray[Any]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return class indices int32 (n,) and the classes' names, sorted (L9)."""
    values, indices = np.unique(y, return_inverse=True)
    return indices.astype(np.int32), tuple(map(str, values))


def measured(path: Path, target: str, y: NDArray[Any]) -> NDArray[np.float32]:
    """Return the target's numbers, float32 (n,)."""
    if y.dtype.kind == "U":
        raise InputError(
            f"data.task=regression: {target} of {path} is text, such as {str(y[0])!r:.40}; allowed: numbers"
        )
    return single(y, f"{path}, {target}")


def split_test(name: str, whole: Split, size: int | float, seed: int) -> tuple[Split, Split]:
    """Return (training, test): so many rows, or that share, drawn by the seed, are the test."""
    n = len(whole.y)
    count = round(size * n) if isinstance(size, float) and size < 1 else size
    if type(count) is not int or not 1 <= count < n:
        allowed = f"1 to {n - 1} rows or a share that makes such a number"
        raise InputError(f"data.test_size={size}: allowed are {allowed}; {name} has {n} rows")
    order = shuffled(n, seed)
    training, test = (Split(*(part[np.sort(rows)] for part in whole)) for rows in (order[count:], order[:count]))
    return training, test


def preprocessing(x: NDArray[Any], scale: bool) -> Preprocessing:
    """Return what makes raw rows like these have mean 0 and standard deviation 1."""
    shape = (math.prod(x.shape[1:]),)
    if not scale:
        return Preprocessing(1.0, 0.0, shape)
    if x.ndim > 2:
        mean, deviation = spread(x.reshape(-1, 1))
        return Preprocessing(float(1 / deviation[0]), float(-mean[0] / deviation[0]), shape)
    mean, deviation = spread(x)
    return Preprocessing(tuple((1 / deviation).tolist()), tuple((-mean / deviation).tolist()), shape)


def spread(x: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and standard deviation (d,) of the columns of x (n, d); 1 for a constant column's deviation."""
    return x.mean(axis=0, dtype=float), np.where(np.ptp(x, axis=0) > 0, x.std(axis=0, dtype=float), 1.0)


def target_scaling(name: str, y: NDArray[np.float32], scale: bool) -> Target:
    """Return how a regression's target is scaled."""
    if not scale:
        return Target(name, 0.0, 1.0)
    mean, deviation = spread(y[:, None])
    return Target(name, float(mean[0]), float(deviation[0]))


def notice(name: str, target: str, found: reader.Table, classes: tuple[str, ...]) -> str:
    """Return what was taken for what, and how to have it otherwise."""
    kind, d = found.y.dtype.kind, math.prod(found.x.shape[1:])
    rows = f"{name}: {len(found.y):,} rows of {d:,} feature{'s' * (d > 1)}"
    if not classes:
        other = "" if kind == "f" else "; data.task=classification makes each a class"
        return f"{rows}; {target} holds {KINDS[kind]}: regression{other}"
    other = "" if kind == "U" else "; data.task=regression takes them as numbers"
    return f"{rows}; {target} holds {KINDS[kind]}, {len(classes)} classes: classification{other}"
