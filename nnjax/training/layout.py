"""Which layout is fastest for a number of lanes: a rule from measurements (experiments/benchmarks, `lanes`).

Lanes side by side (vmap) share the cost of starting each operation, so small networks gain. A network whose products
keep a core busy gains nothing, so its lanes run one after another on each device (map).
"""

import os
from typing import NamedTuple

import jax

from nnjax.network.matmul import TINY
from nnjax.training.vectorize import Layout

HEAVY = 1e7  # multiplications and additions of a lane's update: from here on a CPU gains nothing from vmap
WIDE = 8  # instances a batch: from here on lanes that share batches are faster with one first product,
LARGE = 1e8  # unless an update has so many multiplications and additions
SUMS = 2**12  # multiplications of all lanes' sums: below, XLA's loop stays one function (compiler_options.use)


class ExecutionPlan(NamedTuple):
    """What is compiled for lanes.

    Attributes:
        layout: devices, groups and width.
        shared_batches: whether all lanes have one order of instances, and so one first product.
        one_core: whether the program is compiled with compiler_options.ONE_CORE.
    """

    layout: Layout
    shared_batches: bool
    one_core: bool = False


SINGLE_LANE = ExecutionPlan(Layout(1, 1, 1), shared_batches=False)


class Workload(NamedTuple):
    """What the choice of a plan depends on.

    Attributes:
        products: multiplications of one instance's forward pass, by layer.
        batch_size: instances an update.
        same_order: whether all lanes have the same order of instances.
        accelerator: whether the devices are GPUs or TPUs, not CPUs.
    """

    products: tuple[int, ...]
    batch_size: int
    same_order: bool
    accelerator: bool

    @property
    def operations(self) -> int:
        """Return about how many multiplications and additions a lane's update has, in 3 products a layer."""
        return 6 * self.batch_size * sum(self.products)

    @property
    def shares_batches(self) -> bool:
        """Return whether lanes should share batches, so that the first layer's product is computed once for all.

        This pays if that product dominates the update, and the update is not too large.
        """
        fits = self.operations < LARGE or self.accelerator
        dominates = self.products[0] > sum(self.products) / 2
        return self.same_order and self.batch_size >= WIDE and fits and dominates and self.max_width is None

    @property
    def max_width(self) -> int | None:
        """Return how many lanes may run side by side if all products are tiny sums; None: any number."""
        largest = self.batch_size * max(self.products)
        return (SUMS - 1) // largest if largest <= TINY and not self.accelerator else None


def plan(strategy: str, lanes: int, devices: int, work: Workload) -> ExecutionPlan:
    """Return the plan for `auto`, `vmap` or `map`. Its layout may have a few lanes more, to fill all devices."""
    if lanes == 1:
        return SINGLE_LANE._replace(one_core=work.operations < HEAVY and not work.accelerator)
    devices = min(devices, lanes)
    lanes_a_device = -(-lanes // devices)
    if resolve_strategy(strategy, work) == "map":
        return ExecutionPlan(Layout(devices, lanes_a_device, 1), shared_batches=False)
    groups = -(-lanes_a_device // work.max_width) if work.max_width and strategy == "auto" else 1
    return ExecutionPlan(Layout(devices, groups, -(-lanes_a_device // groups)), work.shares_batches)


def resolve_strategy(strategy: str, work: Workload) -> str:
    """Return `vmap` or `map`. `auto` is vmap, unless a lane keeps a CPU busy and none of its products is shared."""
    if strategy != "auto":
        return strategy
    return "map" if work.operations >= HEAVY and not work.accelerator and not work.shares_batches else "vmap"


def lanes_that_fit(bytes_a_lane: float, device: jax.Device) -> int:
    """Return how many lanes fit in half of the device's free memory, at least 1."""
    stats = device.memory_stats() if device.platform != "cpu" else None
    if stats:
        free = stats["bytes_limit"] - stats["bytes_in_use"]
    else:
        pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"  # macOS has the latter
        free = os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    return max(1, int(free / 2 / bytes_a_lane))


def describe(strategy: str, lanes: int, plan: ExecutionPlan) -> str:
    """Return a plan in words: `16 lanes: vmap of 8 on 2 devices, shared batches (auto)`; 128 may be `4 vmaps of 16`."""
    layout = plan.layout
    vmaps = "vmap" if layout.groups == 1 else f"{layout.groups} vmaps"
    how = f"{vmaps} of {layout.width}" if layout.width > 1 else f"map of {layout.groups}"
    shared = ", shared batches" if plan.shared_batches else ""
    devices = f"{layout.devices} device{'s' * (layout.devices > 1)}"
    return f"{lanes} lane{'s' * (lanes > 1)}: {how} on {devices}{shared} ({strategy})"
