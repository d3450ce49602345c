"""Networks for boolean functions whose weights are written down, not trained: the lecture's way (L10-L12).

a unit says "w . a >= t":    z = 20 w . a + 10 - 20 t,    so that z >= 10 or z <= -10 for whole numbers w and t
AND -30, 20, 20 (L10)    OR -10, 20, 20    NOT 10, -20    NOR 10, -20, -20 (L11)    bias first: `threshold_units`
XNOR = OR of AND and NOR, a 2-2-1 network (L12)    any other function: `network_of`
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.layers.dense import Layer
from nnjax.network.models import Model, Params, mlp

Table = Bool[np.ndarray, " rows"]
MAX_WEIGHT = 51  # 20 times it has 8 binary digits: exact in any product, of accelerators in bfloat16 too


def threshold_units(weights: Int[np.ndarray, "units inputs"], thresholds: Int[np.ndarray, " units"]) -> Layer:
    """Return a layer of units that say "w . a >= t": Theta = 20 w and b = 10 - 20 t (L10, L11)."""
    return Layer(jnp.array(20.0 * weights), jnp.array(10 - 20.0 * thresholds))


def network_of(table: Table) -> tuple[Model, Params]:
    """Return a network of sigmoid units that computes a truth table: its rounded outputs are the table.

    table: (2^k,), the values for all inputs in order, x1 the most significant bit; k is 1 to 12.

    It maps x (batch, k) to logits (batch, 1), whose sigmoid is h. Without a hidden layer it is k-1, where one unit of
    `weighted_count` suffices: literals joined by & or by |, majorities, ... Otherwise it is k-m-1, the smaller of two
    (the second if they are equal):

    * a hidden unit for each change of the table along the weighted count: "at least t" (parity: m = k);
    * a hidden unit for each of its `cubes`, an & of literals, joined by OR; or, if these are fewer, the cubes of the
      opposite, joined by NOR. XNOR is the lecture's 2-2-1 network: AND and NOR, then OR (L12).

    m <= 2^(k-1): every cube covers a row that no cube before it does, and the table or its opposite has no more rows.
    A hidden unit is wrong by g(-10) = 4.5e-5 at most, which moves the output's z by 20 m g(-10) < 1.9 for k = 12:
    |h - truth| < 3e-4.
    """
    layers = _smallest_network(table)
    sizes = (_num_inputs(table), *(len(layer.b) for layer in layers))
    return mlp(sizes, ACTIVATIONS["sigmoid"], INITIALIZERS["normal"]), layers


def _smallest_network(table: Table) -> Params:
    counting = _counting_network(table)
    if counting is not None and len(counting) == 1:
        return counting
    covering = _covering_network(table)
    return covering if counting is None or len(covering[0].b) <= len(counting[0].b) else counting


def _counting_network(table: Table) -> Params | None:
    """Return units that say how large the weighted count of the inputs is, if the table follows from it."""
    weights = weighted_count(table)
    counts, first_rows, count_of_row = np.unique(_rows(table) @ weights, return_index=True, return_inverse=True)
    values = table[first_rows].astype(int)
    if abs(weights).max() > MAX_WEIGHT or (values[count_of_row] != table).any():
        return None
    changes = np.flatnonzero(np.diff(values)) + 1
    output_threshold = 1 - values[:1]
    if len(changes) == 0:
        return (threshold_units(weights[None], output_threshold),)
    if len(changes) == 1:  # upwards, as the weights point to the ones
        return (threshold_units(weights[None], counts[changes]),)
    hidden = threshold_units(np.tile(weights, (len(changes), 1)), counts[changes])
    return hidden, threshold_units(np.diff(values)[None, changes - 1], output_threshold)


def _covering_network(table: Table) -> Params:
    """Return the OR of a table's cubes, or the NOR of those of its opposite if these are fewer."""
    on, off = cubes(table), cubes(~table)
    literals, sign = (on, 1) if len(on) <= len(off) else (off, -1)
    hidden = threshold_units(literals, (literals > 0).sum(1))
    return hidden, threshold_units(np.full((1, len(literals)), sign), np.array([sign > 0]) * 1)


def weighted_count(table: Table) -> Int[np.ndarray, " inputs"]:
    """Return weights (k,) of a count of the inputs from which the table may follow: the influence of each input.

    In lowest terms, that is the number of ones with x_i = 1 less that with x_i = 0: the parameters of C. K. Chow (On
    the characterization of threshold functions, 1961), equal for inputs that can be exchanged. Where all are 0, as for
    parity, every input on which the table depends counts 1.
    """
    x = _rows(table)
    influence = (2 * x - 1)[table].sum(0)
    if influence.any():
        return influence // np.gcd.reduce(influence)
    cube = table.reshape((2,) * x.shape[1])
    return np.array([(cube != np.flip(cube, axis)).any() for axis in range(cube.ndim)]) * 1


def cubes(table: Table) -> Int[np.ndarray, "cubes inputs"]:
    """Return cubes that cover a table's ones and nothing else, a row each: 1 for x_i, -1 for ~x_i, 0 if left out.

    Rows of the table that aren't covered yet take turns, those with the fewest cubes around them first. Each takes the
    largest cube around it.
    """
    x = _rows(table)
    inputs = x.shape[1]
    inside = table.reshape((2,) * inputs)
    for axis in range(inputs):  # index 2 of an axis: the input is left out
        inside = np.concatenate([inside, inside.all(axis, keepdims=True)], axis)
    num_around = inside.astype(int)
    for axis in range(inputs):  # of 3^k cubes to the number around each row
        zero, one, either = np.split(num_around, 3, axis)
        num_around = np.concatenate([zero + either, one + either], axis)
    num_left_out = x.sum(1)  # inputs that the cubes around a row leave out, in their order
    covered, chosen = ~table.reshape((2,) * inputs), []
    for row in x[np.argsort(num_around.ravel(), kind="stable")]:
        if not covered[tuple(row)]:
            is_cube = inside[tuple(slice(bit, None, 2 - bit) for bit in row)].ravel()
            left_out = x[np.argmax(np.where(is_cube, num_left_out, -1))]
            covered[tuple(slice(None) if free else bit for free, bit in zip(left_out, row, strict=True))] = True
            chosen.append(np.where(left_out, 0, 2 * row - 1))
    chosen.sort(key=lambda literals: tuple(-literals))
    return np.array(chosen).reshape(len(chosen), inputs)


def _num_inputs(table: Table) -> int:
    return len(table).bit_length() - 1


def _rows(table: Table) -> Int[np.ndarray, "rows inputs"]:
    """Return all inputs of a table in order, (2^k, k) of 0 and 1."""
    return (np.arange(len(table))[:, None] >> np.arange(_num_inputs(table))[::-1]) & 1
