"""Configuring JAX for this process: its platform, devices and precision, and the compile cache."""

import jax

from nnjax.config.schema import Runtime
from nnjax.errors import InputError
from nnjax.runs import compile_cache
from nnjax.training import compiler_options
from nnjax.training.precision import PRECISIONS


def configure(runtime: Runtime) -> None:
    """Set the platform, one device for each core of a CPU, the precision, and the compile cache.

    Raises InputError for a platform or a number of devices that this machine does not have.
    """
    if runtime.platform != "auto":
        jax.config.update("jax_platforms", "cpu" if runtime.platform == "cpu" else f"{runtime.platform},cpu")
    compiler_options.use()
    precision = PRECISIONS[runtime.precision]
    jax.config.update("jax_enable_x64", precision.x64)  # an earlier job of this process may have changed it
    jax.config.update("jax_default_matmul_precision", precision.matmul)
    compile_cache.use_cache(runtime.compile_cache)
    try:
        devices = jax.device_count()
    except RuntimeError as error:
        problem = f"is not available here ({str(error).splitlines()[0]})"
        raise InputError(f"runtime.platform={runtime.platform} {problem}. Allowed: auto, cpu.") from None
    started = {"gpu": "cuda"}.get(jax.default_backend(), jax.default_backend())
    if runtime.platform not in ("auto", started):
        problem = f"comes too late: JAX has started on {started} in this process"
        raise InputError(f"runtime.platform={runtime.platform} {problem}. Allowed: auto, {started}, or a new process.")
    if runtime.devices is not None and runtime.devices > devices:
        raise InputError(f"runtime.devices={runtime.devices} is more than JAX has here. Allowed: at most {devices}.")


def device_kind() -> str:
    """Return the kind of device that trains, such as `cpu` or `NVIDIA H200`."""
    return str(jax.devices()[0].device_kind)
