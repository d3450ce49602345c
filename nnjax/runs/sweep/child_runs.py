"""Child runs written by a process of its own: a child takes the store 20 ms of Python, in which nothing else would run.

`python -m nnjax.runs.sweep.child_runs` is told an Order, writes a sweep's lanes as child runs, and answers with what
went wrong, or null.
"""

import atexit
import gc
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from nnjax.errors import InputError, StoreError
from nnjax.tracking.helper import Asked, Helper


class Order(NamedTuple):
    """Which sweep's lanes to write, below which run of which store."""

    root: str
    start_folder: str
    uri: str | None
    run_id: str


class ChildRuns:
    """The process, which imports what it needs until it is told what to write; use as a context."""

    def __init__(self) -> None:
        self.helper = Helper("nnjax.runs.sweep.child_runs")

    def __enter__(self) -> "ChildRuns":
        return self

    def __exit__(self, *raised: object) -> None:
        self.helper.end()

    @property
    def alive(self) -> bool:
        """Whether it is waiting or at work."""
        return self.helper.alive

    def write(self, order: Order) -> None:
        """Tells it what to write."""
        self.store = str(order.uri)
        self.helper.tell(order)

    def wait(self) -> None:
        """Until all is written.

        Raises:
            StoreError: the store couldn't be reached or written.
        """
        answer = self.helper.hear()
        reason = answer["wrong"] if answer else f"writing child runs {self.helper.last_words()}"
        if reason:
            raise StoreError(self.store, reason)


def main() -> None:
    """One order, then the end; it is carried out though the command that gave it was killed: nothing is twice."""
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)  # else the end takes a second more, as in train.main
    asked = Asked(survives=True)
    import nnjax.runs.sweep.lane_runs
    import nnjax.tracking.mlflow_client  # noqa: F401 - seconds, best spent before the order comes

    order = next(iter(asked), None)
    if order is not None:  # else nothing was trained
        asked.answer({"wrong": write(Order(*order))})


def write(order: Order) -> str | None:
    """The child runs of an order, after whoever writes those of this sweep already; what went wrong."""
    from nnjax.runs.sweep import lane_runs, storage
    from nnjax.runs.sweep.sweep import Sweep
    from nnjax.tracking import mlflow_client

    root = Path(order.root)
    try:
        with FileLock(root / "children.lock"):  # a command that was killed leaves its process at work
            sweep = Sweep(root, list(storage.parts(root)))
            parent = mlflow_client.find_run(order.uri, order.run_id, order.start_folder)
            if parent is None:
                raise InputError(f"the sweep's run {order.run_id} is gone from the store")
            mlflow_client.log_children(parent, lane_runs.children(sweep))
    except InputError as error:
        return str(getattr(error, "reason", error))
    return None


if __name__ == "__main__":
    main()
