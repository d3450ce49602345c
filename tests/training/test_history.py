"""What is kept of the metrics by epoch."""

import numpy as np
import pytest

from nnjax.training.history import History

LANES, COLUMNS = 3, 2


def rows(epochs):
    """A row that says its epoch and its lane."""
    epochs = np.asarray(list(epochs))
    lanes = np.broadcast_to(np.arange(LANES)[:, None], (LANES, len(epochs)))
    return np.stack([np.broadcast_to(epochs, lanes.shape), lanes], axis=-1).astype(float)


def grown(most, total, chunk, best=(2, 5, 7)):
    history = History(rows([0])[:, 0], most)
    for first in range(1, total + 1, chunk):
        last = min(first + chunk - 1, total)
        at_best = np.minimum(best, last)
        history.add(first, rows(range(first, last + 1)), at_best, np.full(LANES, last))
    return history


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_all_epochs_stay(chunk):
    epochs, table = grown(None, 100, chunk).table()
    np.testing.assert_array_equal(epochs, np.arange(101))
    np.testing.assert_array_equal(table, rows(range(101)))


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("total", [9, 40, 1234, pytest.param(10_000, marks=pytest.mark.ci)])
def test_some_evenly_spaced_epochs_stay_and_the_newest(chunk, total):
    history = grown(10, total, chunk)
    epochs, table = history.table()
    assert len(epochs) <= 21 and (total < 20 or len(epochs) > 10)
    assert (epochs[0], epochs[-1]) == (0, total)
    assert len(set(np.diff(epochs)[:-1])) == 1
    np.testing.assert_array_equal(table, rows(epochs))


@pytest.mark.parametrize("most", [None, 3])
def test_the_best_and_the_last_rows_of_each_lane_stay(most):
    history = grown(most, 50, 4)
    np.testing.assert_array_equal(history.best[:, 0], [2, 5, 7])
    np.testing.assert_array_equal(history.last[:, 0], [50, 50, 50])


@pytest.mark.parametrize("most", [None, 5])
def test_saved_and_restored_it_grows_to_the_same(most):
    whole, half = grown(most, 333, 10), grown(most, 170, 10)
    again = grown(most, 0, 10).restored(half.saved())
    for first in range(171, 334, 10):
        last = min(first + 9, 333)
        again.add(first, rows(range(first, last + 1)), np.array([2, 5, 7]), np.full(LANES, last))
    for name, array in whole.saved().items():
        np.testing.assert_array_equal(again.saved()[name], array, err_msg=name)
