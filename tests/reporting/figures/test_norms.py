"""Each layer's norm is its own line, and the legend says which."""

import numpy as np
import pytest

from nnjax.reporting.figures.norms import norms

NAN = float("nan")


pytestmark = pytest.mark.ci


def lines(axes):
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.get_lines()}


def history(layers, epochs=3):
    """Parameters of norm 1, 2, ... by layer, growing; gradients shrinking, none of epoch 0."""
    grown, shrunk = np.arange(1.0, epochs + 2), np.r_[NAN, np.linspace(1, 0.5, epochs)]
    found = {f"parameters/norm/{i}": i * grown for i in range(1, layers + 1)}
    found |= {f"gradient/norm/{i}": i * shrunk for i in range(1, layers + 1)}
    return found | {"parameters/norm": 9 * grown, "gradient/norm": 9 * shrunk, "train/loss": grown}


def test_a_line_a_layer_and_one_of_all_in_the_layers_order(drawn, legend):
    figure = drawn(norms(history(2), ["layer 1: 2 x 2", "layer 2: 1 x 2"]))
    parameters, gradient = figure.axes
    assert lines(parameters) == {
        "all layers": ([0, 1, 2, 3], [9, 18, 27, 36]),
        "layer 1: 2 x 2": ([0, 1, 2, 3], [1, 2, 3, 4]),
        "layer 2: 1 x 2": ([0, 1, 2, 3], [2, 4, 6, 8]),
    }
    assert lines(gradient)["layer 2: 1 x 2"] == ([1, 2, 3], [2, 1.5, 1])
    assert legend(figure) == ["all layers", "layer 1: 2 x 2", "layer 2: 1 x 2"]
    assert parameters.get_ylabel() == "2-norm of Theta and b"
    assert gradient.get_ylabel() == "2-norm of dJ/dTheta and dJ/db"


def test_layers_are_told_apart_without_their_colours():
    axes = norms(history(4), [f"layer {i}" for i in range(1, 5)]).axes[0]
    _, *each = axes.get_lines()
    assert len({line.get_linestyle() for line in each}) == 4
    light = [np.dot(line.get_color()[:3], [0.299, 0.587, 0.114]) for line in each]
    assert (np.diff(light) > 0.08).all()


@pytest.mark.parametrize(("layers", "epochs"), [(1, 1), (5, 2000), (20, 30)])
def test_any_number_of_layers_and_epochs_fits(drawn, layers, epochs):
    drawn(norms(history(layers, epochs), [f"layer {i}: 1024 x 1024" for i in range(1, layers + 1)]))


@pytest.mark.parametrize(("layers", "label"), [(["layer 1: 3 x 2"], "layer 1: 3 x 2"), (["a", "b"], "all layers")])
def test_a_history_without_layers_has_one_line(drawn, legend, layers, label):
    """The history of one layer, or of a run recorded before layers had norms."""
    whole = {name: values for name, values in history(0).items() if name.endswith("norm")}
    figure = drawn(norms(whole, layers))
    assert [len(axes.get_lines()) for axes in figure.axes] == [1, 1]
    assert legend(figure) == [label]


def test_what_was_not_measured_is_left_out(drawn):
    nothing = {name: np.full(4, NAN) for name in history(2)}
    assert "none is finite" in drawn(norms(nothing, ["layer 1", "layer 2"])).texts[0].get_text()
    untrained = {name: values[:1] for name, values in history(2).items()}
    assert [len(axes.get_lines()) for axes in drawn(norms(untrained, ["layer 1", "layer 2"])).axes] == [3, 0]
