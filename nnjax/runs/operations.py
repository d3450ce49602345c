"""A JAX function as a list of NumPy operations, which `inference.predictor` runs without JAX and without nnjax.

An activation or a model is written once, for JAX. If the predictor has no formula of its own for it, its program is
stored with the network: JAX traces the function, and each primitive of the jaxpr becomes one step.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from nnjax.errors import InputError
from nnjax.inference.predictor import OPERATIONS, ROWS
from nnjax.network.activations import Activation
from nnjax.network.layers.dense import Residuals
from nnjax.network.models import Model

CALLS = {"jit": "jaxpr", "remat2": "jaxpr", "custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr"}
COPIES = ("copy", "copy_p", "optimization_barrier", "reduce_precision")  # primitives that change no number of float32


def activation_program(name: str, activation: Activation) -> dict[str, Any]:
    """Return the program of g(z), for z of any shape. Raises InputError for an operation that NumPy lacks."""
    return _program(f"model.activation={name}", activation.value, jax.ShapeDtypeStruct((), np.float32))


def model_program(name: str, model: Model) -> dict[str, Any]:
    """Return the program of the forward pass of ROWS instances.

    Its inputs are Theta and b of each layer, then x; its outputs are the inputs of each dense layer but the first, then
    z. Raises InputError for an operation that NumPy lacks.
    """
    params = jax.eval_shape(lambda: model.init(jax.random.key(0), 1.0))
    params = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, np.float32), params)
    x = jax.ShapeDtypeStruct((ROWS, *model.input_shape), np.float32)

    def layers(params: Any, x: Any) -> Any:
        z, residuals = model.forward(params, x)
        leaves = jax.tree.leaves(residuals, is_leaf=lambda leaf: isinstance(leaf, Residuals))
        return [*[leaf.x for leaf in leaves if isinstance(leaf, Residuals)][1:], z]

    return _program(f"model={name}", layers, params, x)


def _program(setting: str, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
    """Return the program of a function of arguments of these shapes; `predictor.run_program` has its form."""
    traced = jax.make_jaxpr(function)(*arguments)
    inputs = len(traced.jaxpr.invars)
    steps: list[Any] = []

    def add(name: str, values: Sequence[int], settings: dict[str, Any]) -> int:
        steps.append([name, list(values), settings])
        return inputs + len(steps) - 1

    def constant(number: Any) -> int:
        array = np.asarray(number)
        return add("constant", (), {"kind": str(array.dtype), "numbers": array.tolist()})

    def translate(jaxpr: Jaxpr, constants: Sequence[Any], values: Sequence[int]) -> list[int]:
        places = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*map(constant, constants), *values], strict=True))
        place = lambda atom: constant(atom.val) if isinstance(atom, Literal) else places[atom]  # noqa: E731
        for equation in jaxpr.eqns:
            name, chosen = equation.primitive.name, [place(atom) for atom in equation.invars]
            if name in CALLS:
                inner = equation.params[CALLS[name]]
                closed = inner if isinstance(inner, ClosedJaxpr) else ClosedJaxpr(inner, ())
                results = translate(closed.jaxpr, closed.consts, chosen)
            elif name in COPIES:
                results = chosen
            elif name in OPERATIONS:
                results = [add(name, chosen, {key: _plain(equation.params[key]) for key in OPERATIONS[name][1]})]
            else:
                raise InputError(
                    f"{setting} uses the JAX operation {name}, which prediction with NumPy lacks. "
                    "Allowed: another form of it, or a line for it in OPERATIONS of inference/predictor.py."
                )
            places.update(zip(equation.outvars, results, strict=True))
        return [place(atom) for atom in jaxpr.outvars]

    return {"outputs": translate(traced.jaxpr, traced.consts, range(inputs)), "steps": steps}


def _plain(setting: Any) -> Any:
    """Return a setting of a primitive as JSON has it."""
    if isinstance(setting, tuple | list):
        return [_plain(part) for part in setting]
    if isinstance(setting, np.integer):
        return int(setting)
    return str(setting) if isinstance(setting, np.dtype) else setting
