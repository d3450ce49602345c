"""From settings and data to sizes: batches and units."""

from types import SimpleNamespace

import numpy as np
import pytest

from nnjax.data.boolean.source import boolean
from nnjax.data.dataset import Preprocessing, Split
from nnjax.data.table.source import file
from nnjax.reporting import summary
from nnjax.runs import build
from tests.config.test_schema import read


@pytest.fixture(params=["boolean", "file"])
def data(request, tmp_path):
    """Eight training rows of three inputs, of any source."""
    if request.param == "boolean":
        return boolean(function="parity", inputs=3)
    np.savez(tmp_path / "rows.npz", x=np.random.default_rng(0).normal(size=(10, 3)), y=np.tile(["a", "b"], 5))
    return file(str(tmp_path / "rows.npz"))


@pytest.mark.parametrize(("asked", "used"), [("full", 8), (128, 8), (9, 8), (8, 8), (3, 3)])
def test_a_batch_has_at_most_all_rows_whatever_the_data(data, asked, used):
    """L34, L36; and it is said where that is not what was asked for."""
    config = read("data=boolean", f"training.batch_size={asked}")
    assert build.batch_size(config, len(data.train.y)) == used
    said = summary.describe_batch(config, data)
    assert said == ("" if asked in ("full", used) else f"all 8 instances, since training.batch_size={asked} is more")


def test_limited_batches_of_few_rows_are_all_rows(data):
    config = read("data=boolean", "training.batch_size=128", "training.limit_batches=2")
    assert len(build.limited(config, data).train.y) == 8


def test_memory_and_work_of_a_network_are_those_of_its_layers():
    """Maps share their weights: LeNet-5 has 61,706 numbers, and multiplies 416,520 times (L16)."""
    rows = np.zeros((300, 784), np.uint8)
    data = SimpleNamespace(
        preprocessing=Preprocessing(1 / 255, 0.0, (784,)), task="multiclass", classes=("a",) * 10, target=None
    )
    for part in ("train", "validation", "test"):
        setattr(data, part, Split(rows, np.zeros(300, np.int32)))
    lenet5 = read("model=lenet5", "training.batch_size=100")
    assert build.units(lenet5, data) == (784, 6, 16, 120, 84, 10)
    assert build.parameters(lenet5, data) == 61_706
    kept = 300 * 4 * (2 * 6 * 28**2 + 36 * 14**2)  # of 300 test rows: z and a of the first maps, and their windows
    assert kept < build.memory([lenet5], data) < 4 * kept
    assert build.plan([lenet5] * 2, 2, data).layout.width == 1


def test_units_are_those_of_the_network(data):
    """L3, L5, L7."""
    assert build.units(read("data=boolean", "loss=log_loss", "model.hidden=[4,2]"), data) == (3, 4, 2, 1)
    assert build.units(read("data=boolean", "model=softmax"), data) == (3, 2)
