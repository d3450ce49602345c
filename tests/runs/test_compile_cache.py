"""The folder of compiled programs: private, and whatever lies there stops no run."""

import logging
import warnings

import jax
import numpy as np
import pytest

from nnjax.runs import compile_cache

KEYS = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")


@pytest.fixture(autouse=True)
def as_before():
    values, show = {key: getattr(jax.config, key) for key in KEYS}, warnings.showwarning
    yield
    warnings.showwarning = show
    for key, value in values.items():
        jax.config.update(key, value)
    compile_again()


def compile_again():
    """JAX looks at its settings anew, and has no program in memory."""
    from jax.experimental.compilation_cache import compilation_cache

    compilation_cache.reset_cache()
    jax.clear_caches()


def seventeen_times(x):
    return 17 * x


def run():
    compile_again()
    return jax.jit(seventeen_times)(np.arange(3.0))


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: bytes(len(data)), lambda data: b""]
)
def test_a_damaged_program_is_compiled_again_and_replaced(tmp_path, damage, caplog):
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING, "nnjax.runs.compile_cache"):
        warnings.simplefilter("always")
        compile_cache.use_cache(str(tmp_path / "xla"))
        run()
        (entry,) = [path for path in (tmp_path / "xla").iterdir() if "seventeen" in path.name]
        whole = entry.read_bytes()
        entry.write_bytes(damage(whole))
        assert run().tolist() == [0, 17, 34]
        assert caplog.messages == [
            "a program in the compile cache was damaged, so jit_seventeen_times is compiled again"
        ]
        assert len(entry.read_bytes()) > len(whole) / 2
        run()
        assert len(caplog.messages) == 1


def test_other_warnings_are_shown(tmp_path):
    shown = []
    warnings.showwarning = lambda message, *where, **also: shown.append(str(message))
    compile_cache.use_cache(str(tmp_path / "a"))
    compile_cache.use_cache(str(tmp_path / "b"))
    warnings.showwarning("something else", UserWarning, "file.py", 1)
    assert shown == ["something else"]


def test_the_folder_is_for_us_alone(tmp_path):
    compile_cache.use_cache(str(tmp_path / "deep" / "xla"))
    assert (tmp_path / "deep" / "xla").stat().st_mode & 0o777 == 0o700
    assert jax.config.jax_compilation_cache_dir == str(tmp_path / "deep" / "xla")


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path, caplog):
    tmp_path.chmod(0o775)
    compile_cache.use_cache(str(tmp_path))
    assert jax.config.jax_compilation_cache_dir is None
    (line,) = caplog.messages
    assert line.startswith(f"runtime.compile_cache={tmp_path} is not used: others may write to it. Allowed: ")


def test_a_folder_that_cannot_be_made_is_not_used(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    compile_cache.use_cache(str(tmp_path / "file" / "xla"))
    assert jax.config.jax_compilation_cache_dir is None
    assert caplog.messages == [f"runtime.compile_cache={tmp_path}/file/xla is not used: Not a directory"]


def test_none_is_no_cache():
    compile_cache.use_cache(None)
    assert jax.config.jax_compilation_cache_dir is None
