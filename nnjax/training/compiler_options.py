"""How JAX uses a CPU. Both settings hold from its first computation in the process on; after that they change nothing.

Loops of little work, such as XOR's updates, are compiled into one function each, where XLA would otherwise call a
function an operation. With jax 0.10 XOR takes a fifth of the time, softmax regression by single instances two thirds.
"""

import os

import jax

# Options of `jax.jit` for a small network alone: but for products, no operation is divided among cores. XLA counts the
# whole data where a batch is gathered, and has a few thousand bytes of it done by two cores, which costs more than it
# saves: 784-30-10 with batches of 10 takes 0.85 of the time without.
ONE_CORE = {"xla_disable_hlo_passes": "cpu-parallel-task-assigner"}
SMALL = 2**18  # bytes that a pass of a loop touches
OPTIONS = "--xla_backend_extra_options"


def use() -> None:
    """A device a core, and small loops as one function each; XLA_FLAGS with backend options of its own stay."""
    try:
        jax.config.update("jax_num_cpu_devices", os.cpu_count())
    except RuntimeError:  # JAX has started already, as in a notebook
        return
    flags = os.environ.get("XLA_FLAGS", "")
    if OPTIONS not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {OPTIONS}=xla_cpu_small_while_loop_byte_threshold={SMALL}".strip()
