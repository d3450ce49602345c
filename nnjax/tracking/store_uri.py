"""Where a store is: its address, the database file behind it, its artifacts, and the command to look at it."""

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
BESIDE_THE_POINT = "(raised as a result of"  # SQLAlchemy's first line may be about itself
PATIENCE = 5  # seconds for another program to let go of a database
CONNECTING = 3  # seconds for a server to answer at all


def store_uri(uri: str | None, start_folder: str | Path) -> str:
    """The store's address: uri, else MLFLOW_TRACKING_URI, else mlflow.db in the start folder, absolute if SQLite.

    Raises InputError where mlflow can't keep a store at such an address.
    """
    given = uri or os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    scheme = given.partition(":")[0].partition("+")[0]
    if scheme not in SCHEMES or given in ("sqlite://", "sqlite:///", "sqlite:///:memory:"):
        shown = public(given) if "//" in given else given.rpartition("@")[2]
        raise InputError(f"tracking.uri must be sqlite:///FILE, http://HOST:PORT or a database's, got {shown!r}")
    if scheme != "sqlite":
        return given
    return sqlite_uri(Path(start_folder).absolute() / unquote(given.removeprefix("sqlite:///")))


def sqlite_uri(database: Path) -> str:
    """The address of an SQLite file; only what would be read as something else is quoted, as mlflow itself expects."""
    return "sqlite:///" + str(database).replace("%", "%25").replace("?", "%3F")


def sqlite_path(store: str) -> Path | None:
    """The database file of an absolute SQLite address, None for any other store."""
    return Path(unquote(store.removeprefix("sqlite:///"))) if store.startswith("sqlite:///") else None


def public(store: str) -> str:
    """The address without user and password, fit to be shown and recorded."""
    return store if store.startswith("sqlite:") else remove_password(store)


def known_as(store: str) -> str:
    """The address with user and password, where MLFLOW_TRACKING_URI has them; else as it was recorded."""
    here = os.environ.get("MLFLOW_TRACKING_URI", "")
    return here if public(here) == store else store


def refused(store: str, error: Exception | str, busy: bool = False) -> StoreError:
    """What can't be done with a store and why, in a line without password: the one place that says so."""
    lines = [line for line in str(error).splitlines() if not line.startswith(BESIDE_THE_POINT)]
    reason = lines[0] if lines else type(error).__name__
    return StoreError(public(store), remove_password(reason.replace(store, public(store))), busy)


def check_there(store: str) -> None:
    """Raises StoreError where a look from outside shows that there can't be a store, before mlflow is imported.

    A database that another program uses just now passes, and so does a server that is busy.
    """
    try:
        database, server = sqlite_path(store), urlsplit(store)
        if database:
            _check_file(database)
        elif server.scheme in ("http", "https"):
            host, port = server.hostname or "", server.port or {"http": 80, "https": 443}[server.scheme]
            if server.scheme not in getproxies() or proxy_bypass(host):
                socket.create_connection((host, port), timeout=CONNECTING).close()
    except ValueError:  # its words may hold a part of the password
        raise refused(store, "not an address") from None
    except (OSError, sqlite3.Error) as error:
        raise refused(store, error) from None


def _check_file(database: Path) -> None:
    """Raises OSError or sqlite3.Error unless the file is a database that can be written, or can be made.

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
    """Raises OSError unless a database can be made there: its folder must be there, none is made for it."""
    folder = database.parent
    if not folder.is_dir():
        raise OSError(f"there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OSError(f"no database can be made in {folder}")


def artifact_location(store: str, experiment: str) -> str | None:
    """A folder beside an SQLite store's file, the same from wherever a run is started; None: the store's own choice."""
    database = sqlite_path(store)
    folder = re.sub(r"[^\w-]+", "_", experiment)
    return (database.parent / "mlruns" / folder).as_uri() if database else None


def check_writable(database: Path) -> None:
    """Take and give back the write lock of an SQLite file; sqlite3.Error or OSError where that fails within 5 s."""
    with closing(sqlite3.connect(database, timeout=PATIENCE, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")


def look(store: str, start_folder: str | Path, experiment_id: str, run_id: str) -> str:
    """What to type, or the page to open, to see the run: printed and recorded, so without password."""
    if store.startswith(("http:", "https:")):
        return f"{public(store).rstrip('/')}/#/experiments/{experiment_id}/runs/{run_id}"
    if sqlite_path(store) == Path(start_folder).absolute() / "mlflow.db":
        return "mlflow ui"
    return f"mlflow ui --backend-store-uri {shlex.quote(public(store))}"
