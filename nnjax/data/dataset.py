"""The one type that every source returns, and the split of training rows into training and validation rows."""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nnjax.errors import InputError


class Split(NamedTuple):
    """Rows of one split. x: raw values, uint8 (n, 28, 28) or float32 (n, d).

    y: of classes int32 (n,), indices from 0 (L9); of a regression float32 (n,), in the target's own units (L8).
    """

    x: np.ndarray
    y: np.ndarray


class Preprocessing(NamedTuple):
    """From raw rows to the network's input: reshape(raw, (n, *shape)) * scale + shift.

    scale, shift: one number, or one number per feature.
    """

    scale: float | tuple[float, ...]
    shift: float | tuple[float, ...]
    shape: tuple[int, ...]


class Target(NamedTuple):
    """The target of a regression. The network learns (y - mean) / deviation and predicts in the units of y."""

    name: str
    mean: float
    deviation: float


@dataclass(frozen=True, eq=False)
class Dataset:
    """Three splits, and what a run has to know about them.

    Attributes:
        validation: may have 0 rows.
        classes: names by class index, () of a regression.
        task: 'binary' | 'multiclass' | 'regression'.
        digest: sha256 (hex) of the three splits.
        source: where the bytes came from: a folder, an address, a package.
        notice: one line for the terminal, '' if there is nothing to say.
        features: names of the columns of x, () if they have none.
        target: of a regression.
        truth_table: of a boolean function all rows of its table, whether they are trained on or not.
        title: the boolean function, '' of other data, which `name` describes.
    """

    name: str
    train: Split
    validation: Split
    test: Split
    preprocessing: Preprocessing
    classes: tuple[str, ...]
    task: str
    digest: str
    source: str
    notice: str
    features: tuple[str, ...] = ()
    target: Target | None = None
    truth_table: Split | None = None
    title: str = ""

    @property
    def display_name(self) -> str:
        """The name that distinguishes these data in a table of runs: of a boolean function `XOR`."""
        return self.title or self.name

    @property
    def example_rows(self) -> np.ndarray:
        """The test's raw rows in the type that callers have: pandas reads columns of a table as float64."""
        return self.test.x.astype(float) if self.features else self.test.x

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The raw shape of each split, rows first."""
        return {name: getattr(self, name).x.shape for name in ("train", "validation", "test")}


class SplitSizes(NamedTuple):
    """How to split training rows.

    seed: of the shuffle. train_size: rows to train on, None for all. validation_size: a count or a fraction of rows.
    """

    seed: int = 0
    train_size: int | None = None
    validation_size: int | float = 0


def digest_arrays(**arrays: np.ndarray) -> str:
    """Return the sha256 (hex) of the names, dtypes, shapes and bytes of the arrays, in the order given."""
    total = hashlib.sha256()
    for name, array in arrays.items():
        total.update(f"{name} {array.dtype.str} {array.shape};".encode())
        total.update(np.ascontiguousarray(array).reshape(-1).data)
    return total.hexdigest()


def digest_splits(train: Split, validation: Split, test: Split) -> str:
    """Return the sha256 (hex) that identifies three splits."""
    return digest_arrays(
        train_x=train.x,
        train_y=train.y,
        validation_x=validation.x,
        validation_y=validation.y,
        test_x=test.x,
        test_y=test.y,
    )


def image_dataset(
    name: str, training: Split, test: Split, sizes: SplitSizes, classes: tuple[str, ...], source: str, notice: str = ""
) -> Dataset:
    """Return the Dataset of grey images uint8 (n, 28, 28), split by `split_validation`, whose errors it raises."""
    train, validation = split_validation(name, training, sizes)
    digest = digest_splits(train, validation, test)
    grey = Preprocessing(scale=1.0 / 255.0, shift=0.0, shape=(784,))
    return Dataset(name, train, validation, test, grey, classes, "multiclass", digest, source, notice)


def split_validation(name: str, training: Split, sizes: SplitSizes) -> tuple[Split, Split]:
    """Return (train, validation): the shuffled rows, first those for validation, then `train_size` rows for training.

    So the validation rows do not depend on train_size, and smaller training sets lie within larger ones.
    validation_size is a count (int) or a fraction of the rows (0 < float < 1), 0 for none.
    name: of the data, for errors. Raises InputError for sizes that the rows do not allow.
    """
    rows = len(training.y)
    validation_rows = _count_validation(name, rows, sizes.validation_size)
    train_rows = _count_train(name, rows - validation_rows, sizes.train_size)
    order = row_order(rows, sizes.seed)
    chosen = order[validation_rows : validation_rows + train_rows], order[:validation_rows]
    train, validation = (Split(training.x.take(places, axis=0), training.y.take(places)) for places in chosen)
    return train, validation


def row_order(rows: int, seed: int) -> np.ndarray:
    """Return the numbers 0 to rows - 1, int (rows,), shuffled by the seed; raise InputError for another seed."""
    if type(seed) is not int or seed < 0:
        raise InputError(f"data.seed={seed} is out of range", "a whole number of 0 or more")
    # Bytes of SHAKE256 (FIPS 202) stay the same for ever, which NumPy does not promise for Generator.permutation.
    keys = hashlib.shake_256(f"nnjax data.seed={seed}".encode()).digest(8 * rows)
    return np.argsort(np.frombuffer(keys, "<u8"), kind="stable")


def _count_validation(name: str, rows: int, size: int | float) -> int:
    is_fraction = type(size) is float and 0.0 < size < 1.0
    count = round(size * rows) if is_fraction else size
    if type(count) is not int or not is_fraction <= count < rows:
        allowed = f"0, a count from 1 to {rows - 1}, or a fraction between 0 and 1 that makes such a count"
        raise InputError(f"data.validation_size={size} is impossible: {name} has {rows} rows to split", allowed)
    return count


def _count_train(name: str, rows: int, size: int | None) -> int:
    count = rows if size is None else size
    if type(count) is not int or not 1 <= count <= rows:
        problem = f"data.train_size={size} is impossible: {name} has {rows} rows that are not for validation"
        raise InputError(problem, f"null (all), or a count from 1 to {rows}")
    return count
