"""How numbers are stored and multiplied: what each value of `runtime.precision` means.

JAX's own float type alone says float32 or float64. All traced code asks for `float`, so parameters, optimiser,
hyperparameters, inputs, targets, sums and history have one type. Random numbers are drawn in float32 whatever the
precision, so runs that differ in it alone begin with the same weights, order and noise. What is stored as float32
(columns of a table, the file of a trained network) has no more digits than that.

After an epoch of a small network, parameters of order 1 and losses are those of NumPy in float64 within 1e-12
(float64), 1e-5 (float32) and 2^-8 (bfloat16). Rounding errors grow with the number of updates.
"""

from typing import NamedTuple

from nnjax.network.matmul import Product, in_bfloat16, matmul


class Precision(NamedTuple):
    """How a training computes.

    Attributes:
        x64: whether JAX's own float type is float64.
        bytes: of one number.
        product: A, B -> A B, for the products of a layer (L2, L26, L27).
        matmul: `jax_default_matmul_precision` of these and all other products. "highest" is float32's own: without it a
            GPU multiplies float32 in TF32 and a TPU in bfloat16, with relative errors of 1e-3 and 4e-3.
        description: the same in words.
    """

    x64: bool
    bytes: int
    product: Product
    matmul: str
    description: str


PRECISIONS = {
    "float32": Precision(False, 4, matmul, "highest", "float32, products in float32"),
    "float64": Precision(True, 8, matmul, "highest", "float64, products in float64"),
    "bfloat16": Precision(
        False, 4, in_bfloat16, "highest", "float32, products of layers in bfloat16 summed in float32"
    ),
}
