"""`nnjax evaluate`: networks by hand on truth tables, and data that don't fit."""

import argparse
import csv
import dataclasses
import io
import math

import numpy as np
import pytest

from nnjax import predictor
from nnjax.commands import evaluate
from nnjax.data.boolean import boolean
from nnjax.errors import InputError
from nnjax.network.losses import LOSSES
from nnjax.predictor import Predictor
from nnjax.scores import Score
from tests.test_predictor import by_hand, metadata


@pytest.fixture
def scored(tmp_path, monkeypatch, capsys):
    """scored(words...): what is printed in a folder with the lecture's AND (L10)."""
    monkeypatch.chdir(tmp_path)
    predictor.save("and.safetensors", [by_hand([-30, 20, 20])], metadata([2]))

    def printed(*words):
        parser = argparse.ArgumentParser()
        evaluate.arguments(parser)
        evaluate.run(parser.parse_args(["and.safetensors", *words]))
        return capsys.readouterr().out

    return printed


def test_and_by_hand_on_its_own_table(scored):
    """L10: right in all rows; the mean of log(1 + e^-30), log(1 + e^-10) twice, and log(1 + e^-10) again (L21)."""
    lines = scored("data=boolean", 'data.table="0001"').splitlines()
    assert "accuracy  1" in lines
    (loss,) = [line for line in lines if line.startswith("loss")]
    expected = (math.log1p(math.exp(-30)) + 3 * math.log1p(math.exp(-10))) / 4
    assert float(loss.split()[1]) == pytest.approx(expected, rel=1e-2)  # float32: log(1 + e^10) - 10
    assert loss.endswith("(log_loss)")


def test_and_by_hand_on_the_table_of_xor(scored):
    """L12: h orders the rows 00, then 01 and 10 alike, then 11; of XOR's pairs two are in order and two are not."""
    found = list(csv.DictReader(io.StringIO(scored("data=boolean", 'data.table="0110"', "--csv"))))
    one = found[1]
    assert (one["class"], one["precision"], one["recall"], one["AUC"]) == ("1", "0.0000", "0.0000", "0.5000")
    assert found[0]["precision"] == "0.3333"
    assert found[2]["class"] == "macro mean"
    assert found[2]["instances"] == "4"


def test_a_class_that_never_occurs_is_a_dash(scored):
    found = list(csv.DictReader(io.StringIO(scored("data=boolean", 'data.table="0000"', "--csv"))))
    assert list(found[1].values()) == ["1", "-", "-", "-", "0"]
    assert found[0]["recall"] == "0.7500"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], "nothing says which data it was trained on"),
        (["training.epochs=3"], r"training\.epochs=3: the network is trained: only its data can be chosen"),
        (["data=boolean", 'data.table="01101001"'], r"takes inputs of the shape \(2,\), these have \(3,\)"),
        (["data=boolean", "+data.tabel=1"], "did you mean table"),
    ],
)
def test_a_mistake_is_one_line(scored, words, line):
    with pytest.raises(InputError, match=line) as raised:
        scored(*words)
    assert "\n" not in str(raised.value)


def test_other_classes_are_one_line_with_both():
    data = boolean(table="0110")
    ten = Predictor(
        [(np.zeros((10, 2), np.float32), np.zeros(10, np.float32))], metadata([2], classes=list("0123456789"))
    )
    with pytest.raises(InputError, match=r"10 classes \(0, 1, 2, \.\.\.\) apart, these data have 2 classes \(0, 1\)"):
        evaluate.check_fit(ten, data)
    two = Predictor(ten.params, metadata([2]))
    with pytest.raises(InputError, match=r"2 classes \(0, 1\) apart, these data have 2 classes \(no, yes\)"):
        evaluate.check_fit(two, dataclasses.replace(data, classes=("no", "yes")))


def test_a_network_without_settings_has_a_loss_of_its_output():
    assert {output: LOSSES[name].activation for output, name in evaluate.LOSSES.items()} == {
        output: output for output in predictor.OUTPUTS
    }


def test_what_is_not_defined_is_a_dash():
    nothing = Score(math.nan, 0.5, math.nan, 3)
    assert evaluate.table(["a"], [nothing], nothing)[1] == ["a", "-", "0.5000", "-", "3"]
