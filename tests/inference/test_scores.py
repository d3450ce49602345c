"""Precision, recall and AUC against numbers counted by hand."""

import math
import tracemalloc

import numpy as np
import pytest

from nnjax.inference import scores

Y = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 2, 2])
H = np.array([[0.9, 0.1, 0.0], [0.6, 0.3, 0.1], [0.3, 0.6, 0.1], [0.2, 0.6, 0.2], [0.3, 0.2, 0.5], [0.1, 0.0, 0.9]])


def test_precision_and_recall_as_counted():
    """Called 0: two, both are; called 1: two, one is; called 2: two, one is."""
    found = scores.by_class(Y, PREDICTED, H)
    assert [score.precision for score in found] == pytest.approx([1, 1 / 2, 1 / 2])
    assert [score.recall for score in found] == pytest.approx([2 / 3, 1 / 2, 1])
    assert [score.instances for score in found] == [3, 2, 1]


def test_auc_is_the_share_of_pairs_in_order_and_a_tie_is_half_a_pair():
    """Class 0: one of 9 pairs, 0.3 and 0.3, is tied. Class 1: 0.6 wins 3.5 of 4 pairs, 0.2 wins 2."""
    found = scores.by_class(Y, PREDICTED, H)
    assert [score.auc for score in found] == pytest.approx([8.5 / 9, 5.5 / 8, 1])
    assert scores.auc(np.array([True, False, True]), np.zeros(3)) == 0.5


def test_a_class_that_never_occurs_has_no_scores_and_no_part_in_the_mean():
    found = scores.by_class(np.array([0, 0, 1]), np.array([0, 2, 1]), np.eye(3))
    assert all(math.isnan(value) for value in found[2][:3])
    mean = scores.macro(found)
    assert mean.precision == pytest.approx((1 + 1) / 2)
    assert mean.recall == pytest.approx((1 / 2 + 1) / 2)
    assert mean.instances == 3


def test_a_class_that_is_never_predicted_lowers_the_mean():
    found = scores.by_class(np.array([0, 1]), np.array([0, 0]), np.eye(2))
    assert found[1].precision == found[1].recall == 0
    assert scores.macro(found).precision == pytest.approx(0.25)


def test_only_one_class_there_has_no_auc():
    found = scores.by_class(np.array([0, 0]), np.array([0, 0]), np.eye(2))
    assert math.isnan(found[0].auc)
    assert math.isnan(scores.macro(found).auc)


@pytest.mark.parametrize("output", ["softmax", "sigmoid", "identity"])
def test_rising_orders_as_the_outputs_do(output):
    """L5-L7, where they don't round; the log-odds of a softmax themselves."""
    z = np.random.default_rng(0).normal(size=(40, 3))
    softmax = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    h = {"softmax": softmax, "sigmoid": 1 / (1 + np.exp(-z)), "identity": z}[output]
    found = scores.rising(z.astype(np.float32), output)
    np.testing.assert_array_equal(np.argsort(found, axis=0), np.argsort(h, axis=0))
    if output == "softmax":
        np.testing.assert_allclose(found, np.log(h / (1 - h)), rtol=1e-4)


def test_many_classes_take_no_more_room_than_their_logits():
    """Not n K^2 numbers: here 80 MB."""
    z = np.random.default_rng(0).normal(size=(250, 200)).astype(np.float32)
    tracemalloc.start()
    found = scores.rising(z, "softmax")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * found.nbytes
    rest = np.exp(z[:, [*range(7), *range(8, 200)]].astype(float)).sum(axis=1)
    np.testing.assert_allclose(found[:, 7], z[:, 7] - np.log(rest), rtol=1e-6)


def test_outputs_that_round_to_one_keep_their_order():
    """Three softmax outputs that are all 1 in float32: no ties."""
    z = np.array([[40.0, 0], [50, 0], [60, 0]], np.float32)
    assert (np.diff(scores.rising(z, "softmax")[:, 0]) > 5).all()


def test_one_output_tells_two_classes():
    """L5."""
    np.testing.assert_array_equal(scores.rising(np.array([[2.0]], np.float32), "sigmoid"), [[-2, 2]])
