"""Precision, recall and AUC equal numbers that were counted by hand."""

import math
import tracemalloc

import numpy as np
import pytest

from nnjax.inference import scores

Y = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 2, 2])
H = np.array([[0.9, 0.1, 0.0], [0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.2, 0.6, 0.2], [0.3, 0.2, 0.5], [0.1, 0.0, 0.9]])


def test_precision_and_recall_are_the_counted_shares():
    """Predicted as 0: two, both correct; as 1: two, one correct; as 2: two, one correct."""
    classes = scores.score_classes(Y, PREDICTED, H)
    assert [score.precision for score in classes] == pytest.approx([1, 1 / 2, 1 / 2])
    assert [score.recall for score in classes] == pytest.approx([2 / 3, 1 / 2, 1])
    assert [score.instances for score in classes] == [3, 2, 1]


def test_auc_is_the_share_of_pairs_in_order_and_a_tie_is_half_a_pair():
    """Class 0: one of 9 pairs, 0.3 and 0.3, is tied. Class 1: 0.6 wins 3.5 of 4 pairs, 0.2 wins 2."""
    classes = scores.score_classes(Y, PREDICTED, H)
    assert [score.auc for score in classes] == pytest.approx([8.5 / 9, 5.5 / 8, 1])
    assert scores.auc(np.array([True, False, True]), np.zeros(3)) == 0.5


def test_a_class_without_instances_has_no_scores_and_is_not_in_the_mean():
    classes = scores.score_classes(np.array([0, 0, 1]), np.array([0, 2, 1]), np.eye(3))
    assert all(math.isnan(value) for value in classes[2][:3])
    mean = scores.average_classes(classes)
    assert mean.precision == pytest.approx((1 + 1) / 2)
    assert mean.recall == pytest.approx((1 / 2 + 1) / 2)
    assert mean.instances == 3


def test_a_class_that_is_never_predicted_lowers_the_mean():
    classes = scores.score_classes(np.array([0, 1]), np.array([0, 0]), np.eye(2))
    assert classes[1].precision == classes[1].recall == 0
    assert scores.average_classes(classes).precision == pytest.approx(0.25)


def test_a_single_class_has_no_auc():
    classes = scores.score_classes(np.array([0, 0]), np.array([0, 0]), np.eye(2))
    assert math.isnan(classes[0].auc)
    assert math.isnan(scores.average_classes(classes).auc)


@pytest.mark.parametrize("output", ["softmax", "sigmoid", "identity"])
def test_ranking_orders_instances_as_the_outputs_do(output):
    """L5-L7, where outputs are not rounded; for softmax the ranking is the log-odds."""
    z = np.random.default_rng(0).normal(size=(40, 3))
    softmax = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    h = {"softmax": softmax, "sigmoid": 1 / (1 + np.exp(-z)), "identity": z}[output]
    ranking = scores.rank_instances(z.astype(np.float32), output)
    np.testing.assert_array_equal(np.argsort(ranking, axis=0), np.argsort(h, axis=0))
    if output == "softmax":
        np.testing.assert_allclose(ranking, np.log(h / (1 - h)), rtol=1e-4)


def test_many_classes_need_memory_for_their_logits_only():
    """And not for n K^2 numbers, here 80 MB."""
    z = np.random.default_rng(0).normal(size=(250, 200)).astype(np.float32)
    tracemalloc.start()
    ranking = scores.rank_instances(z, "softmax")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * ranking.nbytes
    rest = np.exp(z[:, [*range(7), *range(8, 200)]].astype(float)).sum(axis=1)
    np.testing.assert_allclose(ranking[:, 7], z[:, 7] - np.log(rest), rtol=1e-6)


def test_outputs_that_round_to_one_keep_their_order():
    """Three softmax outputs that are all 1 in float32: no ties."""
    z = np.array([[40.0, 0], [50, 0], [60, 0]], np.float32)
    assert (np.diff(scores.rank_instances(z, "softmax")[:, 0]) > 5).all()


def test_a_single_output_ranks_two_classes():
    """L5."""
    np.testing.assert_array_equal(scores.rank_instances(np.array([[2.0]], np.float32), "sigmoid"), [[-2, 2]])
