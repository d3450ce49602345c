"""Runs in an MLflow store: created safely, then everything a run writes there.

Every call names its run, so that threads may write to several at once; mlflow's global active run is never used.
Whatever fails on the way to the store reaches the caller as a StoreError of one line.
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

# mlflow's own limits, in characters and in points
LONGEST_KEY, LONGEST_PARAM, LONGEST_TAG, LONGEST_DATASET, METRICS_A_CALL = 250, 6000, 8000, 500, 1000
SHOWN_DIGEST = 12  # characters of it beside a data set's name, where the table is narrow
PARENT, MEMBER = "mlflow.parentRunId", "member"  # tags of a child run
ROOT = "run_folder"  # tag of a run: where its files are
RECORD = "record"  # tag of a run: which record (tracking/journal.py) it is a copy of
PAGE = 1000  # runs of a search at once
CREATION = 60  # seconds to wait while another process creates the store; it takes two


@event.listens_for(Engine, "connect")
def _sync_less(connection: Any, _: Any) -> None:
    """A write-ahead log survives a power cut without waiting for the disk at each commit (sqlite.org/wal.html)."""
    if isinstance(connection, sqlite3.Connection):
        (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
        if mode == "wal":
            connection.execute("PRAGMA synchronous = NORMAL")


@dataclass(frozen=True)
class Run:
    """One run in the store at uri: the methods write to it, `finish` ends it, url_hint says how to see it."""

    client: MlflowClient
    uri: str
    experiment: str
    experiment_id: str
    id: str
    url_hint: str

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Settings with dotted keys, as text; a value longer than mlflow takes is cut."""
        entries = [Param(key[:LONGEST_KEY], str(value)[:LONGEST_PARAM]) for key, value in params.items()]
        with reaching(self.uri):
            self.client.log_batch(self.id, params=entries)

    def log_metrics(self, points: Mapping[str, Sequence[tuple[int, float]]], timestamp_ms: int) -> None:
        """Points (step = epoch, value) of each metric, all with one timestamp in milliseconds since 1970.

        A point that is NaN or infinite is left out. The same call again, timestamp included, changes nothing.
        """
        self.log_points(
            [(name, step, value, timestamp_ms) for name, series in points.items() for step, value in series]
        )

    def log_points(self, points: Sequence[tuple[str, int, float, int]]) -> None:
        """The same of points with their own times: (name, step, value, milliseconds since 1970)."""
        metrics = [Metric(name, float(x), ms, int(step)) for name, step, x, ms in points if math.isfinite(x)]
        with reaching(self.uri):
            for start in range(0, len(metrics), METRICS_A_CALL):
                self.client.log_batch(self.id, metrics=metrics[start : start + METRICS_A_CALL])

    def log_dataset(
        self, name: str, source: str, digest: str, splits: Mapping[str, Sequence[int]], context: str = "training"
    ) -> None:
        """The data as the run's input: digest is the sha256 of all of them, splits the shape of each part, rows first.

        The table shows name and the digest's first 12 characters; the profile holds all of it, rows and shapes.
        """
        rows = {f"{split}_rows": int(shape[0]) for split, shape in splits.items()}
        shapes = {f"{split}_shape": [int(length) for length in shape] for split, shape in splits.items()}
        profile = json.dumps({"num_rows": sum(rows.values()), **rows, **shapes, "sha256": digest})
        kind, key = ("http", "url") if urlsplit(source).scheme in ("http", "https") else ("local", "uri")
        dataset = Dataset(
            name[:LONGEST_DATASET], digest[:SHOWN_DIGEST], kind, json.dumps({key: source}), profile=profile
        )
        with reaching(self.uri):
            self.client.log_inputs(self.id, [DatasetInput(dataset, [InputTag("mlflow.data.context", context)])])

    def missing_params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the params that the run hasn't got: mlflow lets none be changed."""
        with reaching(self.uri):
            there = self.client.get_run(self.id).data.params
        return {key: value for key, value in params.items() if key[:LONGEST_KEY] not in there}

    def log_text(self, text: str, path: str) -> None:
        """Text as the artifact path."""
        with reaching(self.uri):
            self.client.log_text(self.id, text, path)

    def log_files(self, folder: str | Path, path: str | None = None) -> None:
        """All files of a folder as artifacts, below path where one is given."""
        with reaching(self.uri):
            self.client.log_artifacts(self.id, str(folder), path)

    def log_file(self, file: str | Path, path: str | None) -> None:
        """A file as an artifact below path, or beside all others."""
        with reaching(self.uri):
            self.client.log_artifact(self.id, str(file), path)

    def tags(self) -> Mapping[str, str]:
        """All tags as they are now."""
        with reaching(self.uri):
            return dict(self.client.get_run(self.id).data.tags)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Tags, as text; a value longer than mlflow takes is cut."""
        entries = [RunTag(key[:LONGEST_KEY], str(value)[:LONGEST_TAG]) for key, value in tags.items()]
        with reaching(self.uri):
            self.client.log_batch(self.id, tags=entries)

    def finish(self, status: Status, ended_ms: int | None = None) -> None:
        """End the run, now or then (milliseconds since 1970).

        An SQLite store is whole in its one file again, unless somebody else is writing to it.
        """
        with reaching(self.uri):
            self.client.set_terminated(self.id, status, ended_ms)
            if database := sqlite_path(self.uri):
                with closing(sqlite3.connect(database, timeout=PATIENCE)) as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


class Found(NamedTuple):
    """A run as the store has it, values as text; parent: the id of the sweep it belongs to, or "".

    experiment_id: of the table it is in.
    """

    id: str
    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    parent: str
    experiment_id: str


@dataclass(frozen=True)
class Child:
    """What is recorded of one member of a sweep; points: metric -> (step, value), times in milliseconds since 1970."""

    member: str
    name: str
    params: Mapping[str, Any]
    points: Mapping[str, Sequence[tuple[int, float]]]
    tags: Mapping[str, Any]
    status: Status
    started_ms: int
    ended_ms: int


def tagged(key: str, value: Any) -> str:
    """The query for runs with a tag."""
    quote = '"' if "'" in str(value) else "'"
    return f"tags.{key} = {quote}{value}{quote}"


def find_run(uri: str | None, run_id: str, start_folder: str | Path) -> Run | None:
    """A run of the store, set to RUNNING; None where there is no such run."""
    found = _runs(uri, start_folder, f"attributes.run_id = '{run_id}'")
    return _again(uri, start_folder, found)


def find_record(uri: str | None, record: str, start_folder: str | Path) -> Run | None:
    """The run that is a copy of this record, set to RUNNING; None where there is none yet."""
    return _again(uri, start_folder, _runs(uri, start_folder, tagged(RECORD, record)))


def find_parent(uri: str | None, root: str | Path, start_folder: str | Path) -> Run | None:
    """The run of the sweep in a folder, set to RUNNING; None where there is none yet."""
    found = _runs(uri, start_folder, tagged(ROOT, root))
    return _again(uri, start_folder, [run for run in found if PARENT not in run.data.tags])


def _runs(uri: str | None, start_folder: str | Path, query: str) -> list[Any]:
    """The runs of all experiments that a query selects; none where there is no store yet."""
    store = store_uri(uri, start_folder)
    database = sqlite_path(store)
    if database and not database.exists():
        return []
    with reaching(store):
        if database:
            check_writable(database)  # which takes seconds: mlflow itself would try for minutes
        client = MlflowClient(tracking_uri=store, registry_uri=store)
        experiments = [str(each.experiment_id) for each in client.search_experiments()]
        return list(_pages(client, experiments, query))


def _again(uri: str | None, start_folder: str | Path, found: Sequence[Any]) -> Run | None:
    """A run that was found, to be written to again."""
    if not found:
        return None
    store, run_id = store_uri(uri, start_folder), found[0].info.run_id
    with reaching(store):
        client = MlflowClient(tracking_uri=store, registry_uri=store)
        client.update_run(run_id, status="RUNNING")
        experiment = client.get_experiment(found[0].info.experiment_id)
    hint = look(store, start_folder, experiment.experiment_id, run_id)
    return Run(client, store, experiment.name, experiment.experiment_id, run_id, hint)


def search(uri: str | None, start_folder: str | Path, experiment: str | None = None, query: str = "") -> list[Found]:
    """The runs of an experiment, or of all, that a query of mlflow's selects; the latest first.

    Raises InputError where there is no such experiment or store.
    """
    store = store_uri(uri, start_folder)
    if (database := sqlite_path(store)) and not database.exists():
        raise InputError(f"tracking.uri: there is no {database}: nothing was recorded in this folder")
    with reaching(store):
        client = MlflowClient(tracking_uri=store, registry_uri=store)
        known = {each.name: str(each.experiment_id) for each in client.search_experiments()}
        if experiment is not None and experiment not in known:
            raise InputError(f"--experiment={experiment} is not an experiment", known, nearest(experiment, known))
        ids = [known[experiment]] if experiment is not None else list(known.values())
        return [_found(run) for run in _pages(client, ids, query)]


def download(uri: str | None, start_folder: str | Path, run_id: str, path: str, folder: str | Path) -> Path | None:
    """An artifact of a run, copied to a folder; None if the run has no such artifact."""
    store = store_uri(uri, start_folder)
    with reaching(store):
        client = MlflowClient(tracking_uri=store, registry_uri=store)
        folder_there, _, _ = path.rpartition("/")
        if path not in [item.path for item in client.list_artifacts(run_id, folder_there or None)]:
            return None
        return Path(client.download_artifacts(run_id, path, str(folder)))


def _found(run: Any) -> Found:
    info, data = run.info, run.data
    parent = data.tags.get(PARENT, "")
    return Found(info.run_id, info.run_name, data.params, data.metrics, data.tags, parent, str(info.experiment_id))


def log_children(parent: Run, children: Iterable[Child]) -> None:
    """Child runs, each once: one that is there as it should be is left alone, any other is completed or corrected."""
    with reaching(parent.uri):
        query = f"tags.{PARENT} = '{parent.id}'"
        runs = _pages(parent.client, [parent.experiment_id], query)
        there = {run.data.tags.get(MEMBER): run for run in runs}
        for child in children:
            found = there.get(child.member)
            wanted = (child.status, child.name, child.ended_ms)
            if found is None or (found.info.status, found.info.run_name, found.info.end_time) != wanted:
                _log_child(parent, child, found)


def _pages(client: MlflowClient, experiments: Sequence[str], query: str) -> Iterator[Any]:
    """All runs that a query selects, page by page."""
    token: str | None = ""
    while token is not None:
        page = client.search_runs(list(experiments), query, max_results=PAGE, page_token=token or None)
        yield from page
        token = page.token or None


def _log_child(parent: Run, child: Child, found: Any) -> None:
    """A new child, or what is missing or has changed of one that is there."""
    client, tags = parent.client, {PARENT: parent.id, MEMBER: child.member, **child.tags}
    if found is None:
        user = {"mlflow.user": _user()}
        run_id = client.create_run(parent.experiment_id, child.started_ms, {**tags, **user}, child.name).info.run_id
        tags = {}
    else:
        run_id, tags = found.info.run_id, {**tags, "mlflow.runName": child.name}
    known = found.data.params if found else {}
    params = [Param(key, str(value)[:LONGEST_PARAM]) for key, value in child.params.items() if key not in known]
    told = found is not None and found.info.status == child.status  # a point can't be changed, only told twice
    series = {} if told else child.points
    flat = [(name, step, x) for name, points in series.items() for step, x in points if math.isfinite(x)]
    metrics = [Metric(name, float(x), child.ended_ms, step) for name, step, x in flat]
    client.log_batch(run_id, metrics, params, [RunTag(key, str(value)[:LONGEST_TAG]) for key, value in tags.items()])
    client.set_terminated(run_id, child.status, child.ended_ms)


def open_run(
    uri: str | None,
    experiment: str,
    name: str,
    tags: Mapping[str, Any],
    start_folder: str | Path,
    started_ms: int | None = None,
) -> Run:
    """A new run called name, RUNNING, in the named experiment; store and experiment are created where missing.

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
        texts = {key[:LONGEST_KEY]: str(value)[:LONGEST_TAG] for key, value in tags.items()}
        told = {"mlflow.user": _user(), "mlflow.source.type": "LOCAL", **texts}  # with it, so that it is found by them
        run_id = client.create_run(experiment_id, started_ms, told, name).info.run_id
    return Run(client, store, experiment, experiment_id, run_id, look(store, start_folder, experiment_id, run_id))


