"""What benchmarks share: the line that says on what they ran, and works timed in turn."""

import os
import platform
import time
from collections.abc import Callable, Mapping

import jax
import numpy as np


def describe() -> str:
    """`x86_64, 2 cores, Python 3.11.7, jax 0.10.2, cpu`."""
    where = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{where}, jax {jax.__version__}, {jax.devices()[0].device_kind}"


def in_turn(works: Mapping[str, Callable[[int], object]], rounds: int) -> dict[str, np.ndarray]:
    """Seconds (rounds,) of each work(round), all in turn; a round before these warms up."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for i in range(rounds + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work(i)
            seconds[name].append(time.perf_counter() - started)
    return {name: np.array(values[1:]) for name, values in seconds.items()}
