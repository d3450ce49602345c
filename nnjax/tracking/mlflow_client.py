"""Runs in an MLflow store: create the store and its runs, write to them, find them.

Every call names its run; MLflow's global active run is never used. An error of the store is raised as a StoreError of
one line.
"""

import getpass
import json
import math
import os
import sqlite3
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from sqlalchemy import Engine, event
from sqlalchemy.exc import SQLAlchemyError

from nnjax.errors import InputError, nearest
from nnjax.tracking import views
from nnjax.tracking.journal import Status
from nnjax.tracking.quiet import quiet
from nnjax.tracking.store_uri import (
    PATIENCE,
    artifact_location,
    check_folder,
    check_writable,
    look,
    refused,
    sqlite_path,
    sqlite_uri,
    store_uri,
)

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "IProgress not found")  # it imports tqdm's bar for notebooks
    from mlflow import MlflowClient
    from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
    from mlflow.exceptions import MlflowException

# MLflow's own limits, in characters and in points
MAX_KEY, MAX_PARAM, MAX_TAG, MAX_DATASET, MAX_POINTS = 250, 6000, 8000, 500, 1000
SHOWN_DIGEST = 12  # characters of a data set's digest in the runs table
PARENT, MEMBER = "mlflow.parentRunId", "member"  # tags of a child run: its sweep, and the identity of its lane
ROOT = "run_folder"  # tag of a run: where its files are
RECORD = "record"  # tag of a run: the id of its journal
PAGE = 1000  # runs in a page of a search
CREATION = 60  # seconds to wait while another process creates the store; it takes two


@event.listens_for(Engine, "connect")
def _wait_for_the_disk_less(connection: Any, _: Any) -> None:
    """Wait for the disk at checkpoints alone: a write-ahead log survives a power cut (sqlite.org/wal.html)."""
    if isinstance(connection, sqlite3.Connection):
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode == "wal":
            connection.execute("PRAGMA synchronous = NORMAL")


@dataclass(frozen=True)
class Run:
    """One run in the store at `uri`, which the methods write to; url_hint: the command or the page that shows it."""

    client: MlflowClient
    uri: str
    experiment: str
    experiment_id: str
    id: str
    url_hint: str

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Write parameters as text; a value that is too long for MLflow is cut."""
        entries = [Param(key[:MAX_KEY], str(value)[:MAX_PARAM]) for key, value in params.items()]
        with reaching(self.uri):
            self.client.log_batch(self.id, params=entries)

    def log_points(self, points: Sequence[tuple[str, int, float, int]]) -> None:
        """Write points: (metric, step, value, milliseconds since 1970).

        A point that is NaN or infinite is left out. The same points again change nothing.
        """
        metrics = [Metric(name, float(x), ms, int(step)) for name, step, x, ms in points if math.isfinite(x)]
        with reaching(self.uri):
            for start in range(0, len(metrics), MAX_POINTS):
                self.client.log_batch(self.id, metrics=metrics[start : start + MAX_POINTS])

    def log_dataset(
        self, name: str, source: str, digest: str, splits: Mapping[str, Sequence[int]], context: str = "training"
    ) -> None:
        """Write the data as the run's input; digest: their sha256; splits: the shape of each part, rows first.

        The runs table shows the name and the digest's first characters; the profile holds all of these facts.
        """
        rows = {f"{split}_rows": int(shape[0]) for split, shape in splits.items()}
        shapes = {f"{split}_shape": [int(length) for length in shape] for split, shape in splits.items()}
        profile = json.dumps({"num_rows": sum(rows.values()), **rows, **shapes, "sha256": digest})
        kind, key = ("http", "url") if urlsplit(source).scheme in ("http", "https") else ("local", "uri")
        dataset = Dataset(name[:MAX_DATASET], digest[:SHOWN_DIGEST], kind, json.dumps({key: source}), profile=profile)
        with reaching(self.uri):
            self.client.log_inputs(self.id, [DatasetInput(dataset, [InputTag("mlflow.data.context", context)])])

    def missing_params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that the run does not have yet: MLflow lets none be changed."""
        with reaching(self.uri):
            existing_params = self.client.get_run(self.id).data.params
        return {key: value for key, value in params.items() if key[:MAX_KEY] not in existing_params}

    def log_file(self, file: str | Path, path: str | None) -> None:
        """Write a file as an artifact, into the folder `path` or at the top."""
        with reaching(self.uri):
            self.client.log_artifact(self.id, str(file), path)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Write tags as text; a value that is too long for MLflow is cut."""
        entries = [RunTag(key[:MAX_KEY], str(value)[:MAX_TAG]) for key, value in tags.items()]
        with reaching(self.uri):
            self.client.log_batch(self.id, tags=entries)

    def finish(self, status: Status, ended_ms: int | None = None) -> None:
        """End the run, now or at a time (milliseconds since 1970).

        An SQLite store is then complete in its one file, unless another process is writing to it.
        """
        with reaching(self.uri):
            self.client.set_terminated(self.id, status, ended_ms)
            if database := sqlite_path(self.uri):
                with closing(sqlite3.connect(database, timeout=PATIENCE)) as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class Found(NamedTuple):
    """A run as the store has it, values as text; parent: the id of its sweep's run, "" without one."""

    id: str
    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    parent: str
    experiment_id: str


