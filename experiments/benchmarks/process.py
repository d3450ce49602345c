"""A side in a process of its own, which stays alive and trains a turn each time it is asked.

What is timed is the turn alone: no start, no compile (the first turn is not counted), no talk between processes.
"""

import importlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import Any

from experiments.benchmarks.peers import Peer
from experiments.benchmarks.works import Work, data, floats, initial, loss

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
SEEN = 10_000  # rows that the loss is taken of


class SideError(Exception):
    """A side's process has ended; the last line that it wrote."""


class Process:
    """A peer that has prepared a work; `with` ends it.

    Args:
        peer, work, mirror: what is trained, on which data (works.data).
        threads: of products and loops; None: as many as there are cores.

    Raises SideError, here and in `ask`.
    """

    def __init__(self, peer: Peer, work: Work, mirror: str | None, threads: int | None = None) -> None:
        self.work = work if peer.compiled else work.short()
        limited = dict.fromkeys(THREADS, str(threads)) if threads else {}
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115, closed by __exit__
        asked = json.dumps([peer.module, dict(peer.settings), self.work, mirror])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "experiments.benchmarks.process", asked],
            env={**os.environ, **limited},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        try:
            self.ask("turn")  # compiles
        except SideError:
            self.__exit__()
            raise

    def ask(self, what: str) -> Mapping[str, Any]:
        """`turn`: trains, {seconds a network, mebibytes}; `loss`: what it has reached, {loss}."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            print(what, file=self.process.stdin, flush=True)
            return json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            self.errors.seek(0)
            said = self.errors.read().strip().splitlines()
            raise SideError(said[-1] if said else "ended without a word") from None

    def update_seconds(self) -> float:
        """Trains a turn; seconds an update."""
        return self.ask("turn")["seconds"] / (self.work.epochs * self.work.per_epoch)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: Any) -> None:
        self.process.terminate()
        self.process.communicate()
        self.errors.close()


def resident() -> float:
    """MiB that this process holds now; where /proc is missing, that it held at most."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() / 2**20
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Answers each line with one of JSON; whatever libraries print goes to the errors."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module, settings, fields, mirror = json.loads(sys.argv[1])
    work = Work(*fields)._replace(units=tuple(fields[Work._fields.index("units")]))
    x, y = data(work, mirror)
    prepare = importlib.import_module(f"experiments.benchmarks.peers.{module}").prepare
    given = initial(work)
    side = prepare(work, x, y, given, **settings)
    for line in sys.stdin:
        if line.strip() == "turn":
            started = time.perf_counter()
            side.train(work.epochs)
            answer = {"seconds": (time.perf_counter() - started) / side.networks, "mebibytes": resident()}
        else:
            weights = side.weights() if given else []
            answer = {"loss": loss(work, weights, floats(x[:SEEN]), y[:SEEN]) if weights else None}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
