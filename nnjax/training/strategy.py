"""Which layout is fastest for a number of lanes: a rule from measurements (experiments/benchmarks, `lanes`)."""

import os
from typing import NamedTuple

import jax

from nnjax.training.lanes import Layout

HEAVY = 1e7  # multiplications and additions of a lane's update from which on a CPU gains nothing from vmap
WIDE = 8  # instances a batch from which on lanes that share it are faster with one first product,
LARGE = 1e8  # unless an update is as large as this


class Plan(NamedTuple):
    """What is compiled for lanes.

    Attributes:
        layout: devices, groups and width.
        shared_batches: all lanes have one order of instances, and so one first product.
    """

    layout: Layout
    shared_batches: bool


ALONE = Plan(Layout(1, 1, 1), shared_batches=False)


class Work(NamedTuple):
    """What the choice depends on.

    Attributes:
        operations: multiplications and additions of one lane's update, about.
        batch_size: instances an update.
        same_order: whether all lanes have the same order of instances.
        accelerator: whether the devices are no CPUs.
        first: the first layer's part of the operations.
    """

    operations: float
    batch_size: int
    same_order: bool
    accelerator: bool
    first: float = 1.0

    @property
    def shared(self) -> bool:
        """Whether one first product for all lanes pays: it is most of the work, and that is not too much."""
        small = self.operations < LARGE or self.accelerator
        return self.same_order and self.batch_size >= WIDE and small and self.first > 0.5


def plan(strategy: str, lanes: int, devices: int, work: Work) -> Plan:
    """The plan for `auto`, `vmap` or `map`; the layout may have a few lanes more than asked, to fill all devices."""
    if lanes == 1:
        return ALONE
    devices = min(devices, lanes)
    each = -(-lanes // devices)
    if chosen(strategy, work) == "map":
        return Plan(Layout(devices, each, 1), shared_batches=False)
    return Plan(Layout(devices, 1, each), work.shared)


def chosen(strategy: str, work: Work) -> str:
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


def words(strategy: str, lanes: int, plan: Plan) -> str:
    """`16 lanes: vmap of 8 on 2 devices, shared batches (auto)`."""
    layout = plan.layout
    how = f"vmap of {layout.width}" if layout.width > 1 else f"map of {layout.groups}"
    shared = ", shared batches" if plan.shared_batches else ""
    devices = f"{layout.devices} device{'s' * (layout.devices > 1)}"
    return f"{lanes} lane{'s' * (lanes > 1)}: {how} on {devices}{shared} ({strategy})"
