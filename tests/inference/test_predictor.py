"""The NumPy predictor: the lecture's networks by hand, references in float64, and damaged files."""

import ast
import json
import pickle
import struct
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from nnjax.inference import predictor
from nnjax.inference.predictor import Predictor

BOOLEAN = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)


def metadata(shape, output="sigmoid", activation="sigmoid", **more):
    return {
        "model": {"name": "mlp", "activation": activation},
        "output": output,
        "preprocessing": {"scale": 1.0, "shift": 0.0, "shape": list(shape)},
        "classes": ["0", "1"],
        **more,
    }


def by_hand(*rows):
    """Return a layer from the lecture's rows (bias, weights...) (L11)."""
    table = np.array(rows, np.float32)
    return table[:, 1:], table[:, 0]


def digits_network(generator, activation="relu", output="softmax"):
    params = [(generator.normal(size=(n, m)) / 8, generator.normal(size=n)) for n, m in ((30, 784), (20, 30), (10, 20))]
    about = metadata([784], output, activation, classes=list("0123456789"))
    about["preprocessing"]["scale"] = 1 / 255
    return [(Theta.astype(np.float32), b.astype(np.float32)) for Theta, b in params], about


def lenet5(pooling="average"):
    """Return random layers of LeNet-5, and its metadata."""
    generator = np.random.default_rng(5)
    shapes = [(6, 1, 5, 5), (16, 6, 5, 5), (120, 400), (84, 120), (10, 84)]
    params = [
        ((generator.normal(size=shape) * np.prod(shape[1:]) ** -0.5).astype(np.float32), np.full(shape[0], 0.1, "f"))
        for shape in shapes
    ]
    about = metadata([784], "softmax", "tanh", classes=list("0123456789"))
    about["model"] = {"name": "lenet5", "activation": "tanh", "pooling": pooling}
    return params, about


@pytest.mark.parametrize("pooling", predictor.POOLINGS)
def test_lenet5_is_the_sums_over_its_windows(tmp_path, pooling):
    """L16: float64 loops over the kernel, through a file, one instance more than are convolved at once."""
    params, about = lenet5(pooling)
    predictor.save(tmp_path / "lenet5.safetensors", params, about)
    raw = np.random.default_rng(6).normal(size=(predictor.BLOCK + 1, 28, 28))
    result = Predictor.load(tmp_path / "lenet5.safetensors").logits(raw)
    assert result.shape == (predictor.BLOCK + 1, 10)
    rows = [0, predictor.BLOCK]
    a = raw[rows, None]
    for (Theta, b), zeros in zip(params, (2, 0), strict=False):
        a = np.pad(a, ((0, 0), (0, 0), (zeros, zeros), (zeros, zeros)))
        side = a.shape[-1] - 4
        z = b[:, None, None] + sum(
            np.einsum("mk,nkrc->nmrc", Theta[:, :, i, j].astype(float), a[:, :, i : i + side, j : j + side])
            for i in range(5)
            for j in range(5)
        )
        quarters = np.stack([np.tanh(z)[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)])
        a = quarters.mean(0) if pooling == "average" else quarters.max(0)
    a = a.reshape(2, 400)
    for Theta, b in params[2:-1]:
        a = np.tanh(a @ Theta.T.astype(float) + b)
    np.testing.assert_allclose(result[rows], a @ params[-1][0].T + params[-1][1], rtol=1e-4, atol=1e-5)


def test_lenet5_yields_each_layer():
    params, about = lenet5()
    network, raw = Predictor(params, about), np.random.default_rng(0).normal(size=(3, 784))
    *layers, z = network.layers(network.preprocess(raw))
    maps = [(3, 6, 28, 28), (3, 6, 14, 14), (3, 16, 10, 10), (3, 16, 5, 5)]
    assert [layer.shape for layer in layers] == [*maps, (3, 120), (3, 84)]
    np.testing.assert_array_equal(z, network.logits(raw))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p, m: m["model"].update(pooling="mean"), "pooling='mean' is not an option. Allowed: average, max."),
        (
            lambda p, m: p.__setitem__(0, (p[0][0][:, :, :4], p[0][1])),
            r"layer 0 has .*Allowed: Theta \(n_out, 1, size, size\)",
        ),
        (
            lambda p, m: p.__setitem__(1, (p[1][0][:, :5], p[1][1])),
            r"layer 1 has .*Allowed: Theta \(n_out, 6, size, size\)",
        ),
        (lambda p, m: p.__setitem__(2, (p[2][0][:, :399], p[2][1])), r"layer 2 has .*Allowed: Theta \(n_out, 400\)"),
        (lambda p, m: p.__delitem__(slice(2, None)), "more than 2 layers"),
        (lambda p, m: m["preprocessing"].update(shape=[783]), "Allowed: square images"),
    ],
)
def test_parts_of_lenet5_that_do_not_fit_are_refused(tmp_path, change, words):
    params, about = lenet5()
    change(params, about)
    with pytest.raises(ValueError, match=words):
        predictor.save(tmp_path / "lenet5.safetensors", params, about)


