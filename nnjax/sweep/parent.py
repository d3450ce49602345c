"""The run in MLflow that stands for a sweep: opened once, by whichever job comes first, and found again later."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from nnjax.config import Config, Tracking
from nnjax.tracking import describe

if TYPE_CHECKING:
    from nnjax.tracking.store import Run


class Parent:
    """Opens the parent by a thread of its own, while a job prepares and trains; use as a context."""

    def __init__(self, config: Config, dataset_name: str, root: Path, start_folder: Path) -> None:
        self.experiment = config.tracking.experiment or dataset_name
        self.tracking, self.root, self.start_folder = config.tracking, root, start_folder

    def __enter__(self) -> "Parent":
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="mlflow")
        self.opening = self.worker.submit(open_parent, self.tracking, self.experiment, self.root, self.start_folder)
        return self

    def check(self) -> None:
        """Raises InputError as soon as it is known that there is no store to write to."""
        if self.opening.done():
            self.opening.result()

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        self.worker.shutdown()
        if kind is None:
            self.opening.result()


def open_parent(tracking: Tracking, experiment: str, root: Path, start_folder: Path) -> "Run | None":
    """The sweep's run, RUNNING: that of an earlier job or command if the store has it; None if tracking is off.

    Raises:
        InputError: the store can't be reached or written.
    """
    if not tracking.enabled:
        return None
    from nnjax.tracking import store

    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / "parent.lock"):  # of several jobs that begin at once, one creates it
        found = store.find_parent(tracking.uri, root, start_folder)
        if found is None:
            source = {"mlflow.source.name": "nnjax.train", "sweep": root.name, store.ROOT: root}
            tags = {**source, **describe.versions(), **describe.git_tags(Path(__file__).parent), **tracking.tags}
            name = tracking.run_name or f"sweep {root.name}"
            found = store.open_run(tracking.uri, experiment, name, tags, start_folder)
    return found
