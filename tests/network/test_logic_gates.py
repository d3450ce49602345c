"""Weights written down by hand: the lecture's numbers (L10-L12), and every table of up to 12 inputs."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnjax.data.boolean import expressions, functions
from nnjax.data.boolean.expressions import truth_table
from nnjax.network.logic_gates import cubes, network_of
from tests.data.boolean.random_expressions import draw


def hidden(params):
    return [len(layer.b) for layer in params[:-1]]


def joined(params):
    """The units of every layer as (bias, weights...), as the lecture writes them."""
    return [np.column_stack([layer.b, layer.Theta]).tolist() for layer in params]


def error(params, table):
    """The largest |h - truth| over the table, in float32."""
    a = expressions.input_rows(len(table).bit_length() - 1).astype(np.float32)
    for layer in params:
        assert layer.Theta.dtype == layer.b.dtype == np.float32
        z = a @ np.asarray(layer.Theta).T + np.asarray(layer.b)
        a = 1 / (1 + np.exp(-np.clip(z, -80, 80)))
    return abs(a[:, 0] - table).max()


@pytest.mark.parametrize(
    ("expression", "unit"),
    [
        ("x1 & x2", [-30, 20, 20]),  # L10
        ("x1 | x2", [-10, 20, 20]),  # L11
        ("~x1", [10, -20]),  # L11
        ("~x1 & ~x2", [10, -20, -20]),  # L11
        ("~(x1 & x2)", [30, -20, -20]),
        ("x1 -> x2", [10, -20, 20]),
        ("x1 & x2 & ~x3", [-30, 20, 20, -20]),
        ("x2", [-10, 0, 20]),
        ("x1 & x2 | x1 & x3 | x2 & x3", [-30, 20, 20, 20]),
        ("x1 & (x2 | x3)", [-70, 60, 20, 20]),
        ("x1 & ~x1", [-10, 0]),
        ("x1 | ~x1", [10, 0]),
    ],
)
def test_one_unit(expression, unit):
    model, params = network_of(truth_table(expression))
    assert joined(params) == [[unit]]
    assert (model.input_shape, model.outputs) == ((len(unit) - 1,), 1)


def test_xnor_is_the_network_of_the_lecture():
    """L12: hidden AND and NOR, output OR."""
    _, params = network_of(truth_table("x1 <-> x2"))
    assert joined(params) == [[[-30, 20, 20], [10, -20, -20]], [[-10, 20, 20]]]
    assert joined(network_of(truth_table("(x1 & x2) | (~x1 & ~x2)"))[1]) == joined(params)


def test_the_truth_table_of_and_is_the_lectures():
    model, params = network_of(truth_table("x1 & x2"))
    x = jnp.array(expressions.input_rows(2), float)
    np.testing.assert_array_equal(model.forward(params, x)[0][:, 0], [-30, -10, -10, 10])  # L10


@pytest.mark.parametrize("expression", ["x1 <-> x2", "x1 -> x2", "x1 ^ x2 ^ x3"])
def test_the_model_is_an_mlp_whose_rounded_outputs_are_the_table(expression):
    model, params = network_of(truth_table(expression))
    table = truth_table(expression)
    x = jnp.array(expressions.input_rows(*model.input_shape), float)
    h = jax.nn.sigmoid(model.forward(params, x)[0])
    assert h.shape == (len(table), 1)
    np.testing.assert_array_equal(h[:, 0] > 0.5, table)
    fresh = jax.eval_shape(model.init, jax.random.key(0), jnp.ones(()))
    assert jax.tree.map(jnp.shape, fresh) == jax.tree.map(jnp.shape, params)


def test_no_single_unit_for_xor_and_one_for_all_others_of_two_inputs():
    """L12: of the sixteen functions of two inputs, XOR and XNOR need a hidden layer."""
    for name in list(functions.FUNCTIONS)[:16]:
        table = np.array(list(functions.named_table(name))) == "1"
        _, params = network_of(table)
        assert hidden(params) == ([2] if name in ("xor", "xnor") else []), name
        assert error(params, table) < 1e-4


def test_one_unit_wherever_one_can_do_it_with_three_inputs():
    x = expressions.input_rows(3) * 1
    possible = {tuple(x @ w >= t) for *w, t in product(range(-2, 3), range(-2, 3), range(-2, 3), range(-5, 6))}
    assert len(possible) == 104  # the known number of linear threshold functions of three inputs
    for table in map(np.array, product([False, True], repeat=8)):
        _, params = network_of(table)
        assert (hidden(params) == []) == (tuple(table) in possible)
        assert error(params, table) < 1e-4


@pytest.mark.parametrize("inputs", range(2, 13))
def test_parity_and_majority(inputs):
    parity, majority = (np.array(list(functions.named_table(name, inputs))) == "1" for name in ("parity", "majority"))
    _, params = network_of(truth_table(" ^ ".join(f"x{number}" for number in range(1, inputs + 1))))
    assert hidden(params) == [inputs]
    assert error(params, parity) < 1e-4
    if inputs < 9:
        _, params = network_of(majority)
        assert joined(params) == [[[10 - 20 * (inputs // 2 + 1), *[20] * inputs]]]
        assert error(params, majority) < 1e-4


@pytest.mark.parametrize(("inputs", "address"), [(3, 1), (6, 2), (11, 3)])
def test_a_multiplexer_takes_a_unit_for_each_address(inputs, address):
    parts = []
    for number in range(2**address):
        bits = [f"{'' if number >> (address - 1 - i) & 1 else '~'}x{i + 1}" for i in range(address)]
        parts.append(" & ".join([*bits, f"x{address + 1 + number}"]))
    _, params = network_of(truth_table(" | ".join(parts)))
    assert hidden(params) == [2**address]
    assert error(params, np.array(list(functions.named_table("multiplexer", inputs))) == "1") < 1e-4


def test_exactly_some_are_on():
    """A symmetric function takes a hidden unit for each change along the count: here at 3 and at 4."""
    table = expressions.input_rows(7).sum(1) == 3
    _, params = network_of(table)
    assert hidden(params) == [2]
    assert error(params, table) < 1e-4


@pytest.mark.ci
def test_random_expressions():
    generator = np.random.default_rng(2)
    for depth in range(2, 9):
        for _ in range(40):
            text, meaning = draw(generator, int(generator.integers(2, 9)), depth)
            text = f"{text} & (x{generator.integers(8, 10)} | 1)"
            _, params = network_of(truth_table(text))
            x = expressions.input_rows(params[0].Theta.shape[1])
            assert error(params, meaning(x)) < 3e-4, text


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_random_tables_of_twelve_inputs(share):
    table = np.random.default_rng(3).random(4096) < share
    _, params = network_of(table)
    assert hidden(params)[0] <= min(table.sum(), 4096 - table.sum())
    assert error(params, table) < 3e-4


def test_the_largest_network_is_exact():
    """Parity of eleven inputs and one more: 2^10 cubes, none of which can be smaller."""
    text = " ^ ".join(f"x{number}" for number in range(1, 12))
    _, params = network_of(truth_table(f"({text}) & x12"))
    assert hidden(params) == [1024]
    assert error(params, truth_table(f"({text}) & x12")) < 3e-4


def test_weights_are_exact_in_bfloat16():
    """A deep alternation is one unit only while its weights survive an accelerator's products."""
    for depth, units in ((7, []), (12, [6])):
        text = f"x{depth}"
        for number in range(depth - 1, 0, -1):
            text = f"x{number} {'&|'[number % 2]} ({text})"
        _, params = network_of(truth_table(text))
        assert hidden(params) == units
        for layer in params:
            np.testing.assert_array_equal(layer.Theta.astype(jnp.bfloat16).astype(float), layer.Theta)
        assert error(params, truth_table(text)) < 1e-4


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_cubes_cover_the_table_and_none_is_larger_than_it(share):
    generator = np.random.default_rng(4)
    for _ in range(30):
        table = generator.random(64) < share
        x = 2 * expressions.input_rows(6) - 1
        inside = (x[None] * cubes(table)[:, None] >= 0).all(2)
        np.testing.assert_array_equal(inside.any(0), table)
        for cube in cubes(table):  # leaving out one more input would take in a zero
            for i in np.flatnonzero(cube):
                larger = np.where(np.arange(6) == i, 0, cube)
                assert not table[(x * larger >= 0).all(1)].all()