def test_and_by_hand_is_the_lectures_table():
    """L10: g(-30), g(-10), g(-10), g(10)."""
    h = Predictor([by_hand([-30, 20, 20])], metadata([2])).outputs(BOOLEAN)
    z = np.array([[-30.0], [-10], [-10], [10]])
    np.testing.assert_allclose(h, 1 / (1 + np.exp(-z)), rtol=1e-6)
    assert h.dtype == np.float32


def test_xnor_by_hand_is_correct_in_all_rows(tmp_path):
    """L12, through a file; h > 0.5 decides (L5)."""
    layers = [by_hand([-30, 20, 20], [10, -20, -20]), by_hand([-10, 20, 20])]
    predictor.save(tmp_path / "xnor.safetensors", layers, metadata([2]))
    loaded = Predictor.load(tmp_path / "xnor.safetensors")
    assert loaded.classes(BOOLEAN).tolist() == [1, 0, 0, 1]
    assert loaded.metadata == metadata([2])
    columns = loaded.probabilities(BOOLEAN)
    np.testing.assert_array_equal(columns[:, 1:], loaded.outputs(BOOLEAN))
    np.testing.assert_allclose(columns.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("activation", predictor.ACTIVATIONS)
@pytest.mark.parametrize("output", predictor.OUTPUTS)
def test_a_batch_equals_the_unit_by_unit_sums(activation, output):
    """L4, in float64 and with the textbook's formulas."""
    params, about = digits_network(np.random.default_rng(3), activation, output)
    raw = np.random.default_rng(4).integers(0, 256, (5, 28, 28), np.uint8)
    textbook = {
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "tanh": np.tanh,
        "relu": lambda z: z * (z > 0),
        "softplus": lambda z: np.log(1 + np.exp(z)),
        "identity": lambda z: z,
        "step": lambda z: np.where(z > 0, 1, 0),
        "softmax": lambda z: np.exp(z) / np.exp(z).sum(),
    }
    for row, h in zip(raw, Predictor(params, about).outputs(raw), strict=True):
        a = row.reshape(784).astype(float) / 255
        for layer, (Theta, b) in enumerate(params):
            z = np.array([sum(w * x for w, x in zip(weights, a, strict=True)) for weights in Theta.astype(float)]) + b
            a = textbook[output if layer == 2 else activation](z)
        np.testing.assert_allclose(h, a, rtol=1e-4, atol=1e-5)


def test_images_rows_and_floats_are_the_same_input():
    params, about = digits_network(np.random.default_rng(0))
    network = Predictor(params, about)
    raw = np.random.default_rng(1).integers(0, 256, (4, 28, 28), np.uint8)
    expected = network.probabilities(raw)
    for same in (raw.reshape(4, 784), raw.astype(np.float64), raw.astype(int).tolist()):
        np.testing.assert_array_equal(network.probabilities(same), expected)
    np.testing.assert_allclose(network.probabilities(raw[:1]), expected[:1], rtol=1e-6)  # a batch of one (L3)
    np.testing.assert_array_equal(network.classes(raw), expected.argmax(axis=1))  # L38
    np.testing.assert_array_equal(network.predict(raw), expected)
    assert network.outputs(raw[:0]).shape == (0, 10)


def test_preprocessing_scales_before_it_shifts_and_by_feature():
    about = metadata([2], "identity")
    about["preprocessing"] |= {"scale": [2.0, 10.0], "shift": [1.0, -1.0]}
    identity = (np.eye(2, dtype=np.float32), np.zeros(2, np.float32))
    np.testing.assert_array_equal(Predictor([identity], about).predict(np.array([[3, 4]])), [[7, 39]])


@pytest.mark.parametrize("output", ["softmax", "sigmoid"])
def test_probabilities_are_exact_for_huge_logits(output):
    """L7, L21: logits up to 1e4 neither overflow nor warn (warnings are errors here)."""
    z = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4 - 1, 9e3]], np.float32)
    h = Predictor([(np.eye(3, dtype=np.float32), np.zeros(3, np.float32))], metadata([3], output)).outputs(z)
    wide = z.astype(np.longdouble)
    with np.errstate(over="ignore"):
        powers = np.exp(wide - wide.max(axis=1, keepdims=True))
        expected = powers / powers.sum(axis=1, keepdims=True) if output == "softmax" else 1 / (1 + np.exp(-wide))
    np.testing.assert_allclose(h, expected.astype(float), atol=1e-6)


