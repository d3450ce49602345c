"""All sides in turn, each in its own process: seconds an update by round, and the arithmetic of comparing them."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import NamedTuple

import numpy as np

from experiments.benchmarks.peers import COPIES, LIMITS, OURS, PEERS, PRODUCTS, Peer
from experiments.benchmarks.process import Process, SideError
from experiments.benchmarks.works import Work

SETTLING = 0.2  # seconds before each turn: threads of the side before wait for more work that long


class Result(NamedTuple):
    """One work, measured.

    Attributes:
        seconds: an update's, (rounds,) of each side; of several numbers of threads the best.
        threads: that number, where one was limited.
        losses: after all turns, of those that have weights.
        absent: why a side is not there.
    """

    seconds: Mapping[str, np.ndarray]
    threads: Mapping[str, int]
    losses: Mapping[str, float]
    absent: Mapping[str, str]


def measure(work: Work, rounds: int, mirror: str | None, sides: Mapping[str, Peer] | None = None) -> Result:
    """Times a work; `sides` are by default all peers and limits. Each round begins with another side."""
    with ExitStack() as stack:
        running: dict[tuple[str, int | None], Process] = {}
        absent = {}
        for name, peer in (sides or PEERS | LIMITS).items():
            if work.model not in peer.models:
                continue
            if not peer.installed:
                absent[name] = f"{peer.needs} is not installed"
                continue
            for threads in peer.threads:
                try:
                    running[name, threads] = stack.enter_context(Process(peer, work, mirror, threads))
                except SideError as error:
                    absent[name] = str(error)
        keys = list(running)
        seconds: dict[tuple[str, int | None], list[float]] = {key: [] for key in keys}
        for i in range(rounds):
            for key in keys[i % len(keys) :] + keys[: i % len(keys)]:
                time.sleep(SETTLING)
                seconds[key].append(running[key].update_seconds())
        best = fastest({key: np.array(values) for key, values in seconds.items()})
        losses = {name: running[name, threads].ask("loss")["loss"] for name, (threads, _) in best.items()}
    return Result(
        {name: values for name, (_, values) in best.items()},
        {name: threads for name, (threads, _) in best.items() if threads},
        {name: loss for name, loss in losses.items() if loss is not None},
        absent,
    )


def fastest(seconds: Mapping[tuple[str, int | None], np.ndarray]) -> dict[str, tuple[int | None, np.ndarray]]:
    """Of each side the number of threads with the lowest median, and its seconds (rounds,)."""
    best: dict[str, tuple[int | None, np.ndarray]] = {}
    for (name, threads), values in seconds.items():
        if name not in best or np.median(values) < np.median(best[name][1]):
            best[name] = (threads, values)
    return best


def quartiles(values: np.ndarray) -> np.ndarray:
    """Lower quartile, median, upper quartile."""
    return np.percentile(values, [25, 50, 75])


def times_ours(result: Result, name: str) -> np.ndarray:
    """How many times nnjax's time a side takes, round by round: quartiles."""
    return quartiles(result.seconds[name] / result.seconds[OURS])


def share(result: Result) -> np.ndarray:
    """Which part of nnjax's time its products alone would take, or its copies where those take longer: quartiles."""
    floor = max((result.seconds[name] for name in (PRODUCTS, COPIES)), key=np.median)
    return quartiles(floor / result.seconds[OURS])
