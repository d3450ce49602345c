"""`nnjax predict`: networks by hand or at random, asked through the command's own functions."""

import argparse
import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nnjax.cli import predict
from nnjax.cli.table import MAX_ROWS
from nnjax.errors import InputError
from nnjax.inference import predictor
from tests.inference.test_predictor import BOOLEAN, by_hand, digits_network, metadata

PATH = {"PYTHONPATH": str(Path(__file__).parents[2])}


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """ask(words...): what is printed, beside XNOR by hand, two networks of digits, a regression, and inputs."""
    monkeypatch.chdir(tmp_path)
    layers = [by_hand([-30, 20, 20], [10, -20, -20]), by_hand([-10, 20, 20])]
    predictor.save("xnor.safetensors", layers, metadata([2]))
    for name, output in (("softmax", "softmax"), ("rest", "sigmoid")):
        params, about = digits_network(np.random.default_rng(1), output=output)
        names = [f"digit {k}" for k in range(len(params[-1][1]))]
        predictor.save(f"{name}.safetensors", params, {**about, "classes": names})
    line = {**metadata([2], "identity"), "classes": [], "features": ["height", "age"]}
    target = {"name": "weight", "mean": 70.0, "deviation": 10.0}
    predictor.save("line.safetensors", [by_hand([0.5, 1, 2])], {**line, "target": target})
    digits = np.zeros((3, 28, 28), np.uint8)
    digits[0, 4:24, 13:15], digits[1, 6:20, 6:20], digits[2, 10:18, 4:24] = 255, 200, 255
    np.save("digits.npy", digits)
    np.save("bits.npy", BOOLEAN)
    Image.fromarray(digits[0]).save("one.png")

    def printed(*words):
        parser = argparse.ArgumentParser()
        predict.arguments(parser)
        predict.run(parser.parse_args(list(words)))
        return capsys.readouterr().out

    def parsed(*words):
        return list(csv.DictReader(io.StringIO(printed(*words, "--csv"))))

    parsed.printed, parsed.digits = printed, digits
    return parsed


def test_the_three_likeliest_classes_with_their_probabilities(ask):
    """L38: argmax; L7: softmax."""
    h = predictor.Predictor.load("softmax.safetensors").probabilities(ask.digits)
    found = ask("softmax.safetensors", "digits.npy")
    assert [row["input"] for row in found] == ["0", "1", "2"]
    for row, values in zip(found, h, strict=True):
        best = np.argsort(-values)
        for name, k in zip(("class", "second", "third"), best[:3], strict=True):
            assert row[name] == f"digit {k}"
            assert float(row["probability" if name == "class" else f"{name} probability"]) == pytest.approx(
                values[k], abs=5e-5
            )


def test_outputs_of_one_vs_rest_are_not_called_probabilities(ask):
    """L6: they need not sum to 1."""
    (row, *_) = ask("rest.safetensors", "digits.npy")
    assert list(row) == ["input", "class", "h", "second", "second h", "third", "third h"]
    assert float(row["h"]) >= float(row["second h"]) >= float(row["third h"])


def test_boolean_functions_show_inputs_and_h(ask):
    """L12: XNOR."""
    found = ask("xnor.safetensors", "bits.npy")
    assert [(row["x1"], row["x2"], row["class"]) for row in found] == [
        ("0", "0", "1"),
        ("0", "1", "0"),
        ("1", "0", "0"),
        ("1", "1", "1"),
    ]
    assert float(found[0]["h"]) == pytest.approx(1 / (1 + np.exp(-10)), rel=1e-3)


def test_a_regression_predicts_its_target_by_name(ask):
    """L8."""
    found = ask("line.safetensors", "bits.npy")
    assert list(found[0]) == ["input", "height", "age", "weight"]
    assert [float(row["weight"]) for row in found] == [75, 95, 85, 105]


