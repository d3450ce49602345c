"""The run in MLflow that stands for a sweep: opened once, by whichever job comes first, and found again later."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from nnjax.config.schema import Config, Tracking
from nnjax.errors import StoreError
from nnjax.runs import provenance
from nnjax.tracking import store_uri

if TYPE_CHECKING:
    from nnjax.tracking.mlflow_client import Run

KILLED_PATIENCE = 1.0  # seconds that a sweep waits for its store after Ctrl-C, to open a run and again to end it


class Parent:
    """Opens the parent by a thread of its own, while a job prepares and trains; use as a context.

    A store that can't be written just now costs no lane: the delivery tries again.

    Raises:
        StoreError: on entering: there is no store to write to, so nothing is trained.
    """

    def __init__(self, config: Config, dataset_name: str, root: Path, start_folder: Path) -> None:
        self.experiment = config.tracking.experiment or dataset_name
        self.tracking, self.root, self.start_folder = config.tracking, root, start_folder
        self.wrong: BaseException | None = None

    def __enter__(self) -> "Parent":
        if self.tracking.enabled:
            store_uri.check_there(store_uri.store_uri(self.tracking.uri, self.start_folder))
        self.worker = threading.Thread(target=self.open, name="mlflow", daemon=True)
        self.worker.start()
        return self

    def open(self) -> None:
        """Opens it."""
        try:
            open_parent(self.tracking, self.experiment, self.root, self.start_folder)
        except StoreError:
            pass
        except BaseException as error:
            self.wrong = error

    def check(self) -> None:
        """Raises what no later try can mend, as soon as it is known: InputError for an experiment that was deleted."""
        if self.wrong is not None:
            raise self.wrong

    def __exit__(self, kind: type[BaseException] | None, *raised: object) -> None:
        killed = kind is not None and issubclass(kind, KeyboardInterrupt)
        self.worker.join(KILLED_PATIENCE if killed else None)
        if kind is None:
            self.check()


def open_parent(tracking: Tracking, experiment: str, root: Path, start_folder: Path) -> "Run | None":
    """The sweep's run, RUNNING: that of an earlier job or command if the store has it; None if tracking is off.

    Raises:
        InputError: the store can't be reached or written.
    """
    if not tracking.enabled:
        return None
    from nnjax.tracking import mlflow_client

    root.mkdir(parents=True, exist_ok=True)
    with FileLock(root / "parent.lock"):  # of several jobs that begin at once, one creates it
        found = mlflow_client.find_parent(tracking.uri, root, start_folder)
        if found is None:
            source = {"mlflow.source.name": "nnjax.train", "sweep": root.name, mlflow_client.ROOT: root}
            tags = {**source, **provenance.versions(), **provenance.git_tags(Path(__file__).parent), **tracking.tags}
            name = tracking.run_name or f"sweep {root.name}"
            found = mlflow_client.open_run(tracking.uri, experiment, name, tags, start_folder)
    return found
