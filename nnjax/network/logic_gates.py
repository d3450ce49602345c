"""Networks for boolean functions whose weights are written down, not trained: the lecture's way (L10-L12)."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int

from nnjax.network.activations import ACTIVATIONS
from nnjax.network.initializers import INITIALIZERS
from nnjax.network.layers.dense import Layer
from nnjax.network.models import Model, Params, mlp

Table = Bool[np.ndarray, " rows"]
HEAVIEST = 51  # 20 times it has 8 binary digits: exact in any product, of accelerators in bfloat16 too


def network_of(table: Table) -> tuple[Model, Params]:
    """Return a network of sigmoid units that computes a truth table: its rounded outputs are the table.

    table: (2^k,), the values for all inputs in order, x1 the most significant bit; k is 1 to 12.

    It maps x (batch, k) to logits (batch, 1), whose sigmoid is h. Every unit says
    "w . a >= t", with integers w and t, by weights 20 w and a bias 10 - 20 t, so that z >= 10 or z <= -10:
    AND is -30, 20, 20 (L10), OR -10, 20, 20, NOT 10, -20 and NOR 10, -20, -20 (L11).

    No hidden layer, k-1, where one unit of `weighted_count` suffices: literals joined by & or by |, majorities, ...
    Otherwise k-m-1, the smaller of two (the second if they are equal):

    * a hidden unit for each change of the table along the weighted count: "at least t" (parity: m = k);
    * a hidden unit for each of its `cubes`, an & of literals, joined by OR; or, if these are fewer, the cubes of the
      opposite, joined by NOR. XNOR is the lecture's 2-2-1 network: AND and NOR, then OR (L12).

    m <= 2^(k-1): every cube covers a row that no cube before it does, and the table or its opposite has no more rows.
    A hidden unit is wrong by g(-10) = 4.5e-5 at most, which moves the output's z by 20 m g(-10) < 1.9 for k = 12:
    |h - truth| < 3e-4.
    """
    layers = _layers(table)
    inputs = len(table).bit_length() - 1
    sizes = (inputs, *(len(layer.b) for layer in layers))
    return mlp(sizes, ACTIVATIONS["sigmoid"], INITIALIZERS["normal"]), layers


def units(weights: Int[np.ndarray, "units inputs"], least: Int[np.ndarray, " units"]) -> Layer:
    """A layer of units that say "w . a >= least": Theta = 20 w and b = 10 - 20 least (L10, L11)."""
    return Layer(jnp.array(20.0 * weights), jnp.array(10 - 20.0 * least))


def _layers(table: Table) -> Params:
    counted = _counted(table)
    if counted is not None and len(counted) == 1:
        return counted
    joined = _joined(table)
    return joined if counted is None or len(joined[0].b) <= len(counted[0].b) else counted


def _counted(table: Table) -> Params | None:
    """Units that say how large the weighted count of the inputs is, if the table follows from it."""
    weights = weighted_count(table)
    counts, first, which = np.unique(_rows(table) @ weights, return_index=True, return_inverse=True)
    values = table[first].astype(int)
    if abs(weights).max() > HEAVIEST or (values[which] != table).any():
        return None
    changes = np.flatnonzero(np.diff(values)) + 1
    least = 1 - values[:1]
    if len(changes) == 0:
        return (units(weights[None], least),)
    if len(changes) == 1:  # upwards, as the weights point to the ones
        return (units(weights[None], counts[changes]),)
    return units(np.tile(weights, (len(changes), 1)), counts[changes]), units(np.diff(values)[None, changes - 1], least)


def _joined(table: Table) -> Params:
    """OR of a table's cubes, or NOR of its opposite's where these are fewer."""
    on, off = cubes(table), cubes(~table)
    literals, sign = (on, 1) if len(on) <= len(off) else (off, -1)
    return units(literals, (literals > 0).sum(1)), units(np.full((1, len(literals)), sign), np.array([sign > 0]) * 1)


def weighted_count(table: Table) -> Int[np.ndarray, " inputs"]:
    """Weights (k,) of a count of the inputs from which the table may follow: the influence of each input.

    That is, in lowest terms, the number of ones with x_i = 1 less that with x_i = 0: the parameters of C. K. Chow (On
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
    """Cubes that cover a table's ones and nothing else, a row each: 1 for x_i, -1 for ~x_i, 0 for an input left out.

    Each row of the table not covered yet, those with the fewest cubes around them first, takes the largest around it.
    """
    x = _rows(table)
    inputs = x.shape[1]
    inside = table.reshape((2,) * inputs)
    for axis in range(inputs):  # index 2 of an axis: the input is left out
        inside = np.concatenate([inside, inside.all(axis, keepdims=True)], axis)
    around = inside.astype(int)
    for axis in range(inputs):  # of 3^k cubes to the number around each row
        zero, one, out = np.split(around, 3, axis)
        around = np.concatenate([zero + out, one + out], axis)
    left_out = x.sum(1)  # inputs that the cubes around a row leave out, in their order
    covered, found = ~table.reshape((2,) * inputs), []
    for row in x[np.argsort(around.ravel(), kind="stable")]:
        if not covered[tuple(row)]:
            here = inside[tuple(slice(bit, None, 2 - bit) for bit in row)].ravel()
            out = x[np.argmax(np.where(here, left_out, -1))]
            covered[tuple(slice(None) if free else bit for free, bit in zip(out, row, strict=True))] = True
            found.append(np.where(out, 0, 2 * row - 1))
    found.sort(key=lambda literals: tuple(-literals))
    return np.array(found).reshape(len(found), inputs)


def _rows(table: Table) -> Int[np.ndarray, "rows inputs"]:
    """Return all inputs of a table in order, (2^k, k) of 0 and 1."""
    inputs = len(table).bit_length() - 1
    return (np.arange(len(table))[:, None] >> np.arange(inputs)[::-1]) & 1
