"""From a program for one network to a program for many, its lanes: arguments and results get a leading lane axis.

Lanes are divided among devices (`sharded`). A device goes through its lanes in groups, one after another (`mapped`).
The lanes of a group run side by side (`vmapped`), or a group has one lane (`single`).
"""

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

Program = Callable[..., Any]


class Layout(NamedTuple):
    """How lanes are run: lanes = devices * groups * width.

    Attributes:
        devices: each takes an equal share of the lanes.
        groups: a device goes through them one after another (lax.map).
        width: lanes of a group, side by side (vmap).
    """

    devices: int
    groups: int
    width: int

    @property
    def lanes(self) -> int:
        """Return how many lanes there are."""
        return self.devices * self.groups * self.width


def vectorize(program: Program, layout: Layout, shared: Collection[int] = ()) -> Program:
    """Return `program` over a leading lane axis of every argument and result.

    A group of one lane is never vmapped: its axis is taken off and put back, since vmap of one costs 40 % on a CPU. So
    the result has the bits of the network alone, unless a product is written as a sum (matmul.matmul).

    Args:
        program: pure, for one network.
        layout: where and in which groups the lanes run.
        shared: positions of arguments without a lane axis, which all lanes read.
    """
    group = single(program, shared) if layout.width == 1 else vmapped(program, shared)
    device = group if layout.groups == 1 else mapped(group, layout.groups, shared)
    return device if layout.devices == 1 else sharded(device, devices(layout), shared)


def single(program: Program, shared: Collection[int]) -> Program:
    """Return `program` for one lane: the lane axis is taken off and put back."""

    def run(*args: Any) -> Any:
        one = [arg if i in shared else jax.tree.map(lambda leaf: leaf[0], arg) for i, arg in enumerate(args)]
        return jax.tree.map(lambda leaf: leaf[None], program(*one))

    return run


def vmapped(program: Program, shared: Collection[int]) -> Program:
    """Return `program` for lanes side by side: one more axis of every operation."""

    def run(*args: Any) -> Any:
        return jax.vmap(program, in_axes=[None if i in shared else 0 for i in range(len(args))])(*args)

    return run


def mapped(program: Program, groups: int, shared: Collection[int]) -> Program:
    """Return `program` for groups of lanes, one after another."""

    def run(*args: Any) -> Any:
        def one_group(lanes: dict[int, Any]) -> Any:
            return program(*(lanes.get(i, arg) for i, arg in enumerate(args)))

        split = {i: arg for i, arg in enumerate(args) if i not in shared}
        split = jax.tree.map(lambda leaf: leaf.reshape(groups, -1, *leaf.shape[1:]), split)
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), jax.lax.map(one_group, split))

    return run


def devices(layout: Layout) -> Mesh:
    """Return the layout's devices, in a row."""
    return Mesh(np.array(jax.devices()[: layout.devices]), ("lanes",))


def shardings(layout: Layout) -> tuple[NamedSharding, NamedSharding]:
    """Return where arguments lie: those that all lanes read on every device, and those with a lane axis divided.

    On one device both are the sharding that results have there. Another would compile each program twice.
    """
    mesh = devices(layout)
    everywhere = NamedSharding(mesh, PartitionSpec())
    return everywhere, everywhere if layout.devices == 1 else NamedSharding(mesh, PartitionSpec("lanes"))


def sharded(program: Program, mesh: Mesh, shared: Collection[int]) -> Program:
    """Return `program` with an equal share of the lanes on each device."""

    def run(*args: Any) -> Any:
        specs = tuple(PartitionSpec() if i in shared else PartitionSpec("lanes") for i in range(len(args)))
        # Lanes never talk to each other, so there is nothing for shard_map to check.
        return jax.shard_map(program, mesh=mesh, in_specs=specs, out_specs=PartitionSpec("lanes"), check_vma=False)(
            *args
        )

    return run
