"""Where a run's seconds go."""

import time

import pytest

from nnjax.system import times as times_module
from nnjax.system.times import Times


def test_parts_add_up_and_a_moment_counts_once(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(times_module, "PROCESS_BEGAN", 98.0)
    times = Times.of_process(imported=100.0)
    for seconds in (1.0, 3.0):
        with times.part("data"):
            now[0] += seconds
    times.mark("first_step")
    now[0] += 5.0
    times.mark("first_step")
    times.add_rest("compose")
    times.mark("total")
    assert times.metrics() == {
        "time/import_seconds": 2.0,
        "time/data_seconds": 4.0,
        "time/first_step_seconds": 6.0,
        "time/compose_seconds": 5.0,
        "time/total_seconds": 11.0,
    }


def test_the_seconds_of_a_part_that_fails_are_counted(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    times = Times()
    with pytest.raises(ValueError, match="wrong"), times.part("figures"):
        now[0] += 1.0
        raise ValueError("wrong")
    assert times.seconds == {"figures": 1.0}