def tagged(key: str, value: Any) -> str:
    """Return the query for runs with a tag."""
    quote = '"' if "'" in str(value) else "'"
    return f"tags.{key} = {quote}{value}{quote}"


def find_record(uri: str | None, journal_id: str, start_folder: str | Path) -> Run | None:
    """Return the run of this journal, set to RUNNING; None where there is none yet."""
    return _reopen(uri, start_folder, _runs(uri, start_folder, tagged(RECORD, journal_id)))


def find_parent(uri: str | None, root: str | Path, start_folder: str | Path) -> Run | None:
    """Return the run of the sweep in a folder, set to RUNNING; None where there is none yet."""
    runs = _runs(uri, start_folder, tagged(ROOT, root))
    return _reopen(uri, start_folder, [run for run in runs if PARENT not in run.data.tags])


def _runs(uri: str | None, start_folder: str | Path, query: str) -> list[Any]:
    """Return the runs of all experiments that a query selects; none where there is no store yet."""
    store = store_uri(uri, start_folder)
    database = sqlite_path(store)
    if database and not database.exists():
        return []
    with reaching(store):
        if database:
            check_writable(database)  # within seconds: MLflow itself would try for minutes
        client = MlflowClient(tracking_uri=store, registry_uri=store)
        experiments = [str(each.experiment_id) for each in client.search_experiments()]
        return list(_pages(client, experiments, query))


def _reopen(uri: str | None, start_folder: str | Path, runs: Sequence[Any]) -> Run | None:
    """Return the first of these runs, to be written to again; None where there is none."""
    if not runs:
        return None
    store, run_id = store_uri(uri, start_folder), runs[0].info.run_id
    with reaching(store):
        client = MlflowClient(tracking_uri=store, registry_uri=store)
        client.update_run(run_id, status="RUNNING")
        experiment = client.get_experiment(runs[0].info.experiment_id)
    hint = look(store, start_folder, experiment.experiment_id, run_id)
    return Run(client, store, experiment.name, experiment.experiment_id, run_id, hint)


def search(uri: str | None, start_folder: str | Path, experiment: str | None = None, query: str = "") -> list[Found]:
    """Return the runs of an experiment, or of all, that a query of MLflow selects; the latest first.

    Raises InputError where there is no such experiment or store.
    """
    store = store_uri(uri, start_folder)
    if (database := sqlite_path(store)) and not database.exists():
        raise InputError(f"tracking.uri: there is no {database}: nothing was recorded in this folder")
    with reaching(store):
        client = MlflowClient(tracking_uri=store, registry_uri=store)
        experiments = {each.name: str(each.experiment_id) for each in client.search_experiments()}
        if experiment is not None and experiment not in experiments:
            raise InputError(
                f"--experiment={experiment} is not an experiment", experiments, nearest(experiment, experiments)
            )
        ids = [experiments[experiment]] if experiment is not None else list(experiments.values())
        return [_found(run) for run in _pages(client, ids, query)]


def download(uri: str | None, start_folder: str | Path, run_id: str, path: str, folder: str | Path) -> Path | None:
    """Copy an artifact of a run to a folder and return its path; None if the run has no such artifact."""
    store = store_uri(uri, start_folder)
    with reaching(store):
        client = MlflowClient(tracking_uri=store, registry_uri=store)
        artifact_folder, _, _ = path.rpartition("/")
        if path not in [item.path for item in client.list_artifacts(run_id, artifact_folder or None)]:
            return None
        return Path(client.download_artifacts(run_id, path, str(folder)))


def _found(run: Any) -> Found:
    info, data = run.info, run.data
    parent = data.tags.get(PARENT, "")
    return Found(info.run_id, info.run_name, data.params, data.metrics, data.tags, parent, str(info.experiment_id))


