"""Functions of JAX as NumPy operations: the same numbers, through JSON, and one line for what NumPy lacks."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnjax.errors import InputError
from nnjax.inference import predictor
from nnjax.network.activations import ACTIVATIONS, Activation
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.layers.pooling import POOLINGS
from nnjax.network.models import lenet5, mlp
from nnjax.runs import operations

Z = np.linspace(-6, 6, 61, dtype=np.float32).reshape(1, 61)  # any shape
FUNCTIONS = {
    "gelu": jax.nn.gelu,
    "exact gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "silu": jax.nn.silu,
    "elu": jax.nn.elu,
    "leaky_relu": jax.nn.leaky_relu,
    "mish": jax.nn.mish,
    "relu6": jax.nn.relu6,  # a function with a derivative of its own
    "log cosh": lambda z: jnp.log(jnp.cosh(z)),
    "arctan": lambda z: jnp.arctan2(z, 1.0),
    **{name: activation.value for name, activation in ACTIVATIONS.items()},
}
MODELS = {
    "mlp": mlp((5, 4, 3), ACTIVATIONS["tanh"], INITIALIZERS["lecun"]),
    "lenet5": lenet5(10, ACTIVATIONS["softplus"], INITIALIZERS["lecun"], POOLINGS["max"]),
}


def stored(program):
    """The program as a file has it."""
    return json.loads(json.dumps(program))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_activation_has_the_numbers_of_jax_for_any_shape(name):
    g = FUNCTIONS[name]
    program = stored(operations.activation_program(name, Activation(g, g)))
    (a,) = predictor.run_program(program, [Z])
    np.testing.assert_allclose(a, g(jnp.asarray(Z)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("rows", [1, predictor.ROWS, predictor.ROWS + 1])
def test_a_model_has_the_logits_of_jax_for_any_number_of_rows(name, rows):
    model = MODELS[name]
    params = model.init(jax.random.key(0), 1.0)
    x = np.random.default_rng(0).normal(size=(rows, *model.input_shape)).astype(np.float32)
    network = predictor.Predictor(
        [(np.asarray(layer.Theta), np.asarray(layer.b)) for layer in params],
        {"model": {"name": name}, "programs": {"model": stored(operations.model_program(name, model))}},
    )
    *layers, z = network.layers(x)
    np.testing.assert_allclose(z, model.forward(params, jnp.asarray(x))[0], atol=1e-5)
    assert layers[-1].shape == (rows, params[-1].Theta.shape[1]), "what the last layer gets"


def test_what_numpy_lacks_is_one_line():
    sort = Activation(lambda z: jnp.sort(jnp.stack([z, -z]))[1], None)
    with pytest.raises(InputError, match=r"model\.activation=largest uses the JAX operation \w+, which prediction"):
        operations.activation_program("largest", sort)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([["system", [0], {}]], "step 0 of the program 'activation' is 'system'"),
        ([["exp", [0], {"out": 1}]], "step 0 of the program 'activation' is 'exp'"),
        ([["broadcast_in_dim", [0], {"shape": [2**20, 2**20], "broadcast_dimensions": []}]], "an array has shape"),
    ],
)
def test_a_program_that_no_run_wrote_is_refused(tmp_path, steps, message):
    params = [
        (np.ones((3, 2), np.float32), np.ones(3, np.float32)),
        (np.ones((1, 3), np.float32), np.ones(1, np.float32)),
    ]
    metadata = {
        "model": {"name": "mlp", "activation": "mine"},
        "programs": {"activation": {"steps": steps, "outputs": [1]}},
        "output": "sigmoid",
        "preprocessing": {"scale": 1.0, "shift": 0.0, "shape": [2]},
        "classes": ["a", "b"],
    }
    with pytest.raises(ValueError, match=message):
        predictor.save(tmp_path / "network", params, metadata)
