# ruff: noqa: N802 - dL_dz is the lecture's name
"""The lecture's chain of local gradients, one function each, for one instance (L29-L31, L39).

    softmax regression, c classes and p features (L29, L30)      z = W x + b      a = softmax(z)      L = -log a_y
    dL/dz = dL/da da/dz      dL/dW = dL/dz dz/dW      dL/db = dL/dz dz/db

Vectors have one axis: the lecture's rows (1 x c) are (c,) here. Networks are trained with the delta of `losses` and
with `backprop.backprop`, which are these products after simplification. The functions here show the steps between.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Scalar = Float[Array, ""]
Label = Int[Array, ""] | int


def dz_db_of_one_unit(x: Float[Array, " p"]) -> Scalar:
    """Return dz/db = 1 of one unit z = w x + b (L30)."""
    return jnp.ones((), x.dtype)


def dz_dw_of_one_unit(x: Float[Array, " p"]) -> Float[Array, " p"]:
    """Return dz/dw = x of one unit z = w x + b (L30)."""
    return x


def dL_da(a: Float[Array, " c"], y: Label) -> Float[Array, " c"]:
    """Compute (0, ..., -1/a_y, ..., 0) of L = -log a_y (L29)."""
    return jnp.zeros_like(a).at[y].set(-1 / a[y])


def da_dz(a: Float[Array, " c"]) -> Float[Array, "c c"]:
    """Compute the softmax's da_i/dz_j = a_i (1 - a_i) if i = j, else -a_i a_j (L29)."""
    return jnp.diag(a) - jnp.outer(a, a)


def dz_db(b: Float[Array, " c"]) -> Float[Array, "c c"]:
    """Return the identity, since z_i has b_i alone (L29). The lecture's ones beside the diagonal are a misprint."""
    return jnp.eye(len(b), dtype=b.dtype)


def dz_dW(W: Float[Array, "c p"], x: Float[Array, " p"]) -> Float[Array, "c c p"]:
    """Compute dz_i/dW_jk = x_k if i = j, else 0 (L29).

    The lecture writes a (c, p) shorthand whose row i is x: dz_i/dW_i. The rest of the Jacobian is 0.
    """
    return jnp.eye(len(W), dtype=x.dtype)[:, :, None] * x


def dz_da(W: Float[Array, "c h"]) -> Float[Array, "c h"]:
    """Return W itself: dz_i/da_j = W_ij of z = W a + b (L31)."""
    return W


def dL_dz(a: Float[Array, " c"], y: Label) -> Float[Array, " c"]:
    """Compute dL/da da/dz, (1 x c)(c x c); it equals a - onehot(y) (L30)."""
    return dL_da(a, y) @ da_dz(a)


def dL_dW(dL_dz: Float[Array, " c"], x: Float[Array, " p"]) -> Float[Array, "c p"]:
    """Compute (dL/dz)^T x (L30), to which dL/dz dz/dW simplifies: row i is dL/dz_i times x."""
    return dL_dz[:, None] * x


def dL_db(dL_dz: Float[Array, " c"]) -> Float[Array, " c"]:
    """Return dL/dz dz/db = dL/dz (L30)."""
    return dL_dz


def dL_da1(dL_dz2: Float[Array, " c"], W2: Float[Array, "c h"]) -> Float[Array, " h"]:
    """Compute dL/dz^(2) dz^(2)/da^(1), (1 x c)(c x h), for the hidden activation that L31 calls a^(1)."""
    return dL_dz2 @ dz_da(W2)


def binary_cost(a3: Scalar, y: Scalar) -> Scalar:
    """Compute -y log h - (1 - y) log(1 - h) with h = a^(3), the output of a network with one hidden layer (L39)."""
    return -y * jnp.log(a3) - (1 - y) * jnp.log1p(-a3)


def dcost_da3(a3: Scalar, y: Scalar) -> Scalar:
    """Compute (a^(3) - y) / (a^(3) (1 - a^(3))) (L39)."""
    return (a3 - y) / (a3 * (1 - a3))


def da3_dz3(a3: Scalar) -> Scalar:
    """Compute the sigmoid's a^(3) (1 - a^(3)); times `dcost_da3` it gives a^(3) - y (L39)."""
    return a3 * (1 - a3)


def dcost_dTheta2(a3: Scalar, y: Scalar, a2: Float[Array, " h"]) -> Float[Array, " h"]:
    """Compute (a^(3) - y) a^(2) (L39). With a_0^(2) = 1 in front of a^(2), column 0 is the bias's."""
    return (a3 - y) * a2


def dcost_dTheta1(
    a3: Scalar, y: Scalar, Theta2: Float[Array, " h"], a2: Float[Array, " h"], x: Float[Array, " p"]
) -> Float[Array, "h p"]:
    """Compute ((a^(3) - y) Theta^(2) * a^(2) (1 - a^(2))) x, without the bias column of Theta^(2) (L39, L26).

    With x_0 = 1 in front of x, column 0 is the bias's.
    """
    return ((a3 - y) * Theta2 * a2 * (1 - a2))[:, None] * x
