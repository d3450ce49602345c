"""The products of a layer, and how they are made fast: here stands all that the equations don't say.

    affine(x, Theta, b)             z = x Theta^T + b             (L2)
    weight_gradient(delta, x)       dTheta = delta^T x            (L27)
    input_gradient(delta, Theta)    d_in = delta Theta            (L26)

The mathematics is one product each. The rest is the order of numbers in memory, because XLA's CPU libraries, of which
one reads rows and one reads columns, take different times. Each trick has its times beside it, measured on 2 CPU cores
with jax 0.10 unless it says otherwise.
"""

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
SMALL, LARGE = 2**20, 2**23  # multiplications of a product from which on another library is faster


def affine(
    x: Float[Array, "batch n_in"], Theta: Float[Array, "n_out n_in"], b: Float[Array, " n_out"], product: Product
) -> Float[Array, "batch n_out"]:
    """Compute z = x Theta^T + b (L2).

    It is computed as (Theta x^T)^T, for which XLA never writes out Theta^T. Today it saves nothing: x Theta^T takes
    0.98 to 1.02 of the time (784-10, batch 1; 784-30-10, batch 10; 16 lanes of it). It stays because a batch of one
    then keeps its bits.
    """
    return product(Theta, x.T).T + b


def weight_gradient(
    delta: Float[Array, "batch n_out"], x: Float[Array, "batch n_in"], product: Product
) -> Float[Array, "n_out n_in"]:
    """Compute dTheta = delta^T x, the sum of delta_i x_j over the batch (L27).

    delta^T is written out in memory where the product is small. The library that reads rows is faster below a million
    multiplications (784-30, batch 10: 4.9 us, not 6.6), the one that reads columns above (784-300, batch 128: 342 us,
    not 412). With one instance neither is needed: the product is then a part of the update (784-10: 0.90 of the time).
    """
    delta_T = delta.T
    small = len(delta) > 1 and delta.size * x.shape[1] < SMALL
    return product(jax.lax.optimization_barrier(delta_T) if small else delta_T, x)


def input_gradient(
    delta: Float[Array, "batch n_out"], Theta: Float[Array, "n_out n_in"], product: Product
) -> Float[Array, "batch n_in"]:
    """Compute d_in = delta Theta (L26).

    delta is written column by column where the product is neither small nor large. There the library that reads rows
    uses one core (300-100, batch 128: 77 us), the one that reads columns two (48 us).
    """
    middle = SMALL <= delta.size * Theta.shape[1] < LARGE
    return product(jax.lax.optimization_barrier(delta.T).T if middle else delta, Theta)


def matmul(A: Left, B: Right) -> Out:
    """Compute A B in the numbers' own precision; a tiny product is written as a sum.

    XLA may call a library for a product, at each pass of a loop. With sums an update of XOR takes 0.5 us, not 2.2, and
    16 networks side by side 1.2 us, not 4.8 (jax 0.12). XLA fuses sums with what is around them, so with jax 0.12
    another program (lanes one after another) may round otherwise.
    """
    A, B = jnp.asarray(A), jnp.asarray(B)
    tiny = A.shape[0] * A.shape[1] * B.shape[1] <= TINY
    return (A[:, :, None] * B).sum(axis=1) if tiny else A @ B


@jax.custom_vjp
def in_bfloat16(A: Left, B: Right) -> Out:
    """Compute A B of factors rounded to bfloat16, summed in float32 (mixed precision: Micikevicius et al., ICLR 2018).

    A factor keeps 8 bits: a relative error of 2^-9 at most, so 2^-8 of the product of two. bfloat16 has the exponents
    of float32, so the paper's scaling of the loss is not needed. `jax.grad` rounds the same factors as the equations by
    hand. GPUs and TPUs multiply bfloat16. XLA on CPUs has no such product for lanes, so there the rounded factors are
    multiplied in float32: the same numbers, and no faster.
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


def _backward(factors: tuple[Left, Right], d_out: Out) -> tuple[Left, Right]:
    A, B = factors
    return in_bfloat16(d_out, B.T), in_bfloat16(A.T, d_out)


in_bfloat16.defvjp(_forward, _backward)
