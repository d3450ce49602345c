"""How numbers are kept and multiplied: `runtime.precision` as one table, read by the pipeline and by the network.

JAX's own float type is the one place that says float32 or float64: all that is traced asks for `float`, so that
parameters, optimiser, hyperparameters, inputs, targets, sums and history have one type. Random numbers are drawn in
float32 in each precision: runs that differ in it alone begin with the same weights, order and noise. What is stored as
float32 (columns of a table, a trained network's file) has no more digits than that.

After an epoch of a small network, parameters of order 1 and losses are those of NumPy in float64 within 1e-12
(float64), 1e-5 (float32) and 2^-8 (bfloat16); rounding grows with the number of updates.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Left = Float[Array | np.ndarray, "rows inner"]
Right = Float[Array | np.ndarray, "inner columns"]
Out = Float[Array, "rows columns"]
Product = Callable[[Left, Right], Out]
TINY = 2**11  # multiplications of a product up to which it is written as a sum


class Precision(NamedTuple):
    """How a training computes.

    Attributes:
        x64: whether JAX's own float type is float64.
        bytes: of one number.
        product: A, B -> A B, for the products of a layer (L2, L26, L27).
        matmul: `jax_default_matmul_precision` of these and all other products. "highest" is float32's own: without it a
            GPU multiplies float32 in TF32 and a TPU in bfloat16, with relative errors of 1e-3 and 4e-3.
        words: the same for a person.
    """

    x64: bool
    bytes: int
    product: Product
    matmul: str
    words: str


def matmul(A: Left, B: Right) -> Out:
    """A B; a tiny one as the sum that it is, since for a product XLA may call a library at each pass of a loop.

    An update of XOR takes 0.5 us so, with products by library 2.2 (jax 0.12); 16 of them side by side 1.2, not 4.8. XLA
    fuses sums with what is around them: with jax 0.12 another program (lanes one after another) may round otherwise.
    """
    A, B = jnp.asarray(A), jnp.asarray(B)
    tiny = A.shape[0] * A.shape[1] * B.shape[1] <= TINY
    return (A[:, :, None] * B).sum(axis=1) if tiny else A @ B


@jax.custom_vjp
def in_bfloat16(A: Left, B: Right) -> Out:
    """A B of the factors rounded to bfloat16, summed in float32 (mixed precision: Micikevicius et al., ICLR 2018).

    A factor keeps 8 bits: relative error 2^-9 at most, 2^-8 of the product of two. bfloat16 has float32's exponents, so
    the paper's scaling of the loss is not needed. `jax.grad` rounds what the equations by hand round. XLA multiplies
    bfloat16 on GPUs and TPUs; on CPUs it has no such product for lanes, so the rounded factors are multiplied in
    float32 there: the same numbers, and no faster.
    """
    return jax.lax.platform_dependent(A, B, cpu=_rounded, default=_narrow)


def _rounded(A: Left, B: Right) -> Out:
    A, B = (jax.lax.reduce_precision(factor, exponent_bits=8, mantissa_bits=7) for factor in (A, B))
    return A @ B


def _narrow(A: Left, B: Right) -> Out:
    a, b = (factor.astype(jnp.bfloat16) for factor in (A, B))
    return jax.lax.dot(a, b, precision="default", preferred_element_type=jnp.float32).astype(A.dtype)


def _forward(A: Left, B: Right) -> tuple[Out, tuple[Left, Right]]:
    return in_bfloat16(A, B), (A, B)


def _backward(kept: tuple[Left, Right], d_out: Out) -> tuple[Left, Right]:
    A, B = kept
    return in_bfloat16(d_out, B.T), in_bfloat16(A.T, d_out)


in_bfloat16.defvjp(_forward, _backward)

PRECISIONS = {
    "float32": Precision(False, 4, matmul, "highest", "float32, products in float32"),
    "float64": Precision(True, 8, matmul, "highest", "float64, products in float64"),
    "bfloat16": Precision(
        False, 4, in_bfloat16, "highest", "float32, products of layers in bfloat16 summed in float32"
    ),
}
