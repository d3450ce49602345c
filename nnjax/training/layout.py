"""Which layout is fastest for a number of lanes: a rule from measurements (experiments/benchmarks, `lanes`)."""

import os
from typing import NamedTuple

import jax

from nnjax.network.matmul import TINY
from nnjax.training.vectorize import Layout

HEAVY = 1e7  # multiplications and additions of a lane's update from which on a CPU gains nothing from vmap
WIDE = 8  # instances a batch from which on lanes that share it are faster with one first product,
LARGE = 1e8  # unless an update is as large as this
SUMS = 2**12  # multiplications of all lanes' sums together below which XLA's loop stays one function (cpu.use)


class ExecutionPlan(NamedTuple):
    """What is compiled for lanes.

    Attributes:
        layout: devices, groups and width.
        shared_batches: all lanes have one order of instances, and so one first product.
        one_core: the program is compiled as cpu.ONE_CORE says.
    """

    layout: Layout
    shared_batches: bool
    one_core: bool = False


ALONE = ExecutionPlan(Layout(1, 1, 1), shared_batches=False)


class Workload(NamedTuple):
    """What the choice depends on.

    Attributes:
        products: multiplications of one instance's forward pass, by layer.
        batch_size: instances an update.
        same_order: whether all lanes have the same order of instances.
        accelerator: whether the devices are no CPUs.
    """

    products: tuple[int, ...]
    batch_size: int
    same_order: bool
    accelerator: bool

    @property
    def operations(self) -> int:
        """Multiplications and additions of one lane's update, about: a product forward, two backward (L2, L26, L27)."""
        return 6 * self.batch_size * sum(self.products)

    @property
    def shared(self) -> bool:
        """Whether one first product for all lanes pays: it is most of the work, and that is not too much."""
        fits = self.operations < LARGE or self.accelerator
        most = self.products[0] > sum(self.products) / 2
        return self.same_order and self.batch_size >= WIDE and fits and most and self.widest is None

    @property
    def widest(self) -> int | None:
        """How many lanes side by side at most, where all products are tiny sums; None: any number."""
        largest = self.batch_size * max(self.products)
        return (SUMS - 1) // largest if largest <= TINY and not self.accelerator else None


def plan(strategy: str, lanes: int, devices: int, work: Workload) -> ExecutionPlan:
    """The plan for `auto`, `vmap` or `map`; the layout may have a few lanes more than asked, to fill all devices."""
    if lanes == 1:
        return ALONE._replace(one_core=work.operations < HEAVY and not work.accelerator)
    devices = min(devices, lanes)
    each = -(-lanes // devices)
    if chosen(strategy, work) == "map":
        return ExecutionPlan(Layout(devices, each, 1), shared_batches=False)
    groups = -(-each // work.widest) if work.widest and strategy == "auto" else 1
    return ExecutionPlan(Layout(devices, groups, -(-each // groups)), work.shared)


def chosen(strategy: str, work: Workload) -> str:
    """`auto` resolved: side by side (vmap), unless a lane keeps a CPU busy and none of its products is shared."""
    if strategy != "auto":
        return strategy
    return "map" if work.operations >= HEAVY and not work.accelerator and not work.shared else "vmap"


def most_lanes(bytes_a_lane: float, device: jax.Device) -> int:
    """So many lanes fit in half of the memory that is free."""
    stats = device.memory_stats() if device.platform != "cpu" else None
    if stats:
        free = stats["bytes_limit"] - stats["bytes_in_use"]
    else:
        pages = "SC_AVPHYS_PAGES" if "SC_AVPHYS_PAGES" in os.sysconf_names else "SC_PHYS_PAGES"  # macOS has the latter
        free = os.sysconf(pages) * os.sysconf("SC_PAGE_SIZE")
    return max(1, int(free / 2 / bytes_a_lane))


def describe(strategy: str, lanes: int, plan: ExecutionPlan) -> str:
    """`16 lanes: vmap of 8 on 2 devices, shared batches (auto)`; 128 may be `4 vmaps of 16`."""
    layout = plan.layout
    vmaps = "vmap" if layout.groups == 1 else f"{layout.groups} vmaps"
    how = f"{vmaps} of {layout.width}" if layout.width > 1 else f"map of {layout.groups}"
    shared = ", shared batches" if plan.shared_batches else ""
    devices = f"{layout.devices} device{'s' * (layout.devices > 1)}"
    return f"{lanes} lane{'s' * (lanes > 1)}: {how} on {devices}{shared} ({strategy})"
