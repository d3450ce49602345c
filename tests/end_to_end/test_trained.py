"""`nnjax predict` and `nnjax evaluate` on trained networks, as somebody at a terminal would run them."""

import csv
import io
import re

import numpy as np
import pytest
from PIL import Image

from nnjax.data.dataset import SplitSizes
from nnjax.data.mnist import bundled
from nnjax.inference import predictor


@pytest.fixture(scope="module")
def paper(digits, tmp_path_factory):
    """60 test digits, drawn 12 times as large on paper under a lamp; their rows, and the folder of photographs."""
    folder, generator = tmp_path_factory.mktemp("paper"), np.random.default_rng(0)
    rows = bundled.load(SplitSizes()).test.x[::17]
    for i, row in enumerate(rows):
        large = np.asarray(Image.fromarray(row).resize((336, 336), Image.Resampling.BICUBIC), float) / 255
        top, left = generator.integers(10, 120, 2)
        ink = np.pad(large, ((top, 130 - top), (left, 130 - left)))
        y, x = np.mgrid[: ink.shape[0], : ink.shape[1]] / len(ink)
        grey = (230 - 90 * x - 30 * y) * (1 - 0.75 * ink) + generator.normal(0, 4, ink.shape)
        Image.fromarray(grey.clip(0, 255).astype(np.uint8)).save(folder / f"{i:02}.jpg", quality=90)
    return rows, folder


def test_digits_on_paper_are_read_as_in_the_data(digits, paper, ask):
    """L38. The same classes as of the arrays themselves, in nine of ten at least."""
    rows, folder = paper
    found = ask(digits.folder, "predict", digits.run().info.run_id[:8], str(folder), "--csv")
    assert found.code == 0, found.err
    answers = [row["class"] for row in csv.DictReader(io.StringIO(found.out))]
    network = predictor.Predictor.load(digits.run_folder / "model.safetensors")
    assert np.mean([int(word) == k for word, k in zip(answers, network.classes(rows), strict=True)]) >= 0.9


def test_evaluate_repeats_the_test_of_the_run(digits, ask):
    """Without a word about data: the run's own. All classes have 100 digits: recall's mean is the accuracy."""
    run = digits.run()
    found = ask(digits.folder, "evaluate", run.info.run_id)
    assert found.code == 0, found.err
    shown = dict(re.findall(r"^(loss|accuracy) +([\d.]+)", found.out, re.MULTILINE))
    assert float(shown["loss"]) == pytest.approx(run.data.metrics["test/loss"], rel=1e-3)
    assert float(shown["accuracy"]) == pytest.approx(run.data.metrics["test/accuracy"], abs=1e-6)
    mean = found.out.splitlines()[-1].split()
    assert float(mean[3]) == pytest.approx(run.data.metrics["test/accuracy"], abs=1e-4)
    assert mean[-1] == "1000"


def test_evaluate_on_other_data_in_the_same_form(digits, xor, ask):
    folder = str(digits.run_folder)
    found = ask(xor.folder, "evaluate", folder, "data=mnist", "data.source=bundled", "--csv")
    assert found.code == 0, found.err
    rows = list(csv.DictReader(io.StringIO(found.out)))
    assert [row["class"] for row in rows] == [*map(str, range(10)), "macro mean"]
    assert {row["instances"] for row in rows[:-1]} == {"100"}
    assert all(0.9 < float(row["AUC"]) <= 1 for row in rows)


def test_data_that_do_not_fit_are_one_line_with_both_shapes(digits, ask):
    found = ask(digits.folder, "evaluate", digits.run().info.run_id, "data=boolean")
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert all(shape in found.err for shape in ("(784,)", "(2,)")), found.err


def test_a_run_that_is_not_there_is_one_line_with_the_latest(xor, ask):
    run = xor.run()
    found = ask(xor.folder, "predict", "0123456789", "x.npy")
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert run.info.run_id in found.err