def test_hidden_activations_stay_finite_for_huge_inputs():
    z = np.array([-1e4, -90, 0, 90, 1e4], np.float32)
    for name, activation in predictor.ACTIVATIONS.items():
        assert np.isfinite(activation(z)).all(), name
    np.testing.assert_allclose(predictor.ACTIVATIONS["softplus"](z), [0, 0, np.log(2), 90, 1e4], atol=1e-6)


def test_the_threshold_of_the_metadata_decides_a_single_output():
    """L17: the perceptron's sign of z."""
    about = metadata([1], "identity", threshold=0.0)
    network = Predictor([by_hand([0.0, 1.0])], about)
    assert network.classes(np.array([[-0.1], [0.1], [0.4]])).tolist() == [0, 1, 1]


def test_a_perceptron_has_classes_and_no_probabilities():
    """L17: h = 1 if z > 0, else 0, on the line too; several units are compared by z (L38)."""
    about = metadata([1], "step")
    one, two = (Predictor([by_hand(*rows)], about) for rows in ([[-0.2, 1.0]], [[0.0, 1.0], [0.1, 2.0]]))
    x = np.array([[0.1], [0.2], [0.3]], np.float32)
    assert one.classes(x).tolist() == one.outputs(x)[:, 0].tolist() == [0, 0, 1]
    assert two.outputs(x).tolist() == [[1, 1]] * 3
    assert two.classes(x).tolist() == [1, 1, 1]
    np.testing.assert_array_equal(one.predict(x), one.outputs(x))
    with pytest.raises(ValueError, match="the output step gives no probabilities"):
        one.probabilities(x)


def test_regression_has_neither_classes_nor_probabilities():
    network = Predictor([by_hand([0.0, 1.0])], metadata([1], "identity", classes=[]))
    with pytest.raises(ValueError, match="this network has no classes"):
        network.classes(np.ones((2, 1)))
    with pytest.raises(ValueError, match="the output identity gives no probabilities"):
        network.probabilities(np.ones((2, 1)))


@pytest.mark.parametrize("shape", [(28, 28), (3, 783), (3, 28, 27), (784,)])
def test_an_input_of_another_shape_is_refused_with_both_shapes(shape):
    network = Predictor(*digits_network(np.random.default_rng(0)))
    with pytest.raises(ValueError) as caught:
        network.outputs(np.zeros(shape))
    assert str(caught.value) == f"the input has the shape {shape}. Allowed: (n, 784)."