def log_children(parent: Run, children: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Write child runs, each once, and yield the id of each.

    A run that is as it should be is left alone; any other is completed or corrected. children: as
    `journal.read_children` yields them.
    """
    with reaching(parent.uri):
        query = f"tags.{PARENT} = '{parent.id}'"
        runs = _pages(parent.client, [parent.experiment_id], query)
        existing_runs = {run.data.tags.get(MEMBER): run for run in runs}
    for child in children:
        run = existing_runs.get(child["member"])
        expected = (child["status"], child["name"], child["ended"])
        with reaching(parent.uri):
            if run is None or (run.info.status, run.info.run_name, run.info.end_time) != expected:
                yield _log_child(parent, child, run)
            else:
                yield str(run.info.run_id)


def _pages(client: MlflowClient, experiments: Sequence[str], query: str) -> Iterator[Any]:
    """Yield all runs that a query selects, page by page."""
    token: str | None = ""
    while token is not None:
        page = client.search_runs(list(experiments), query, max_results=PAGE, page_token=token or None)
        yield from page
        token = page.token or None


def _log_child(parent: Run, child: Mapping[str, Any], existing_run: Any) -> str:
    """Write a new child run, or what is missing or has changed of an existing one; return its id."""
    client, tags = parent.client, {PARENT: parent.id, MEMBER: child["member"], **child["tags"]}
    if existing_run is None:
        user = {"mlflow.user": _user()}
        new_run = client.create_run(parent.experiment_id, child["started"], {**tags, **user}, child["name"])
        run_id, tags = str(new_run.info.run_id), {}
    else:
        run_id, tags = str(existing_run.info.run_id), {**tags, "mlflow.runName": child["name"]}
    known = existing_run.data.params if existing_run else {}
    params = [Param(key, value[:MAX_PARAM]) for key, value in child["params"].items() if key not in known]
    # A point can't be changed, only recorded twice.
    is_complete = existing_run is not None and existing_run.info.status == child["status"]
    series = {} if is_complete else child["points"]
    points = [(name, step, x) for name, pairs in series.items() for step, x in pairs if math.isfinite(x)]
    metrics = [Metric(name, float(x), child["ended"], step) for name, step, x in points]
    client.log_batch(run_id, metrics, params, [RunTag(key, value[:MAX_TAG]) for key, value in tags.items()])
    client.set_terminated(run_id, child["status"], child["ended"])
    return run_id


def open_run(
    uri: str | None,
    experiment: str,
    name: str,
    tags: Mapping[str, Any],
    start_folder: str | Path,
    started_ms: int | None = None,
) -> Run:
    """Create a run, RUNNING, in the named experiment; store and experiment are created where missing.

    The store is uri, else MLFLOW_TRACKING_URI, else mlflow.db in the start folder. Raises InputError where it can't
    be reached or written, or the experiment was deleted.
    """
    store = store_uri(uri, start_folder)
    with reaching(store):
        if database := sqlite_path(store):
            _create_database(database)
            check_writable(database)
        client = MlflowClient(tracking_uri=store, registry_uri=store)
        experiment_id = _experiment_id(client, store, experiment)
        texts = {key[:MAX_KEY]: str(value)[:MAX_TAG] for key, value in tags.items()}
        # All in one call, so that the run can be found by its tags from the first moment.
        texts = {"mlflow.user": _user(), "mlflow.source.type": "LOCAL", **texts}
        run_id = client.create_run(experiment_id, started_ms, texts, name).info.run_id
    return Run(client, store, experiment, experiment_id, run_id, look(store, start_folder, experiment_id, run_id))


@contextmanager
def reaching(store: str) -> Iterator[None]:
    """Let MLflow print nothing meanwhile; raise an error of the store as a StoreError of one line."""
    try:
        with quiet():
            yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError, Timeout) as error:
        busy = isinstance(error, Timeout) or "database is locked" in str(error)
        raise refused(store, error, busy) from None


def load(store: str) -> None:
    """Import what MLflow would import at the first call to a store."""
    if sqlite_path(store):
        with quiet():  # it warns of a future SQLAlchemy
            import mlflow.store.tracking.sqlalchemy_store  # noqa: F401


def _create_database(database: Path) -> None:
    """Create a missing SQLite store under another name, then rename it: no process ever sees half of one."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # warns of a future SQLAlchemy when imported

    if database.exists() and database.stat().st_size > 0:
        return
    check_folder(database)
    with FileLock(database.with_name(f"{database.name}.lock"), timeout=CREATION):
        if database.exists() and database.stat().st_size > 0:
            return
        part = database.with_name(f"{database.name}.part")
        logs = [part.with_name(f"{part.name}-{log}") for log in ("journal", "wal", "shm")]
        for remains in (part, *logs):  # of a process that was killed here
            remains.unlink(missing_ok=True)
        artifacts = (database.parent / "mlruns").as_uri()
        SqlAlchemyStore(sqlite_uri(part), artifacts).engine.dispose()
        with closing(sqlite3.connect(part)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # readers never wait for a writer
        os.replace(part, database)


def _experiment_id(client: MlflowClient, store: str, name: str) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        tags = views.tags(int(time.time() * 1000))
        try:
            return client.create_experiment(name, artifact_location(store, name), tags=dict(tags))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            experiment = client.get_experiment_by_name(name)
    if experiment is None or experiment.lifecycle_stage != "active":
        problem = f"tracking.experiment={name} is a deleted experiment"
        raise InputError(problem, "another name, or this one after mlflow experiments restore")
    return str(experiment.experiment_id)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container a user may have no name
        return "unknown"
