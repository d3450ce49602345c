"""The mlp: sizes (L3), the lecture's networks by hand (L10-L12), and what equal weights do (L33)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnjax.network.activations import ACTIVATIONS
from nnjax.network.gradients import backprop
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.layers.dense import Layer
from nnjax.network.losses import LOSSES
from nnjax.network.models import mlp

SIGMOID, NORMAL, ZEROS = ACTIVATIONS["sigmoid"], INITIALIZERS["normal"], INITIALIZERS["zeros"]
ROWS = jnp.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def h(params, x=ROWS):
    """The sigmoid outputs of a network given by (bias, weights...) of each unit, a layer a list."""
    layers = tuple(
        Layer(jnp.array([u[1:] for u in layer], float), jnp.array([u[0] for u in layer], float)) for layer in params
    )
    units = (x.shape[1], *(len(layer) for layer in params))
    return jax.nn.sigmoid(mlp(units, SIGMOID, NORMAL).forward(layers, x)[0])


def test_the_worked_network_has_its_sizes():
    params = mlp((3, 3, 1), SIGMOID, NORMAL).init(jax.random.key(0), 1.0)  # L3: 3x4 and 1x4 joined
    assert [layer.Theta.shape for layer in params] == [(3, 3), (1, 3)]
    assert [layer.b.shape for layer in params] == [(3,), (1,)]


def test_a_single_instance_is_a_batch_of_one():
    model = mlp((3, 3, 1), SIGMOID, NORMAL)
    params = model.init(jax.random.key(0), 1.0)
    x = jax.random.normal(jax.random.key(1), (6, 3))
    together = model.forward(params, x)[0]
    for row in range(6):
        np.testing.assert_allclose(model.forward(params, x[row : row + 1])[0], together[row : row + 1], rtol=1e-5)


def test_no_hidden_layer_is_one_layer_of_units():
    model = mlp((4, 3), SIGMOID, NORMAL)
    (layer,) = model.init(jax.random.key(0), 1.0)
    x = jnp.ones((2, 4))
    np.testing.assert_allclose(model.forward((layer,), x)[0], x @ layer.Theta.T + layer.b)


@pytest.mark.parametrize(
    ("unit", "table"), [((-30, 20, 20), "0001"), ((-10, 20, 20), "0111"), ((10, -20, -20), "1000")]
)
def test_units_by_hand(unit, table):
    outputs = h([[unit]])[:, 0]  # L10, L11: AND, OR, NOR
    assert "".join(str(round(value)) for value in outputs.tolist()) == table
    assert (abs(outputs - outputs.round()) < 1e-4).all()


def test_xnor_by_layers():
    outputs = h([[(-30, 20, 20), (10, -20, -20)], [(-10, 20, 20)]])[:, 0]  # L12
    np.testing.assert_allclose(outputs, [1, 0, 0, 1], atol=1e-4)


def test_zero_weights_keep_hidden_units_equal():
    model, loss = mlp((2, 4, 1), SIGMOID, ZEROS), LOSSES["log_loss"]
    params = model.init(jax.random.key(0), 1.0)
    y = jnp.array([[0.0], [1.0], [1.0], [1.0]])
    gradient = jax.jit(backprop(model, loss))
    for _ in range(20):
        _, grads = gradient(params, ROWS, y)
        params = jax.tree.map(lambda p, g: p - g, params, grads)
    assert (params[0].Theta == params[0].Theta[0]).all()  # L33
    assert (params[1].Theta != 0).any()


def test_scale_multiplies_all_weights():
    model = mlp((3, 5, 2), SIGMOID, NORMAL)
    one, half = (model.init(jax.random.key(0), scale) for scale in (1.0, 0.5))
    for a, b in zip(one, half, strict=True):
        np.testing.assert_allclose(b.Theta, a.Theta / 2, rtol=1e-6)
