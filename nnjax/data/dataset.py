"""The one type every source returns, and the cut of its training part into training and validation rows."""

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nnjax.errors import InputError


class Split(NamedTuple):
    """Rows of one split. x: raw, uint8 (n, 28, 28) or float32 (n, d).

    y: int32 (n,), class indices from 0 (L9); of a regression float32 (n,), in the target's own units (L8).
    """

    x: np.ndarray
    y: np.ndarray


class Preprocessing(NamedTuple):
    """From raw rows to the network's input: reshape(raw, (n, *shape)) * scale + shift, numbers or one a feature."""

    scale: float | tuple[float, ...]
    shift: float | tuple[float, ...]
    shape: tuple[int, ...]


class Target(NamedTuple):
    """A regression's target: the network learns (y - mean) / deviation, and predicts in y's own units."""

    name: str
    mean: float
    deviation: float


@dataclass(frozen=True, eq=False)
class Dataset:
    """Named splits with all that a run needs to say about them.

    task: 'binary' | 'multiclass' | 'regression', which has a target and no classes; digest: sha256 (hex) of the splits
    as cut; source: where the bytes came from; notice: the one line for the terminal, '' if there is nothing to say.
    features: names of the columns of x, if they have any. validation may have 0 rows. whole: of a boolean function all
    rows of its table, trained on or not; title: which function it is, '' where name says it all.
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
    whole: Split | None = None
    title: str = ""

    @property
    def called(self) -> str:
        """What tells these data from others: of a boolean function `XOR`, of any others the name."""
        return self.title or self.name

    @property
    def example(self) -> np.ndarray:
        """The test's raw rows of the type that callers have them in: a table's columns are float64 in NumPy."""
        return self.test.x.astype(float) if self.features else self.test.x

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The raw shape of each split, rows first."""
        return {name: getattr(self, name).x.shape for name in ("train", "validation", "test")}


class Sizes(NamedTuple):
    """How to cut a training part: the seed of the shuffle, rows to train on (None: all) and rows to validate on."""

    seed: int = 0
    train_size: int | None = None
    validation_size: int | float = 0


def digest_of(**arrays: np.ndarray) -> str:
    """Return the sha256 (hex) of names, dtypes, shapes and bytes of the arrays, in the order given."""
    total = hashlib.sha256()
    for name, array in arrays.items():
        total.update(f"{name} {array.dtype.str} {array.shape};".encode())
        total.update(np.ascontiguousarray(array).reshape(-1).data)
    return total.hexdigest()


def digest_of_splits(train: Split, validation: Split, test: Split) -> str:
    """Return the sha256 (hex) that names these three splits."""
    return digest_of(
        train_x=train.x,
        train_y=train.y,
        validation_x=validation.x,
        validation_y=validation.y,
        test_x=test.x,
        test_y=test.y,
    )


def of_images(
    name: str, training: Split, test: Split, sizes: Sizes, classes: tuple[str, ...], source: str, notice: str = ""
) -> Dataset:
    """Return the Dataset of grey images uint8 (n, 28, 28), cut as `cut` says; raise InputError for sizes not there."""
    train, validation = cut(name, training, sizes)
    digest = digest_of_splits(train, validation, test)
    grey = Preprocessing(scale=1.0 / 255.0, shift=0.0, shape=(784,))
    return Dataset(name, train, validation, test, grey, classes, "multiclass", digest, source, notice)


def cut(name: str, training: Split, sizes: Sizes) -> tuple[Split, Split]:
    """Return (train, validation): rows shuffled by the seed, validation cut off first, then train_size rows kept.

    validation_size is a count (int) or a fraction of the rows (0 < float < 1), 0 for none; so the validation rows do
    not depend on train_size, and smaller training sets lie within larger ones. Raises InputError for sizes not there.
    """
    rows = len(training.y)
    held_out = _validation_rows(name, rows, sizes.validation_size)
    kept = _train_rows(name, rows - held_out, sizes.train_size)
    order = shuffled(rows, sizes.seed)
    parts = order[held_out : held_out + kept], order[:held_out]
    train, validation = (Split(training.x.take(part, axis=0), training.y.take(part)) for part in parts)
    return train, validation


def shuffled(rows: int, seed: int) -> np.ndarray:
    """Return the numbers of all rows in an order of the seed's; raise InputError for a seed that is none."""
    if type(seed) is not int or seed < 0:
        raise InputError(f"data.seed={seed}: allowed is a whole number of 0 or more")
    # Bytes of SHAKE256 (FIPS 202), the same for good, which NumPy does not promise of Generator.permutation.
    keys = hashlib.shake_256(f"nnjax data.seed={seed}".encode()).digest(8 * rows)
    return np.argsort(np.frombuffer(keys, "<u8"), kind="stable")


def _validation_rows(name: str, rows: int, size: int | float) -> int:
    fraction = type(size) is float and 0.0 < size < 1.0
    count = round(size * rows) if fraction else size
    if type(count) is not int or not fraction <= count < rows:
        allowed = f"0, a count from 1 to {rows - 1} or a fraction between 0 and 1 that makes such a count"
        raise InputError(f"data.validation_size={size}: allowed are {allowed}; {name} has {rows} rows to cut from")
    return count


def _train_rows(name: str, rows: int, size: int | None) -> int:
    count = rows if size is None else size
    if type(count) is not int or not 1 <= count <= rows:
        allowed = f"null (all) or a count from 1 to {rows}"
        raise InputError(f"data.train_size={size}: allowed are {allowed}, {name}'s rows that are not for validation")
    return count
