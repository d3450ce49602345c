"""What readers answer to bad input: an InputError of one line, within a second and 500 MB, never a traceback."""

import functools
import gc
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, settings

from nnjax.errors import InputError

INPUTS = [50, pytest.param(1_000, marks=pytest.mark.ci), pytest.param(10_000, marks=pytest.mark.slow)]
SECONDS = 1.0  # of the processor, an input
MEGABYTES = 500  # that a thousand inputs may add to the process
UNIT = 1e6 if sys.platform == "darwin" else 1e3  # of a megabyte: getrusage(2) counts kilobytes, on macOS bytes
Strategy = hypothesis.strategies.SearchStrategy[Any]


def fuzzed(strategy: Strategy) -> Callable[[Callable[[Path, Any], None]], Callable[[int, Path], None]]:
    """test(folder, value) of 50 and 1,000 values of a strategy, the same each time, and of 10,000 others each time."""

    def decorate(test: Callable[[Path, Any], None]) -> Callable[[int, Path], None]:
        @pytest.mark.parametrize("inputs", INPUTS)
        def run(inputs: int, tmp_path: Path) -> None:
            before = largest()
            chosen = settings(
                max_examples=inputs,
                deadline=None,  # of the clock: a busy machine would miss it
                derandomize=inputs <= 1_000,
                database=None,
                suppress_health_check=list(HealthCheck),
            )

            @chosen
            @hypothesis.given(strategy)
            def each(value: Any) -> None:
                started = time.thread_time()  # other tests' threads may still be at work
                test(tmp_path, value)
                assert time.thread_time() - started < SECONDS

            gc.freeze()  # what other tests left is not looked through for garbage within one input's time
            each()
            assert largest() - before < MEGABYTES

        functools.update_wrapper(run, test, assigned=("__name__", "__qualname__", "__doc__", "__module__"), updated=())
        del run.__wrapped__  # pytest would take the arguments of the test itself
        return run

    return decorate


def largest() -> float:
    """The most memory that this process ever had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNIT


def answered(read: Callable[[], Any]) -> Any:
    """What read returns, or None if it raises an InputError, which is one line of a readable length."""
    try:
        return read()
    except InputError as error:
        line = str(error)
        assert line.strip()
        assert len(line.splitlines()) == 1
        assert len(line) < 5_000
        assert line.isprintable()
        return None
