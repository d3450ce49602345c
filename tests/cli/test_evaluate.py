"""`nnjax evaluate`: networks by hand on truth tables, and data that don't fit."""

import argparse
import csv
import dataclasses
import io
import math

import numpy as np
import pytest

from nnjax.cli import evaluate
from nnjax.data.boolean.source import boolean
from nnjax.errors import InputError
from nnjax.inference import predictor
from nnjax.inference.predictor import Predictor
from nnjax.inference.scores import Score
from nnjax.network.losses import LOSSES
from nnjax.runs import evaluation_data
from tests.inference.test_predictor import by_hand, metadata


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


@pytest.mark.parametrize(
    ("own", "word", "source"),
    [
        ({"expression": "x1 & x2"}, 'data.table="0110"', "truth table"),
        ({"function": "parity", "inputs": 2}, 'data.expression="x1 ^ x2"', "truth table of x1 ^ x2"),
        ({"table": "0001"}, "data.function=xor", "truth table of xor"),
        ({"function": "and"}, "data.table=null", "truth table of and"),
    ],
)
def test_another_function_takes_the_place_of_the_runs_own(scored, tmp_path, own, word, source):
    (tmp_path / "config.yaml").write_text(f"data: {own | {'name': 'boolean'}}\nloss: {{name: log_loss}}\n")
    assert f"for the test, from {source}\n" in scored(word)


def test_the_same_classes_in_another_order_keep_their_names(scored):
    data = boolean(table="0001")
    other = dataclasses.replace(data, classes=("1", "0"), test=data.test._replace(y=1 - data.test.y))
    network = Predictor([by_hand([-30, 20, 20])], metadata([2]))
    np.testing.assert_array_equal(evaluation_data.fitted(network, other).y, data.test.y)


def test_other_classes_are_one_line_with_both():
    data = boolean(table="0110")
    ten = Predictor(
        [(np.zeros((10, 2), np.float32), np.zeros(10, np.float32))], metadata([2], classes=list("0123456789"))
    )
    with pytest.raises(InputError, match=r"10 classes \(0, 1, 2, \.\.\.\) apart, these data have 2 classes \(0, 1\)"):
        evaluation_data.fitted(ten, data)
    two = Predictor(ten.params, metadata([2]))
    with pytest.raises(InputError, match=r"2 classes \(0, 1\) apart, these data have 2 classes \(no, yes\)"):
        evaluation_data.fitted(two, dataclasses.replace(data, classes=("no", "yes")))


@pytest.fixture
def line(scored, tmp_path, monkeypatch):
    """A regression by hand, weight = 75 + 10 height + 20 age, trained on people.csv, and three other people."""
    about = {**metadata([2], "identity"), "classes": [], "features": ["height", "age"]}
    target = {"name": "weight", "mean": 70.0, "deviation": 10.0}
    predictor.save("and.safetensors", [by_hand([0.5, 1, 2])], {**about, "target": target})
    data = {"path": "people.csv", "target": "weight", "seed": 0, "test_size": 0.5, "validation_size": 0, "task": "auto"}
    (tmp_path / "config.yaml").write_text(f"data: {data | {'name': 'file'}}\nloss: {{name: squared_error}}\n")
    people = [f"{h},{a},{75 + 10 * h + 20 * a + (-1) ** h}" for h in range(4) for a in range(2)]
    (tmp_path / "people.csv").write_text("\n".join(["height,age,weight", *people, ""]))
    (tmp_path / "others.csv").write_text("weight,age,name,height\n80,0,1,0\n100,1,1,0\n100,0,1,2\n")
    return scored


def numbers(printed):
    return {row["metric"]: row["value"] for row in csv.DictReader(io.StringIO(printed))}


def test_a_regression_on_its_own_test_has_rmse_and_r2(line):
    """L8: each of the four test rows is 1 off."""
    printed = line()
    assert "people: 4 for the test, from people.csv" in printed
    assert "accuracy" not in printed
    assert numbers(line("--csv"))["rmse"] == "1"


def test_another_file_is_tested_as_a_whole_its_columns_by_name(line):
    """Errors 5, 5 and 5 - 10 x 0 ...: h is 75, 95, 95 where 80, 100, 100 is true."""
    values = numbers(line("data.path=others.csv", "--csv"))
    assert values["rmse"] == "5"
    assert float(values["r2"]) == pytest.approx(1 - 75 / (2 * 400 / 3), rel=1e-3)
    assert "others: 3 for the test" in line("data.path=others.csv")
    assert numbers(line("data=file", "data.path=others.csv", "--csv")) == values, "the run's own target"
    assert "others: 1 for the test" in line("data.path=others.csv", "data.test_size=1")


def test_a_single_row_has_no_r2(line, tmp_path):
    (tmp_path / "one.csv").write_text("height,age,weight\n1,1,100\n")
    assert numbers(line("data.path=one.csv", "--csv")) == {"rmse": "5", "r2": "-"}


def test_a_path_from_another_folder_says_which(line, tmp_path):
    (tmp_path / "people.csv").unlink()
    with pytest.raises(InputError, match=r"^data.path=people.csv: no such file from here.*the training was started in"):
        line()


def test_another_cut_of_the_runs_own_file_says_so(line):
    assert "beware" not in line()
    assert "another data.seed than in training: the network has seen some" in line("data.seed=1")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data.target=age"], "has no column age: the network takes height, age; there are height, weight"),
        (["data=boolean"], r"the network predicts a number, these data have 2 classes \(0, 1\)"),
        (["data.task=classification"], r"the network predicts a number, these data have \d classes"),
        (["data.path=none.csv"], "data.path=none.csv: no such file"),
    ],
)
def test_a_regressions_mistake_is_one_line(line, words, message):
    with pytest.raises(InputError, match=message) as raised:
        line(*words)
    assert "\n" not in str(raised.value)


def test_a_file_may_have_some_of_the_classes(scored, tmp_path):
    """The network's third class is the file's second; one class alone is enough to be asked about."""
    about = metadata([1], "softmax", classes=["a", "b", "c"])
    predictor.save("and.safetensors", [(np.array([[-1.0], [0], [1]]), np.zeros(3))], about)
    (tmp_path / "t.csv").write_text("x,y\n-1,a\n1,c\n2,c\n3,a\n")
    found = list(csv.DictReader(io.StringIO(scored("data=file", "data.path=t.csv", "--csv"))))
    assert [row["instances"] for row in found] == ["2", "0", "2", "4"]
    assert [row["recall"] for row in found[:3]] == ["0.5000", "-", "1.0000"]
    (tmp_path / "t.csv").write_text("x,y\n1,c\n")
    assert "accuracy  1" in scored("data=file", "data.path=t.csv")
    (tmp_path / "t.csv").write_text("x,y\n1,d\n")
    with pytest.raises(InputError, match=r"tells 3 classes \(a, b, c\) apart, these data have 1 classes \(d\)"):
        scored("data=file", "data.path=t.csv")


def test_a_network_without_settings_has_a_loss_of_its_output():
    assert {output: LOSSES[name].activation for output, name in evaluate.LOSSES.items()} == {
        output: output for output in predictor.OUTPUTS
    }


def test_what_is_not_defined_is_a_dash():
    nothing = Score(math.nan, 0.5, math.nan, 3)
    assert evaluate.table(["a"], [nothing], nothing)[1] == ["a", "-", "0.5000", "-", "3"]