def test_every_truncation_and_a_pickle_are_refused(tmp_path):
    path = tmp_path / "network.safetensors"
    predictor.save(path, [by_hand([-30, 20, 20])], metadata([2]))
    whole = path.read_bytes()
    for content in [*(whole[:length] for length in range(len(whole))), pickle.dumps({"a": 1}), b"\xff" * 64]:
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is not a predictor of nnjax") as caught:
            Predictor.load(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="is not a predictor of nnjax"):
        Predictor.load(tmp_path / "missing")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"model": {"name": "lenet", "activation": "relu"}}, "model='lenet' is not an option. Allowed: mlp, lenet5."),
        (
            {"model": {"name": "mlp", "activation": "swish"}},
            "activation='swish' is not an option. Allowed: sigmoid, tanh, ",
        ),
        ({"output": "stairs"}, "output='stairs' is not an option. Allowed: softmax, sigmoid, identity, step."),
        (
            {"preprocessing": {"scale": 1, "shift": 0, "shape": [3]}},
            r"layer 0 has Theta \(1, 2\) and b \(1,\)\. Allowed: Theta \(n_out, 3\) and b",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused_by_save_and_by_load(tmp_path, change, line):
    path = tmp_path / "network.safetensors"
    with pytest.raises(ValueError, match=line):
        predictor.save(path, [by_hand([-30, 20, 20])], metadata([2]) | change)
    assert not path.exists()
    Theta, b = by_hand([-30, 20, 20])
    about = {"nnjax": json.dumps(metadata([2]) | change)}
    save_file({"0.Theta": np.ascontiguousarray(Theta), "0.b": b.copy()}, path, about)
    with pytest.raises(ValueError, match=line):
        Predictor.load(path)


def stored(path, params, about):
    """Write a file by safetensors, with any metadata."""
    tensors = {
        f"{i}.{part}": np.ascontiguousarray(array)
        for i, layer in enumerate(params)
        for part, array in zip(("Theta", "b"), layer, strict=True)
    }
    save_file(tensors, path, {"nnjax": about if isinstance(about, str) else json.dumps(about)})
    return path


def with_preprocessing(**change):
    return metadata([2]) | {"preprocessing": metadata([2])["preprocessing"] | change}


@pytest.mark.parametrize(
    ("about", "line"),
    [
        ("", "Expecting value"),
        ("[" * 10_000, "RecursionError"),
        ("{}", "KeyError: 'model'"),
        ("[1]", "TypeError"),
        (
            with_preprocessing(scale="1"),
            "scale='1' is not a scaling. Allowed: a number, or one for each of 2 features.",
        ),
        (with_preprocessing(scale=float("nan")), "scale=nan is not a scaling"),
        (with_preprocessing(shift=[0.0, float("inf")]), "shift=[0.0, inf] is not a scaling"),
        (with_preprocessing(shift=10**400), "is not a scaling"),
        (with_preprocessing(shape=[]), "shape=[] is not a shape. Allowed: whole numbers above 0."),
        (with_preprocessing(shape=[-1, -2]), "shape=[-1, -2] is not a shape"),
        (with_preprocessing(shape=[2.0]), "shape=[2.0] is not a shape"),
        (with_preprocessing(shape=[2**30, 2**30]), "Allowed: Theta (n_out, 1152921504606846976)"),
        (metadata([2], classes=["a", "b", "c"]), "the network has 3 classes. Allowed: 2, for 1 outputs."),
        (metadata([2], classes=[1, 2]), "classes=[1, 2] are no names. Allowed: names."),
        (metadata([2], features=["x"]), "features=['x'] are no names. Allowed: names, one for each of 2 features."),
        (
            metadata([2], target={"name": "y", "mean": None, "deviation": 1.0}),
            "is incomplete. Allowed: a name, a mean and a deviation.",
        ),
        (metadata([2], threshold="high"), "threshold='high' is not a number"),
        (metadata([2], lanes=True), "lanes=True is not a count"),
        (metadata([2], lanes=3), "0.Theta is F32 (1, 2). Allowed: F32 (3, ...)."),
    ],
    ids=range(19),
)
def test_metadata_of_another_kind_are_one_line(tmp_path, about, line):
    path = stored(tmp_path / "network.safetensors", [by_hand([-30, 20, 20])], about)
    with pytest.raises(ValueError) as raised:
        Predictor.load(path)
    assert str(raised.value).startswith(f"{path} is not a predictor of nnjax: ")
    assert line in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        ((np.array([[1.0, np.nan]], np.float32), np.zeros(1, np.float32)), "some parameters are not finite"),
        ((np.ones((1, 2), np.float32), np.array([np.inf], np.float32)), "some parameters are not finite"),
        ((np.ones((1, 2)), np.zeros(1)), "0.Theta is F64 (1, 2). Allowed: F32."),
        ((np.ones((0, 2), np.float32), np.zeros(0, np.float32)), "out of bounds"),
        (
            (np.ones((1, 2), np.float32), np.zeros((1, 1), np.float32)),
            "layer 0 has Theta (1, 2) and b (1, 1). Allowed: Theta (n_out, 2) and b (n_out,).",
        ),
    ],
    ids=range(5),
)
def test_parameters_of_another_kind_are_one_line(tmp_path, layer, line):
    with pytest.raises(ValueError, match="is not a predictor of nnjax") as raised:
        Predictor.load(stored(tmp_path / "network.safetensors", [layer], metadata([2])))
    assert line in str(raised.value)


def raw(header, content=b"", length=None):
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text) if length is None else length) + text + content


