"""The mlp: sizes (L3), the lecture's networks by hand (L10-L12), what equal weights do (L33); LeNet-5 (L16)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnjax.network import gradient_check
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.backprop import backprop
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.layers.dense import Layer
from nnjax.network.layers.pooling import POOLINGS
from nnjax.network.losses import LOSSES
from nnjax.network.models import lenet5, mlp

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


def lenet(pooling="average", activation="tanh"):
    return lenet5(10, ACTIVATIONS[activation], INITIALIZERS["lecun"], POOLINGS[pooling])


def test_lenet5_has_61706_parameters():
    """L16: 156 + 2,416 in the maps, 48,120 + 10,164 + 850 in the layers of units."""
    params = jax.eval_shape(lenet().init, jax.random.key(0), 1.0)
    counts = [layer.Theta.size + layer.b.size for layer in params]
    assert counts == [6 * 25 + 6, 16 * 6 * 25 + 16, 400 * 120 + 120, 120 * 84 + 84, 84 * 10 + 10]
    assert sum(counts) == 61_706
    assert lenet().products == (117_600, 240_000, 48_000, 10_080, 840)


@pytest.mark.ci
@pytest.mark.parametrize("pooling", POOLINGS)
def test_lenet5_is_its_layers_one_after_another(pooling):
    """L16, with XLA's own convolution and windows, of images 28 x 28 unrolled row by row (L14)."""

    def expected(params, x):
        a, dimensions = x.reshape(-1, 28, 28)[:, None], (1, 1, 2, 2)
        for layer, zeros in zip(params, (2, 0), strict=False):
            padding = [(zeros, zeros)] * 2
            z = jax.lax.conv_general_dilated(a, layer.Theta, (1, 1), padding) + layer.b[:, None, None]
            start, operation = (0.0, jax.lax.add) if pooling == "average" else (-jnp.inf, jax.lax.max)
            a = jax.lax.reduce_window(jnp.tanh(z), start, operation, dimensions, dimensions, "VALID")
            a = a / 4 if pooling == "average" else a
        a = a.reshape(len(a), -1)
        for layer in params[2:-1]:
            a = jnp.tanh(a @ layer.Theta.T + layer.b)
        return a @ params[-1].Theta.T + params[-1].b

    with jax.enable_x64(True):
        rng = np.random.default_rng(0)
        params, _ = gradient_check.draw_parameters(lenet(pooling), rng)
        x = rng.normal(size=(3, 784))
        together, alone, wanted = jax.jit(
            lambda params, x: (
                lenet(pooling).forward(params, x)[0],
                lenet(pooling).forward(params, x[:1])[0],
                expected(params, x),
            ),
            compiler_options=gradient_check.QUICK,
        )(params, x)
    np.testing.assert_allclose(together, wanted, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(alone, wanted[:1], rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("pooling", "activation"), [pytest.param("average", "tanh", marks=pytest.mark.ci), ("max", "relu")]
)
def test_lenet5_gradients_are_right(pooling, activation):
    """L32: by hand, jax.grad, finite differences; the largest of a window is a kink that directions stay away from."""
    check = gradient_check.check(lenet(pooling, activation), LOSSES["cross_entropy"], seed=0, rows=2)
    assert check.passed, check
    assert [p.shape for p in check.parameters[:4]] == [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,)]
