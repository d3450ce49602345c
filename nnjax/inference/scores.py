"""Scores of predictions: precision, recall and AUC of each class against the rest; rmse and r2 of a regression."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support, r2_score, roc_auc_score, root_mean_squared_error

from nnjax.inference.predictor import Floats


class Score(NamedTuple):
    """The scores of one class against the rest, or the mean over classes; nan where a score is not defined.

    Attributes:
        precision: the share of this class among the instances that were predicted as it.
        recall: the share of the instances of this class that were predicted as it.
        auc: the probability that an instance of this class has a higher h than one of the rest; ties count half.
        instances: their number.
    """

    precision: float
    recall: float
    auc: float
    instances: int


def score_classes(y: NDArray[np.integer], predicted: NDArray[np.integer], ranking: Floats) -> list[Score]:
    """Return the scores of each class, by class index.

    A class without instances has no scores: all are nan. A class with instances that is never predicted has the
    precision 0.

    Args:
        y, predicted: class indices (n,).
        ranking: (n, K), for each class a number that rises with its output; see `rank_instances`.
    """
    labels = np.arange(ranking.shape[1])
    precision, recall, _, counts = precision_recall_fscore_support(y, predicted, labels=labels, zero_division=0)
    undefined = Score(math.nan, math.nan, math.nan, 0)
    return [
        Score(float(precision[k]), float(recall[k]), auc(y == k, ranking[:, k]), int(counts[k]))
        if counts[k]
        else undefined
        for k in labels
    ]


def auc(positive: NDArray[np.bool_], ranking: Floats) -> float:
    """Return the area under the receiver operating characteristic; nan unless there are instances of both kinds."""
    return float(roc_auc_score(positive, ranking)) if 0 < positive.sum() < len(positive) else math.nan


def average_classes(scores: Sequence[Score]) -> Score:
    """Return the mean of each score over the classes for which it is defined (the macro average)."""
    values = np.array([score[:3] for score in scores])
    defined = np.isfinite(values)
    counts = np.where(defined.any(axis=0), defined.sum(axis=0), np.nan)
    precision, recall, area = (np.where(defined, values, 0).sum(axis=0) / counts).tolist()
    return Score(precision, recall, area, sum(score.instances for score in scores))


def score_regression(y: NDArray[np.floating], h: NDArray[np.floating]) -> dict[str, float]:
    """Return rmse, the root of the mean squared error, and r2, the share of y's variance that h explains; y, h (n,)."""
    return {"rmse": float(root_mean_squared_error(y, h)), "r2": float(r2_score(y, h)) if len(y) > 1 else math.nan}


def rank_instances(z: Floats, output: str) -> Floats:
    """Return numbers (n, classes) that order instances as the outputs h do, without the ties that rounding makes.

    z: logits (n, K). For softmax: log(h_k / (1 - h_k)) = z_k - log sum_{j != k} e^{z_j} (L7). For other outputs: the
    logits themselves (L5, L6), and -z and z for a single output.
    """
    z = z.astype(float)
    if z.shape[1] == 1:
        return np.concatenate([-z, z], axis=1)
    if output != "softmax":
        return z
    empty_sum = np.full((len(z), 1), -np.inf)
    before = np.logaddexp.accumulate(z[:, :-1], axis=1)
    after = np.logaddexp.accumulate(z[:, :0:-1], axis=1)[:, ::-1]
    return z - np.logaddexp(np.hstack([empty_sum, before]), np.hstack([after, empty_sum]))