ENTRY = {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "content",
    [
        raw({}, length=2**63),
        raw({}, length=10**12),
        raw(b"no JSON"),
        raw({"0.Theta": {**ENTRY, "shape": [10**6, 10**6], "data_offsets": [0, 4 * 10**12]}}),
        raw({"0.Theta": {**ENTRY, "shape": [2**62, 2**62]}}, bytes(8)),
        raw({"0.Theta": {**ENTRY, "shape": [-1, -2]}}, bytes(8)),
        raw({"0.Theta": ENTRY, "0.b": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, bytes(8)),
        raw({"0.Theta": {**ENTRY, "data_offsets": [8, 0]}}, bytes(8)),
        raw({"0.Theta": {**ENTRY, "dtype": "F99"}}, bytes(8)),
        raw({"1.Theta": ENTRY, "__metadata__": {"nnjax": json.dumps(metadata([2]))}}, bytes(8)),
        raw({"0.Theta": ENTRY, "__metadata__": {"nnjax": 3}}, bytes(8)),
        raw({"0.Theta": ENTRY, "__metadata__": {"other": "x"}}, bytes(8)),
    ],
    ids=range(12),
)
def test_a_header_that_claims_what_is_not_there_takes_no_memory(tmp_path, content):
    path = tmp_path / "network.safetensors"
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="is not a predictor of nnjax") as raised:
            Predictor.load(path)
        assert tracemalloc.get_traced_memory()[1] < 1e6
    finally:
        tracemalloc.stop()
    assert "\n" not in str(raised.value)


def test_layers_that_do_not_chain_are_refused(tmp_path):
    with pytest.raises(ValueError, match="layer 1 has"):
        predictor.save(tmp_path / "x", [by_hand([0, 1, 1]), by_hand([0, 1, 1])], metadata([2]))
    with pytest.raises(ValueError, match="the network has no layers"):
        predictor.save(tmp_path / "x", [], metadata([2]))


def test_the_module_imports_nothing_of_nnjax():
    tree = ast.parse(Path(predictor.__file__).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    everywhere = {name.split(".")[0] for name in imported} - sys.stdlib_module_names - {"pandas"}  # MLflow brings that
    assert everywhere == {"numpy", "safetensors"}


def test_each_lane_of_a_file_is_its_own_network(tmp_path):
    generator = np.random.default_rng(5)
    layers = [
        (generator.normal(size=(3, 4, 2)), generator.normal(size=(3, 4))),
        (np.ones((3, 1, 4)), np.arange(3.0)[:, None]),
    ]
    predictor.save(tmp_path / "lanes", layers, metadata([2], lanes=3))
    for lane in range(3):
        one = Predictor.load(tmp_path / "lanes", lane)
        for (Theta, b), (all_Theta, all_b) in zip(one.params, layers, strict=True):
            np.testing.assert_array_equal(Theta, all_Theta[lane].astype(np.float32))
            np.testing.assert_array_equal(b, all_b[lane].astype(np.float32))
        assert one.outputs(BOOLEAN).shape == (4, 1)
    first = Predictor.load(tmp_path / "lanes")
    np.testing.assert_array_equal(first.outputs(BOOLEAN), Predictor.load(tmp_path / "lanes", 0).outputs(BOOLEAN))


@pytest.mark.parametrize(("lanes", "lane"), [(3, 3), (3, -1), (None, 1)])
def test_a_lane_out_of_range_is_refused(tmp_path, lanes, lane):
    Theta, b = by_hand([-30, 20, 20])
    one = (np.stack([Theta] * lanes), np.stack([b] * lanes)) if lanes else (Theta, b)
    predictor.save(tmp_path / "x", [one], metadata([2], **({"lanes": lanes} if lanes else {})))
    with pytest.raises(ValueError, match=f"lane={lane} is out of range. Allowed: a number below {lanes or 1}."):
        Predictor.load(tmp_path / "x", lane)


def test_a_regression_predicts_in_its_targets_own_units(tmp_path):
    """L8: each feature has its own scale and shift, and h * deviation + mean is what is predicted."""
    about = {
        **metadata([2], "identity", classes=[]),
        "preprocessing": {"scale": (0.5, 2.0), "shift": (1.0, 0.0), "shape": (2,)},
        "features": ["age", "height"],
        "target": {"name": "y", "mean": 100.0, "deviation": 10.0},
    }
    predictor.save(tmp_path / "network", [by_hand([0.25, 1.0, 3.0])], about)
    raw = np.array([[2.0, 0.5], [-2.0, 0.0]])
    result = Predictor.load(tmp_path / "network").predict(raw)
    np.testing.assert_allclose(result, [[100 + 10 * (0.25 + 2 + 3)], [100 + 10 * 0.25]])


def test_a_scale_for_another_number_of_features_is_refused(tmp_path):
    about = {**metadata([2], "identity"), "preprocessing": {"scale": [1.0], "shift": 0.0, "shape": [2]}}
    with pytest.raises(
        ValueError, match=r"scale=\[1\.0\] is not a scaling\. Allowed: a number, or one for each of 2 features\."
    ):
        predictor.save(tmp_path / "network", [by_hand([0.0, 1.0, 1.0])], about)
