"""How good predictions are: of classes precision, recall and AUC, each against the rest; of numbers rmse and r2."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support, r2_score, roc_auc_score, root_mean_squared_error

from nnjax.inference.predictor import Floats


class Score(NamedTuple):
    """Of one class against the rest, or the mean of all classes; nan where it is not defined.

    Attributes:
        precision: share of what was called this class that is.
        recall: share of this class that was called so.
        auc: the probability that an instance of this class has a higher h than one of the rest; ties count half.
        instances: how many there are of it.
    """

    precision: float
    recall: float
    auc: float
    instances: int


def by_class(y: NDArray[np.integer], predicted: NDArray[np.integer], scores: Floats) -> list[Score]:
    """The scores of each class, by class index.

    A class that never occurs has none: all nan. The precision of a class that occurs and is never predicted is 0.

    Args:
        y, predicted: class indices (n,).
        scores: (n, K), for each class a number that rises with its output; see `rising`.
    """
    labels = np.arange(scores.shape[1])
    precision, recall, _, counts = precision_recall_fscore_support(y, predicted, labels=labels, zero_division=0)
    nothing = Score(math.nan, math.nan, math.nan, 0)
    return [
        Score(float(precision[k]), float(recall[k]), auc(y == k, scores[:, k]), int(counts[k]))
        if counts[k]
        else nothing
        for k in labels
    ]


def auc(positive: NDArray[np.bool_], scores: Floats) -> float:
    """The area under the receiver operating characteristic; nan unless there are both kinds of instances."""
    return float(roc_auc_score(positive, scores)) if 0 < positive.sum() < len(positive) else math.nan


def macro(scores: Sequence[Score]) -> Score:
    """The mean over the classes that have a value, each counted once."""
    columns = np.array([score[:3] for score in scores])
    there = np.isfinite(columns)
    means = np.where(there, columns, 0).sum(axis=0) / np.where(there.any(axis=0), there.sum(axis=0), np.nan)
    precision, recall, area = means.tolist()
    return Score(precision, recall, area, sum(score.instances for score in scores))


def of_numbers(y: NDArray[np.floating], h: NDArray[np.floating]) -> dict[str, float]:
    """The root of the mean squared error, and the share of y's variance that h explains; y, h (n,)."""
    return {"rmse": float(root_mean_squared_error(y, h)), "r2": float(r2_score(y, h)) if len(y) > 1 else math.nan}


def rising(z: Floats, output: str) -> Floats:
    """From logits (n, K) to numbers (n, classes) that order instances as the outputs h do, without rounding to ties.

    softmax: log(h_k / (1 - h_k)) = z_k - log sum_{j != k} e^{z_j} (L7); else the logits themselves (L5, L6), of one
    output -z and z.
    """
    z = z.astype(float)
    if z.shape[1] == 1:
        return np.concatenate([-z, z], axis=1)
    if output != "softmax":
        return z
    nothing = np.full((len(z), 1), -np.inf)
    before = np.logaddexp.accumulate(z[:, :-1], axis=1)
    after = np.logaddexp.accumulate(z[:, :0:-1], axis=1)[:, ::-1]
    return z - np.logaddexp(np.hstack([nothing, before]), np.hstack([after, nothing]))