def test_a_table_is_answered_by_line(ask, tmp_path):
    """L8: the columns in the network's order, whatever the file's."""
    (tmp_path / "people.csv").write_text("age,name,height\n0,a,1\n1,b,0\n")
    found = ask("line.safetensors", "people.csv")
    assert [(row["input"], row["height"], row["age"]) for row in found] == [("line 2", "1", "0"), ("line 3", "0", "1")]
    assert [float(row["weight"]) for row in found] == [85, 95]


def test_good_pictures_are_answered_and_bad_ones_named(ask, tmp_path, capsys):
    (tmp_path / "folder").mkdir()
    Image.fromarray(ask.digits[0]).save("folder/b.png")
    for name in ("a.png", "c.png"):
        (tmp_path / "folder" / name).write_text("no picture")
    with pytest.raises(InputError, match=r"^folder/a\.png: no picture .*; folder/c\.png: no picture") as raised:
        ask("softmax.safetensors", "folder")
    assert "\n" not in str(raised.value)
    assert capsys.readouterr().out.splitlines()[1].startswith("b.png,digit ")


def test_a_long_table_is_cut_and_says_so(ask):
    np.save("many.npy", np.repeat(ask.digits, 20, axis=0))
    lines = ask.printed("softmax.safetensors", "many.npy").splitlines()
    assert len(lines) == 1 + MAX_ROWS + 1
    assert lines[-1] == "... and 10 more: --csv prints all"
    assert len(ask("softmax.safetensors", "many.npy")) == 60


def test_a_single_picture_is_drawn_in_blocks(ask):
    """What the network saw: a bar of 20 x 2 pixels, two lines of them in a line of blocks."""
    lines = ask.printed("softmax.safetensors", "one.png").splitlines()
    assert len(lines) == 2 + 14
    assert [line.strip() for line in lines[2:]] == ["", ""] + ["██"] * 10 + ["", ""]
    assert "█" not in ask.printed("softmax.safetensors", "digits.npy")


def test_half_lines_are_half_blocks():
    assert predict.draw_blocks(np.array([[0, 1, 0, 1], [0, 0, 1, 1], [1, 0, 0, 0.0]])) == " ▀▄█\n▀"


def test_what_the_network_saw_is_written_only_where_asked(ask, tmp_path):
    before = sorted(tmp_path.iterdir())
    ask.printed("softmax.safetensors", "digits.npy")
    assert sorted(tmp_path.iterdir()) == before
    ask.printed("softmax.safetensors", "digits.npy", "--show=seen.png")
    with Image.open("seen.png") as picture:
        assert picture.size[0] > 300


def test_it_is_numpy_alone(ask):
    """Neither jax nor mlflow is imported for a network's file."""
    code = "import sys, runpy; sys.argv = ['nnjax', 'predict', 'softmax.safetensors', 'one.png']; "
    code += "runpy.run_module('nnjax', run_name='__main__'); print({'jax', 'mlflow', 'matplotlib'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], env=os.environ | PATH, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "set()", done.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["xnor.safetensors", "digits.npy"], r"takes \(n, 2\) or \(2,\), got \(3, 28, 28\)"),
        (["softmax.safetensors", "bits.npy"], r"takes \(n, 28, 28\) or \(28, 28\), got \(4, 2\)"),
        (
            ["softmax.safetensors", "digits.npy", "--show=seen"],
            r"--show=seen is not an image's name\. Allowed: .*\.png",
        ),
        (["xnor.safetensors", "bits.npy", "--show=x.png"], r"--show=x\.png needs a network of images"),
        (["bits.npy", "digits.npy"], r"bits\.npy is not a predictor of nnjax"),
        (["missing.safetensors", "digits.npy"], r"missing\.safetensors: no such file or folder"),
        (["xnor.safetensors:1", "bits.npy"], "the file holds one network"),
        ([".", "bits.npy"], "no trained network in this folder"),
        (["0123456789abcdef", "bits.npy"], "nothing was recorded in this folder"),
    ],
)
def test_a_mistake_is_one_line(ask, words, line):
    with pytest.raises(InputError, match=line) as raised:
        ask(*words)
    assert "\n" not in str(raised.value)
