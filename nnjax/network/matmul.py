"""Products of matrices, in float32, float64 or bfloat16."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Left = Float[Array | np.ndarray, "rows inner"]
Right = Float[Array | np.ndarray, "inner columns"]
Out = Float[Array, "rows columns"]
Product = Callable[[Left, Right], Out]
TINY = 2**11  # multiplications of a product up to which it is written as a sum


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
