"""Runs in an MLflow store: created safely, then everything a run writes there.

Every call names its run, so that threads may write to several at once; mlflow's global active run is never used.
Whatever fails on the way to the store reaches the caller as an InputError of one line.
"""

import getpass
import json
import math
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from nnjax.errors import InputError
from nnjax.tracking.location import artifact_location, check_writable, look, sqlite_path, sqlite_uri, store_uri
from nnjax.tracking.quiet import quiet

# mlflow's own limits, in characters and in points
LONGEST_KEY, LONGEST_PARAM, LONGEST_TAG, LONGEST_DIGEST, METRICS_A_CALL = 250, 6000, 8000, 36, 1000
CREATION = 60  # seconds to wait while another process creates the store; it takes two


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
        flat = [(name, step, value) for name, series in points.items() for step, value in series]
        metrics = [Metric(name, float(x), timestamp_ms, int(step)) for name, step, x in flat if math.isfinite(x)]
        with reaching(self.uri):
            for start in range(0, len(metrics), METRICS_A_CALL):
                self.client.log_batch(self.id, metrics=metrics[start : start + METRICS_A_CALL])

    def log_dataset(
        self, name: str, source: str, digest: str, splits: Mapping[str, Sequence[int]], context: str = "training"
    ) -> None:
        """The data as the run's input: digest is the sha256 of all of them, splits the shape of each part, rows first.

        The table shows name and the digest's first 36 characters; the profile holds all of it, rows and shapes.
        """
        rows = {f"{split}_rows": int(shape[0]) for split, shape in splits.items()}
        shapes = {f"{split}_shape": [int(length) for length in shape] for split, shape in splits.items()}
        profile = json.dumps({"num_rows": sum(rows.values()), **rows, **shapes, "sha256": digest})
        kind, key = ("http", "url") if urlsplit(source).scheme in ("http", "https") else ("local", "uri")
        dataset = Dataset(name, digest[:LONGEST_DIGEST], kind, json.dumps({key: source}), profile=profile)
        with reaching(self.uri):
            self.client.log_inputs(self.id, [DatasetInput(dataset, [InputTag("mlflow.data.context", context)])])

    def log_text(self, text: str, path: str) -> None:
        """Text as the artifact path."""
        with reaching(self.uri):
            self.client.log_text(self.id, text, path)

    def log_files(self, folder: str | Path, path: str | None = None) -> None:
        """All files of a folder as artifacts, below path where one is given."""
        with reaching(self.uri):
            self.client.log_artifacts(self.id, str(folder), path)

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Tags, as text; a value longer than mlflow takes is cut."""
        entries = [RunTag(key[:LONGEST_KEY], str(value)[:LONGEST_TAG]) for key, value in tags.items()]
        with reaching(self.uri):
            self.client.log_batch(self.id, tags=entries)

    def finish(self, status: Literal["FINISHED", "FAILED", "KILLED"]) -> None:
        """End the run now."""
        with reaching(self.uri):
            self.client.set_terminated(self.id, status)


def open_run(uri: str | None, experiment: str, name: str, tags: Mapping[str, Any], start_folder: str | Path) -> Run:
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
        run_id = client.create_run(experiment_id, tags={"mlflow.user": _user()}, run_name=name).info.run_id
    run = Run(client, store, experiment, experiment_id, run_id, look(store, start_folder, experiment_id, run_id))
    run.set_tags({"mlflow.source.type": "LOCAL", **tags})
    return run


@contextmanager
def reaching(store: str) -> Iterator[None]:
    """Quiet for the body; an error of the store becomes an InputError of one line."""
    try:
        with quiet():
            yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError, Timeout) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"the store must be reachable and writable, tracking.uri={store} is not: {reason}") from None


def _create_database(database: Path) -> None:
    """Create a missing SQLite store under another name, then rename it: nobody ever sees half of one."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore  # warns of SQLAlchemy's future on import

    if database.exists() and database.stat().st_size > 0:
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(database.with_name(f"{database.name}.lock"), timeout=CREATION):
        if database.exists() and database.stat().st_size > 0:
            return
        part = database.with_name(f"{database.name}.part")
        for left_by_a_kill in (part, part.with_name(f"{part.name}-journal")):
            left_by_a_kill.unlink(missing_ok=True)
        artifacts = (database.parent / "mlruns").as_uri()
        SqlAlchemyStore(sqlite_uri(part), artifacts).engine.dispose()
        os.replace(part, database)


def _experiment_id(client: MlflowClient, store: str, name: str) -> str:
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        # The tag opens the user interface in its view for model training.
        kind = {"mlflow.experimentKind": "custom_model_development"}
        try:
            return client.create_experiment(name, artifact_location(store, name), tags=kind)
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
