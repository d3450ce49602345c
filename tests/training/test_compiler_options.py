"""XLA's settings for CPUs: said once, beside those of the user, and of an effect that lasts."""

import os
import subprocess
import sys

import jax
import pytest

from nnjax.training import compiler_options

LOOP = """
import os, jax, jax.numpy as jnp
from nnjax.training import compiler_options
compiler_options.use()
step = lambda i, x: jnp.tanh((x[:, :, None] * x).sum(1))
program = jax.jit(lambda x: jax.lax.fori_loop(0, jnp.int32(9), step, x)).lower(jnp.eye(8)).compile()
print(len(jax.devices()) == os.cpu_count(), "xla_cpu_small_call" in program.as_text())
"""


@pytest.fixture
def fresh(monkeypatch):
    """As in a process in which JAX hasn't started."""
    monkeypatch.setattr(jax.config, "update", lambda *_: None)


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("given", ["", "--xla_cpu_enable_fast_min_max=true"])
def test_what_the_user_said_stays(monkeypatch, given):
    monkeypatch.setenv("XLA_FLAGS", given)
    compiler_options.use()
    once = os.environ["XLA_FLAGS"]
    compiler_options.use()
    assert os.environ["XLA_FLAGS"] == once
    assert once.startswith(given)
    assert (
        once.split()[-1]
        == f"--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold={compiler_options.SMALL}"
    )


@pytest.mark.usefixtures("fresh")
def test_backend_options_of_the_users_own_stay_alone(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", own := "--xla_backend_extra_options=xla_cpu_disable_loop_unrolling=true")
    compiler_options.use()
    assert os.environ["XLA_FLAGS"] == own


def test_nothing_is_said_that_has_no_effect_any_more(monkeypatch):
    """Provenance has XLA_FLAGS: a process in which JAX started without them was not run with them."""

    def started(*_):
        raise RuntimeError("should be updated before backends are initialized")

    monkeypatch.setattr(jax.config, "update", started)
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    compiler_options.use()
    assert "XLA_FLAGS" not in os.environ


@pytest.mark.ci
def test_a_loop_of_some_kilobytes_is_one_function():
    known = ("XLA_FLAGS", "JAX_NUM_CPU_DEVICES")
    environment = {name: value for name, value in os.environ.items() if name not in known}
    done = subprocess.run([sys.executable, "-c", LOOP], env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["True", "True"], done.stderr
