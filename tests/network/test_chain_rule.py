"""The lecture's local gradients (L29-L31, L39): each is its Jacobian, and their chain is what backprop says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnjax.network import chain_rule as local
from nnjax.network.activations import ACTIVATIONS
from nnjax.network.backprop import backprop
from nnjax.network.initializers import normal
from nnjax.network.layers.dense import Layer, to_augmented
from nnjax.network.losses import LOSSES
from nnjax.network.models import mlp

C, P, H = 4, 3, 5


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def draw(*shape, seed=0):
    return jnp.asarray(np.random.default_rng([seed, *shape]).normal(size=shape))


with jax.enable_x64(True):
    W, B, X = draw(C, P), draw(C), draw(P)


def same(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
    assert jnp.shape(found) == jnp.shape(expected)


def z_of(W, b, x):
    return W @ x + b


def test_one_unit_first():
    """L30: dz/db = 1, dz/dw = x of z = w x + b."""
    w, b = draw(P), jnp.array(0.3)
    same(local.dz_db_of_one_unit(X), jax.jacobian(lambda b: w @ X + b)(b))
    same(local.dz_dw_of_one_unit(X), jax.jacobian(lambda w: w @ X + b)(w))


@pytest.mark.parametrize("y", range(C))
def test_dL_da_is_the_jacobian_of_the_log_likelihood(y):  # noqa: N802
    """L29: -1/a_y in the place of the label, else 0."""
    a = jax.nn.softmax(draw(C))
    same(local.dL_da(a, y), jax.jacobian(lambda a: -jnp.log(a[y]))(a))
    assert jnp.count_nonzero(local.dL_da(a, y)) == 1


def test_da_dz_is_the_softmax_s_jacobian():
    z = draw(C)
    same(local.da_dz(jax.nn.softmax(z)), jax.jacobian(jax.nn.softmax)(z))  # L29


def test_dz_by_bias_weights_and_inputs():
    """L29, L31: identity (not the misprint's ones beside the diagonal), x in row i of slice i, and W itself."""
    same(local.dz_db(B), jax.jacobian(z_of, 1)(W, B, X))
    same(local.dz_dW(W, X), jax.jacobian(z_of, 0)(W, B, X))
    same(local.dz_da(W), jax.jacobian(z_of, 2)(W, B, X))
    shorthand = jnp.stack([local.dz_dW(W, X)[i, i] for i in range(C)])
    same(shorthand, jnp.tile(X, (C, 1)))  # row i is x


@pytest.mark.parametrize("y", range(C))
def test_the_chain_of_softmax_regression(y):
    """L30: dL/dz = a - onehot(y), dL/dW = (dL/dz)^T x, dL/db = dL/dz; each also as the product of Jacobians."""

    def loss(W, b):
        return -jax.nn.log_softmax(z_of(W, b, X))[y]

    a = jax.nn.softmax(z_of(W, B, X))
    row = local.dL_dz(a, y)
    same(row, a - jax.nn.one_hot(y, C))
    dW, db = jax.jacobian(loss, (0, 1))(W, B)
    same(local.dL_dW(row, X), dW)
    same(local.dL_db(row), db)
    same(local.dL_dW(row, X), jnp.tensordot(row, local.dz_dW(W, X), 1))
    same(local.dL_db(row), row @ local.dz_db(B))
    same(local.dL_dW(row, X), row[:, None] * jnp.tile(X, (C, 1)))  # the lecture's shorthand, element by element


def test_instances_averaged_are_backprop():
    """L27, L30: the mean over instances is the batch's gradient."""
    x, y = draw(6, P), np.arange(6) % C
    rows = [local.dL_dz(jax.nn.softmax(z_of(W, B, x[i])), int(y[i])) for i in range(6)]
    model = mlp((P, C), ACTIVATIONS["tanh"], normal)
    gradient = jax.jit(backprop(model, LOSSES["cross_entropy"]))
    _, (batch,) = gradient((Layer(W, B),), x, jnp.eye(C)[y])
    same(sum(local.dL_dW(row, x[i]) for i, row in enumerate(rows)) / 6, batch.Theta)
    same(sum(map(local.dL_db, rows)) / 6, batch.b)
    _, (one,) = gradient((Layer(W, B),), x[:1], jnp.eye(C)[y[:1]])
    same(local.dL_dW(rows[0], x[0]), one.Theta)
    same(local.dL_db(rows[0]), one.b)


def test_two_layers():
    """L31: dL/da^(1), of length h, goes through W^(2); the sigmoid's a (1 - a) leads on to the first layer (L26)."""
    W1, b1, W2, y = draw(H, P), draw(H), draw(C, H), 2
    a1 = jax.nn.sigmoid(W1 @ X + b1)

    def loss(a1):
        return -jax.nn.log_softmax(W2 @ a1 + B)[y]

    row = local.dL_dz(jax.nn.softmax(W2 @ a1 + B), y)
    found = local.dL_da1(row, W2)
    same(found, jax.jacobian(loss)(a1))
    assert found.shape == (H,)
    model = mlp((P, H, C), ACTIVATIONS["sigmoid"], normal)
    params = (Layer(W1, b1), Layer(W2, B))
    _, (first, second) = backprop(model, LOSSES["cross_entropy"])(params, X[None], jnp.eye(C)[None, y])
    dz1 = found * a1 * (1 - a1)
    for by_chain, by_hand in [(dz1, first), (row, second)]:
        same(local.dL_db(by_chain), by_hand.b)
    same(local.dL_dW(dz1, X), first.Theta)
    same(local.dL_dW(row, a1), second.Theta)


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_the_binary_two_layer_network_written_out(y):
    """L39, against jax.jacobian and against backprop; with a_0 = 1 and x_0 = 1 the bias columns too."""
    first, second, y = Layer(draw(H, P), draw(H)), Layer(draw(1, H), draw(1)), jnp.array(y)
    a2 = jax.nn.sigmoid(first.Theta @ X + first.b)
    z3 = (second.Theta @ a2 + second.b)[0]
    a3 = jax.nn.sigmoid(z3)
    same(local.dcost_da3(a3, y), jax.jacobian(local.binary_cost)(a3, y))
    same(local.da3_dz3(a3), jax.jacobian(jax.nn.sigmoid)(z3))
    same(local.dcost_da3(a3, y) * local.da3_dz3(a3), a3 - y)
    (value, _), grads = backprop(mlp((P, H, 1), ACTIVATIONS["sigmoid"], normal), LOSSES["log_loss"])(
        (first, second), X[None], y[None, None]
    )
    same(local.binary_cost(a3, y), value)
    dTheta1, dTheta2 = map(to_augmented, grads)
    one = jnp.ones(1)
    same(local.dcost_dTheta2(a3, y, jnp.concatenate([one, a2])), dTheta2[0])
    same(local.dcost_dTheta1(a3, y, second.Theta[0], a2, jnp.concatenate([one, X])), dTheta1)
    same(local.dcost_dTheta2(a3, y, a2), grads[1].Theta[0])
    same(local.dcost_dTheta1(a3, y, second.Theta[0], a2, X), grads[0].Theta)
