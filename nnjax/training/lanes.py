"""A program for one network, lifted over lanes: its arguments on the host always carry a lane axis."""

from collections.abc import Callable, Sequence
from typing import Any

import jax


def lift(program: Callable[..., Any], lanes: int, shared: Sequence[int] = ()) -> Callable[..., Any]:
    """`program` over a leading lane axis of every argument and result.

    One lane is never vmapped: its axis is taken off and put back, since vmap of one costs 40 % on a CPU.

    Args:
        program: pure, for one network.
        lanes: how many networks.
        shared: positions of arguments without a lane axis, which all lanes read.
    """

    def single(*args: Any) -> Any:
        one = [arg if i in shared else jax.tree.map(lambda leaf: leaf[0], arg) for i, arg in enumerate(args)]
        return jax.tree.map(lambda leaf: leaf[None], program(*one))

    def several(*args: Any) -> Any:
        axes = [None if i in shared else 0 for i in range(len(args))]
        return jax.vmap(program, in_axes=axes)(*args)

    return single if lanes == 1 else several
