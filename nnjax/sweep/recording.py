"""Child runs written by a process of its own: a child takes the store 20 ms of Python, in which nothing else would run.

`python -m nnjax.sweep.recording` reads one line of JSON, an Order, and writes a sweep's lanes as child runs.
"""

import atexit
import gc
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from nnjax.errors import InputError, StoreError


class Order(NamedTuple):
    """Which sweep's lanes to write, below which run of which store."""

    root: str
    start_folder: str
    uri: str | None
    run_id: str


class ChildRuns:
    """The process, which imports what it needs until it is told what to write; use as a context."""

    def __init__(self) -> None:
        package = str(Path(__file__).parents[2])
        paths = os.pathsep.join([package, *filter(None, [os.environ.get("PYTHONPATH")])])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nnjax.sweep.recording"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C at the terminal is for the training: this one still writes what there is
            env={**os.environ, "PYTHONPATH": paths},
        )

    def __enter__(self) -> "ChildRuns":
        return self

    def __exit__(self, *raised: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()

    @property
    def alive(self) -> bool:
        """Whether it is waiting or at work."""
        return self.process.poll() is None

    def write(self, order: Order) -> None:
        """Tells it what to write."""
        assert self.process.stdin is not None
        self.store = str(order.uri)
        with suppress(BrokenPipeError):  # it has died: `wait` says so
            self.process.stdin.write(json.dumps(order) + "\n")
            self.process.stdin.flush()

    def wait(self) -> None:
        """Until all is written.

        Raises:
            StoreError: the store couldn't be reached or written.
        """
        said, noise = self.process.communicate()
        if self.process.returncode:
            last = (noise.strip() or "nothing was said").splitlines()[-1]
            reason = said.strip() or f"writing child runs ended with {self.process.returncode}: {last}"
            raise StoreError(self.store, reason)


def main() -> None:
    """One order, then the end; what goes wrong is the one line that is printed."""
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)  # else the end takes a second more, as in train.main
    import nnjax.sweep.delivery
    import nnjax.tracking.store  # noqa: F401 - seconds, best spent before the order comes

    line = sys.stdin.readline()
    if not line:  # nothing was trained
        return
    order = Order(*json.loads(line))
    # A command that was killed leaves its process at work: it may end before another begins, and nothing is twice.
    with FileLock(Path(order.root) / "children.lock"):
        write(order)


def write(order: Order) -> None:
    """The child runs of an order."""
    from nnjax.sweep import delivery, folder
    from nnjax.sweep.whole import Sweep
    from nnjax.tracking import store

    try:
        sweep = Sweep(Path(order.root), list(folder.parts(Path(order.root))))
        parent = store.find_run(order.uri, order.run_id, order.start_folder)
        if parent is None:
            raise InputError(f"the sweep's run {order.run_id} is gone from the store")
        store.log_children(parent, delivery.children(sweep))
    except InputError as error:
        print(getattr(error, "reason", error))
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
