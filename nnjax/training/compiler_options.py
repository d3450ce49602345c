"""How JAX uses a CPU. The settings of `use` must be made before the first computation of the process.

Loops of little work, such as XOR's updates, are compiled into one function each. XLA would otherwise call a function
for each operation. With jax 0.10 XOR takes a fifth of the time, softmax regression by single instances two thirds.
"""

import os

import jax

# Options of `jax.jit` for one small network: no operation but a product is divided among cores. XLA counts the whole
# data where a batch is gathered, so it gives a few thousand bytes to two cores, which costs more than it saves:
# without that, 784-30-10 with batches of 10 takes 0.85 of the time.
ONE_CORE = {"xla_disable_hlo_passes": "cpu-parallel-task-assigner"}
SMALL = 2**18  # bytes that a pass of a loop touches
OPTIONS = "--xla_backend_extra_options"


def use() -> None:
    """Make each core a device, and each small loop one function. XLA_FLAGS with backend options of its own stay."""
    try:
        jax.config.update("jax_num_cpu_devices", os.cpu_count())
    except RuntimeError:  # JAX has started already, as in a notebook
        return
    flags = os.environ.get("XLA_FLAGS", "")
    if OPTIONS not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {OPTIONS}=xla_cpu_small_while_loop_byte_threshold={SMALL}".strip()
