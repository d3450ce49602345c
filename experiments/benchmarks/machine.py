"""What benchmarks share: the line that says on what they ran."""

import os
import platform

import jax

from nnjax.runs.provenance import processor_name


def describe() -> str:
    """`AMD EPYC, 2 cores, Python 3.11.7, jax 0.10.2, cpu`."""
    where = f"{processor_name()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{where}, jax {jax.__version__}, {jax.devices()[0].device_kind}"