@contextmanager
def reaching(store: str) -> Iterator[None]:
    """Quiet for the body; an error of the store becomes a StoreError, of one line."""
    try:
        with quiet():
            yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError, Timeout) as error:
        busy = isinstance(error, Timeout) or "database is locked" in str(error)
        raise refused(store, error, busy) from None


def load(store: str) -> None:
    """Imports what mlflow would import at the first call to a store."""
    if sqlite_path(store):
        with quiet():  # it warns of SQLAlchemy's future
            import mlflow.store.tracking.sqlalchemy_store  # noqa: F401


def _create_database(database: Path) -> None:
    """Create a missing SQLite store under another name, then rename it: nobody ever sees half of one."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # warns of SQLAlchemy's future on import

    if database.exists() and database.stat().st_size > 0:
        return
    check_folder(database)
    with FileLock(database.with_name(f"{database.name}.lock"), timeout=CREATION):
        if database.exists() and database.stat().st_size > 0:
            return
        part = database.with_name(f"{database.name}.part")
        for left_by_a_kill in (part, *(part.with_name(f"{part.name}-{log}") for log in ("journal", "wal", "shm"))):
            left_by_a_kill.unlink(missing_ok=True)
        artifacts = (database.parent / "mlruns").as_uri()
        SqlAlchemyStore(sqlite_uri(part), artifacts).engine.dispose()
        with closing(sqlite3.connect(part)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # reading never waits for writing, nor writing for the disk
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
        raise InputError(f"tracking.experiment must not be a deleted one, got {name!r}: see mlflow experiments restore")
    return str(experiment.experiment_id)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that has no name
        return "unknown"
