"""The arithmetic of comparing, and sides in processes of their own."""

import gzip

import numpy as np
import pytest

from experiments.benchmarks import mnist, report, time_to_accuracy
from experiments.benchmarks.peers import COPIES, OURS, PEERS, PRODUCTS, Peer
from experiments.benchmarks.peers.limits import moved, operations, parameters, shapes
from experiments.benchmarks.process import Process, SideError
from experiments.benchmarks.side_by_side import Result, fastest, measure, share, times_ours
from experiments.benchmarks.works import WORKS, Work, data, floats, initial, loss

TINY = Work("mlp", (784, 4, 10), "relu", 8, 0.1, 32, 1, 16, 2)
MACHINE_SLOWS = np.array([1.0, 1.0, 2.0, 4.0, 4.0])  # as the clock of a busy machine does, for all sides alike
RESULT = Result(
    {
        OURS: 1e-3 * MACHINE_SLOWS,
        "NumPy by hand": 1.5e-3 * MACHINE_SLOWS,
        PRODUCTS: 0.9e-3 * MACHINE_SLOWS,
        COPIES: 1e-4 * MACHINE_SLOWS,
    },
    {"NumPy by hand": 1},
    {OURS: 0.5},
    {"Equinox": "equinox is not installed"},
)


pytestmark = pytest.mark.ci


def test_ratios_are_taken_round_by_round_so_that_a_slower_machine_changes_none():
    np.testing.assert_allclose(times_ours(RESULT, "NumPy by hand"), [1.5, 1.5, 1.5])
    np.testing.assert_allclose(share(RESULT), [0.9, 0.9, 0.9])


def test_the_share_is_of_what_takes_longest_alone():
    slow_memory = RESULT._replace(seconds={**RESULT.seconds, COPIES: 2e-3 * MACHINE_SLOWS})
    np.testing.assert_allclose(share(slow_memory), [2, 2, 2])


def test_a_side_stands_with_its_better_number_of_threads():
    found = fastest({("a", 1): np.array([3.0, 1, 2]), ("a", None): np.array([1.0, 9, 9]), ("b", None): np.array([5.0])})
    assert {name: threads for name, (threads, _) in found.items()} == {"a": 1, "b": None}


def test_the_table_has_every_peer_and_says_who_is_absent():
    lines = report.comparison({"mlp": RESULT}).splitlines()
    cells = {row[0].strip(): row[1].strip() for row in (line.strip("|").split("|") for line in lines)}
    assert set(PEERS) - {OURS} <= set(cells)
    assert cells["nnjax: an epoch"] == "0.938 s"  # 469 updates of 2 ms
    assert cells["NumPy by hand"] == "1.50 (1.50 to 1.50), 1 thread"
    assert cells["Equinox"] == "absent: equinox is not installed"
    assert len({len(line) for line in lines}) == 1


def test_durations_have_the_unit_that_suits_them():
    found = [report.duration(seconds) for seconds in (12.34, 0.4, 0.0519, 2.7e-6)]
    assert found == ["12.3 s", "0.4 s", "51.9 ms", "2.7 us"]


def test_ratios_have_three_digits_and_no_power_of_ten():
    assert [report.ratio(value) for value in (0.9, 1.424, 35.71, 357.4, 1284.0)] == [
        "0.90",
        "1.42",
        "35.7",
        "357",
        "1,284",
    ]


def test_lenet5_has_61706_parameters_in_the_roofline_too():
    """L16, counted by its products' shapes."""
    assert parameters(WORKS["lenet5"]) == 61_706
    assert parameters(WORKS["mlp"]) == sum(Theta.size + b.size for Theta, b in initial(WORKS["mlp"]))


def test_operations_are_those_of_the_products():
    """z = a Theta^T (L2), delta^T a (L27), and delta Theta (L26) but for the first layer."""
    work = WORKS["mlp_small"]
    assert shapes(work) == [(10, 784, 30), (10, 30, 10)]
    assert operations(work) == 2 * 10 * (2 * 784 * 30 + 3 * 30 * 10)
    assert moved(work, 784) == 10 * 784 + 8 * (784 * 30 + 30 + 30 * 10 + 10)


def test_loss_of_zero_weights_is_that_of_guessing():
    """log K for K classes (L23), log 2 for two (L21)."""
    for name, classes in (("softmax_sgd", 10), ("xor", 2)):
        work = WORKS[name]._replace(rows=20)
        x, y = data(work, None)
        zeros = [(0 * Theta, b) for Theta, b in initial(work)]
        assert loss(work, zeros, floats(x), y) == pytest.approx(np.log(classes))


def test_measures_in_processes_and_names_what_is_absent():
    """NumPy trains the short turn, 2 epochs of 2 updates; one side is missing, one fails."""
    peers = {
        "NumPy": PEERS["NumPy by hand"]._replace(threads=(1,)),
        "gone": Peer("with_gone", "no_such_package"),
        "broken": Peer("with_broken", "numpy"),
        "another's": Peer("with_numpy", "numpy", models=("lenet5",)),
    }
    result = measure(TINY, 3, None, peers)
    assert result.seconds["NumPy"].shape == (3,)
    assert 0 < result.losses["NumPy"] < 10
    assert set(result.absent) == {"gone", "broken"}
    assert "with_broken" in result.absent["broken"]


def test_a_side_that_ends_is_an_error_of_one_line():
    with Process(PEERS["NumPy by hand"], TINY, None) as side:
        side.process.kill()
        side.process.wait()
        with pytest.raises(SideError):
            side.ask("turn")


def test_accuracy_is_read_from_a_script_and_from_our_summary():
    assert time_to_accuracy.accuracy("PyTorch", "0.9812\n", "test") == 0.9812
    ours = "result  train/loss 0.01, test/loss 0.06, test/accuracy 0.9803\nstopped  epoch limit"
    assert time_to_accuracy.accuracy(OURS, ours, "test") == 0.9803


def test_every_side_is_told_what_accuracy_is_taken_of():
    for side in time_to_accuracy.EPOCHS:
        test, validation = (time_to_accuracy.words(side, "folder", part, 3, 1) for part in ("test", "validation"))
        assert test != validation
        assert any("folder" in word for word in test)


def test_digits_are_read_and_held_out_as_nnjax_does(tmp_path, monkeypatch):
    """The idx format: a header of 16 bytes before images, of 8 before labels; image i is white by i parts of 255."""
    for part, n in (("train", 20), ("t10k", 3)):
        images = np.repeat(np.arange(n, dtype=np.uint8), 784)
        for name, header, values in (
            ("images-idx3", 16, images),
            ("labels-idx1", 8, np.arange(n, dtype=np.uint8) % 10),
        ):
            (tmp_path / f"{part}-{name}-ubyte.gz").write_bytes(gzip.compress(bytes(header) + values.tobytes()))
    monkeypatch.setattr(mnist, "HELD_OUT", 4)
    for part, rows, held_out in (("test", 20, 3), ("validation", 16, 4)):
        x, y, held_out_x, held_out_y = mnist.inputs(tmp_path, part)
        assert (x.shape, held_out_x.shape) == ((rows, 784), (held_out, 784))
        np.testing.assert_array_equal(np.rint(x[:, 0] * 255) % 10, y)
        np.testing.assert_array_equal(np.rint(held_out_x[:, 783] * 255) % 10, held_out_y)
    assert {*np.rint(x[:, 0] * 255)} | {*np.rint(held_out_x[:, 0] * 255)} == set(range(20))
