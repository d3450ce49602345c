"""How this process uses JAX: its platform, devices and precision, and where compiled programs are kept."""

import jax

from nnjax.config.schema import Runtime
from nnjax.errors import InputError
from nnjax.runs import compile_cache
from nnjax.training import compiler_options
from nnjax.training.precision import PRECISIONS


def configure(runtime: Runtime) -> None:
    """Set the platform, one device for each core of a CPU, the precision, and the compile cache.

    Raises InputError for a platform or a number of devices that isn't here.
    """
    if runtime.platform != "auto":
        jax.config.update("jax_platforms", "cpu" if runtime.platform == "cpu" else f"{runtime.platform},cpu")
    compiler_options.use()
    precision = PRECISIONS[runtime.precision]
    jax.config.update("jax_enable_x64", precision.x64)  # of the process: its next job may have another precision
    jax.config.update("jax_default_matmul_precision", precision.matmul)
    compile_cache.use(runtime.compile_cache)
    try:
        devices = jax.device_count()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"runtime.platform={runtime.platform} can't be had here ({reason}). Allowed: auto, cpu."
        ) from None
    started = {"gpu": "cuda"}.get(jax.default_backend(), jax.default_backend())
    if runtime.platform not in ("auto", started):
        problem = f"comes too late: JAX has started on {started} in this process"
        raise InputError(f"runtime.platform={runtime.platform} {problem}. Allowed: auto, {started}, or a new process.")
    if runtime.devices is not None and runtime.devices > devices:
        raise InputError(f"runtime.devices={runtime.devices} is more than there are here. Allowed: at most {devices}.")


def device_kind() -> str:
    """Return the kind of device that trains, such as `cpu` or `NVIDIA H200`."""
    return str(jax.devices()[0].device_kind)
