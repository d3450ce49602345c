"""The address of a store: its database file, its artifacts, and the command that shows a run."""

import os
import re
import shlex
import socket
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from nnjax.errors import InputError, StoreError
from nnjax.system.secrets import remove_password

SCHEMES = ("sqlite", "http", "https", "postgresql", "mysql", "mssql", "databricks")
NO_REASON = "(raised as a result of"  # begins a line of SQLAlchemy that says nothing of the store
PATIENCE = 5  # seconds to wait for another program's lock of a database
CONNECTING = 3  # seconds to wait for a connection to a server


def store_uri(uri: str | None, start_folder: str | Path) -> str:
    """Return the store's address: uri, else MLFLOW_TRACKING_URI, else mlflow.db in the start folder.

    The path of an SQLite store becomes absolute. Raises InputError for an address at which MLflow has no store.
    """
    address = uri or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    scheme = address.partition(":")[0].partition("+")[0]
    if scheme not in SCHEMES or address in ("sqlite://", "sqlite:///", "sqlite:///:memory:"):
        public_address = public(address) if "//" in address else address.rpartition("@")[2]
        problem = f"tracking.uri={public_address} is not the address of a store"
        raise InputError(problem, "sqlite:///FILE, http://HOST:PORT, or the address of a database")
    if scheme != "sqlite":
        return address
    return sqlite_uri(Path(start_folder).absolute() / unquote(address.removeprefix("sqlite:///")))


def sqlite_uri(database: Path) -> str:
    """Return the address of an SQLite file, with the quotes that MLflow expects and no others."""
    return "sqlite:///" + str(database).replace("%", "%25").replace("?", "%3F")


def sqlite_path(store: str) -> Path | None:
    """Return the database file of an absolute SQLite address, None for any other store."""
    return Path(unquote(store.removeprefix("sqlite:///"))) if store.startswith("sqlite:///") else None


def public(store: str) -> str:
    """Return the address without user and password, to be shown and recorded."""
    return store if store.startswith("sqlite:") else remove_password(store)


def known_as(store: str) -> str:
    """Return the address with user and password if MLFLOW_TRACKING_URI has them, else as it was recorded."""
    address = os.environ.get("MLFLOW_TRACKING_URI", "")
    return address if public(address) == store else store


def refused(store: str, error: Exception | str, busy: bool = False) -> StoreError:
    """Return the error that says, in a line without password, why a store can't be reached or written."""
    lines = [line for line in str(error).splitlines() if not line.startswith(NO_REASON)]
    reason = lines[0] if lines else type(error).__name__
    return StoreError(public(store), remove_password(reason.replace(store, public(store))), busy)


def check_there(store: str) -> None:
    """Raise StoreError where a look from outside shows that there can't be a store, before MLflow is imported.

    A database that another program is using passes, and so does a server that is busy.
    """
    try:
        database, server = sqlite_path(store), urlsplit(store)
        if database:
            _check_file(database)
        elif server.scheme in ("http", "https"):
            host, port = server.hostname or "", server.port or {"http": 80, "https": 443}[server.scheme]
            if server.scheme not in getproxies() or proxy_bypass(host):
                socket.create_connection((host, port), timeout=CONNECTING).close()
    except ValueError:  # its text may hold a part of the password
        raise refused(store, "not an address") from None
    except (OSError, sqlite3.Error) as error:
        raise refused(store, error) from None


def _check_file(database: Path) -> None:
    """Raise OSError or sqlite3.Error unless the file is a database that can be written, or can be made.

    SQLite alone opens it: closing a file that it has open in this process would take its locks away (sqlite.org,
    How To Corrupt An SQLite Database File, 2.2).
    """
    if not database.exists():
        check_folder(database)
    elif not database.is_file():
        raise OSError("unable to open database file")
    elif not os.access(database, os.W_OK):
        raise OSError("attempt to write a readonly database")
    else:
        with closing(sqlite3.connect(database, timeout=0)) as connection, suppress(sqlite3.OperationalError):  # in use
            connection.execute("PRAGMA schema_version")


def check_folder(database: Path) -> None:
    """Raise OSError unless a database can be made there; its folder must exist."""
    folder = database.parent
    if not folder.is_dir():
        raise OSError(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(f"no database can be made in {folder}")


def artifact_location(store: str, experiment: str) -> str | None:
    """Return the folder for artifacts beside an SQLite store's file; None: the store's own choice."""
    database = sqlite_path(store)
    folder = re.sub(r"[^\w-]+", "_", experiment)
    return (database.parent / "mlruns" / folder).as_uri() if database else None


def check_writable(database: Path) -> None:
    """Take and release the write lock of an SQLite file; raise sqlite3.Error or OSError if PATIENCE is not enough."""
    with closing(sqlite3.connect(database, timeout=PATIENCE, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def look(store: str, start_folder: str | Path, experiment_id: str, run_id: str) -> str:
    """Return the command to type or the page to open to see a run, without password."""
    if store.startswith(("http:", "https:")):
        return f"{public(store).rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"
    if sqlite_path(store) == Path(start_folder).absolute() / "mlflow.db":
        return "mlflow ui"
    return f"mlflow ui --backend-store-uri {shlex.quote(public(store))}"
