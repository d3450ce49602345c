"""The page of `nnjax compare --html`: the entries of its table with their histories, and links to their own pages."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import numpy as np

from nnjax.data import npz
from nnjax.reporting import comparison_page, run_page
from nnjax.reporting.comparison_page import Entry
from nnjax.reporting.figures import several
from nnjax.tracking import mlflow_client, store_uri


def write(
    file: Path, entries: Sequence[Entry], keys: Sequence[str], metrics: Sequence[str], more: int, uri: str | None
) -> None:
    """Write the page of these entries; keys: settings that differ; more: number of entries left out."""
    with TemporaryDirectory() as copies:
        histories = [history(entry, uri, Path(copies)) for entry in entries[: several.MAX_LINES]]
    addresses = [address(entry, uri, file.absolute().parent) for entry in entries]
    comparison_page.write(file, entries, addresses, histories, keys, metrics, more)


def history(entry: Entry, uri: str | None, copies: Path) -> dict[str, np.ndarray] | None:
    """Return `epoch` (k,) and metrics (k,) of a run or a lane, None if neither its folder nor the store has them.

    copies: folder for files of the store.
    """
    name = "history.npz" if entry.lane is None else "histories.npz"
    copy = copies / entry.run.id
    copy.mkdir(exist_ok=True)
    file = local_file(entry, name) or mlflow_client.download(uri, Path.cwd(), entry.run.id, name, copy)
    if file is None:
        return None
    arrays = npz.every(file)
    if entry.lane is not None:
        return {key: array if key == "epoch" else array[entry.lane] for key, array in arrays.items()}
    return {"epoch": np.arange(max(map(len, arrays.values()), default=0)), **arrays}


def address(entry: Entry, uri: str | None, folder: Path) -> str:
    """Return the address of an entry's own page, seen from a page in a folder.

    It is the report in its folder, else the run on the MLflow server, "" if there is neither.
    """
    page = local_file(entry, run_page.FILE)
    if page is not None:
        return quote(os.path.relpath(page, folder))
    store = store_uri.store_uri(uri, Path.cwd())
    if not store.startswith(("http:", "https:")):
        return ""
    return store_uri.look(store, Path.cwd(), entry.run.experiment_id, entry.run.id)


def local_file(entry: Entry, name: str) -> Path | None:
    """Return a file of a run's folder, or of the summary of a lane's sweep; None if it is not there."""
    root = entry.run.tags.get(mlflow_client.ROOT)
    path = Path(root, "" if entry.lane is None else "summary", name) if root else None
    return path if path is not None and path.is_file() else None
