"""What no side can do without: the products of an epoch alone, and the bytes that it has to move, by this machine."""

from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmarks.peers import Side
from experiments.benchmarks.works import Weights, Work

LENET5 = [(784, 25, 6), (100, 150, 16), (1, 400, 120), (1, 120, 84), (1, 84, 10)]  # places an instance, n_in, n_out


class Shape(NamedTuple):
    """A layer's products: (rows, n_in) with (n_out, n_in), rows being instances, or places of a convolution."""

    rows: int
    n_in: int
    n_out: int


def shapes(work: Work) -> list[Shape]:
    """The layers of a work, for one of its batches."""
    if work.model == "lenet5":
        return [Shape(work.batch * places, n_in, n_out) for places, n_in, n_out in LENET5]
    return [Shape(work.batch, n_in, n_out) for n_in, n_out in pairwise(work.units)]


def parameters(work: Work) -> int:
    """Weights and biases."""
    return sum((layer.n_in + 1) * layer.n_out for layer in shapes(work))


def operations(work: Work) -> float:
    """Multiplications and additions of an update's products: z, d Theta, and d a but for the first layer."""
    products = [2.0 * layer.rows * layer.n_in * layer.n_out for layer in shapes(work)]
    return 3 * sum(products) - products[0]


def moved(work: Work, row_bytes: int) -> float:
    """Bytes of an update: its rows are read, the parameters read and written, in float32."""
    return work.batch * row_bytes + 8.0 * parameters(work)


def prepare(work: Work, x: np.ndarray, y: np.ndarray, weights: Weights, part: str) -> Side:
    """`xla` or `blas`: products alone; `copies`: bytes alone."""
    made = {"xla": products_by_xla, "blas": products_by_blas, "copies": copies}[part]
    return Side(made(work, x), list)  # it has no weights


def arrays(work: Work) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Random a (rows, n_in), Theta (n_out, n_in) and delta (rows, n_out) of each layer."""
    rng = np.random.default_rng(3)

    def made(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, np.float32)

    return [(made(rows, n_in), made(n_out, n_in), made(rows, n_out)) for rows, n_in, n_out in shapes(work)]


def products_by_xla(work: Work, x: np.ndarray) -> Any:
    """Forward layer by layer, then backward; one number of each product goes into the next, so that none is skipped."""
    layers = [tuple(map(jnp.asarray, layer)) for layer in arrays(work)]
    results = [(a @ Theta.T, delta.T @ a, delta @ Theta if i else 0.0) for i, (a, Theta, delta) in enumerate(layers)]

    def update(_: Any, carry: Any) -> Any:
        layers, results = (list(part) for part in carry)
        last = results[0][1][0, 0]
        for i, (a, Theta, delta) in enumerate(layers):
            Theta = Theta.at[0, 0].set(last)
            z = (Theta @ a.T).T
            last = z[0, 0]
            layers[i], results[i] = (a, Theta, delta), (z, *results[i][1:])
        for i, (a, Theta, delta) in reversed(list(enumerate(layers))):
            delta = delta.at[0, 0].set(last)
            d_a = delta @ Theta if i else 0.0
            last = d_a[0, 0] if i else last
            layers[i], results[i] = (a, Theta, delta), (results[i][0], delta.T @ a, d_a)
        return layers, results

    several = jax.jit(lambda carry, updates: jax.lax.fori_loop(0, updates, update, carry), donate_argnums=0)
    carry = (layers, results)

    def run(epochs: int) -> None:
        nonlocal carry
        carry = jax.block_until_ready(several(carry, np.int32(epochs * work.per_epoch)))

    return run


def products_by_blas(work: Work, x: np.ndarray) -> Any:
    """The same products by NumPy, into arrays that are there."""
    layers = arrays(work)
    results = [(a @ Theta.T, delta.T @ a, delta @ Theta) for a, Theta, delta in layers]

    def run(epochs: int) -> None:
        for _ in range(epochs * work.per_epoch):
            for (a, Theta, _), (z, _, _) in zip(layers, results, strict=True):
                np.matmul(a, Theta.T, out=z)
            for i in reversed(range(len(layers))):
                (a, Theta, delta), (_, d_theta, d_a) = layers[i], results[i]
                np.matmul(delta.T, a, out=d_theta)
                if i:
                    np.matmul(delta, Theta, out=d_a)

    return run


def copies(work: Work, x: np.ndarray) -> Any:
    """Gathers each batch of an epoch as it is stored, and rewrites the parameters each time."""
    order = jnp.asarray(np.random.default_rng(3).permutation(len(x)).astype(np.int32))

    def update(i: Any, carry: Any) -> Any:
        parameters, _, x, order = carry
        rows = jax.lax.dynamic_slice_in_dim(order, i % work.per_epoch * work.batch, work.batch)
        return -parameters, x.at[rows].get(mode="promise_in_bounds"), x, order

    several = jax.jit(lambda carry, updates: jax.lax.fori_loop(0, updates, update, carry), donate_argnums=0)
    carry = (jnp.ones(parameters(work)), jnp.asarray(x[: work.batch]), jnp.asarray(x), order)

    def run(epochs: int) -> None:
        nonlocal carry
        carry = jax.block_until_ready(several(carry, np.int32(epochs * work.per_epoch)))

    return run
