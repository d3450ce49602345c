"""What `nnjax compare --html` writes: the rows of its table, their histories, and where more of each is to be seen."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np

from nnjax.data import npz
from nnjax.reporting import comparison_page, run_page
from nnjax.reporting.figures import several
from nnjax.tracking import mlflow_client, store_uri

if TYPE_CHECKING:
    from nnjax.cli.compare import Row


def write(
    file: Path, rows: "Sequence[Row]", keys: Sequence[str], metrics: Sequence[str], more: int, uri: str | None
) -> None:
    """The page of these rows; keys: settings that differ; more: how many rows are left out."""
    with TemporaryDirectory() as copies:
        drawn = [history(row, uri, Path(copies)) for row in rows[: several.MOST]]
    runs = [
        comparison_page.Compared(row.name, row.id, address(row, uri, file.absolute().parent), row.settings, row.metrics)
        for row in rows
    ]
    comparison_page.write(file, runs, drawn, keys, metrics, more)


def history(row: "Row", uri: str | None, copies: Path) -> dict[str, np.ndarray] | None:
    """`epoch` (k,) and metrics (k,) of a run or a lane, from its folder or its copy in the store; None without one."""
    name = "history.npz" if row.lane is None else "histories.npz"
    copy = copies / row.run.id
    copy.mkdir(exist_ok=True)
    found = kept(row, name) or mlflow_client.download(uri, Path.cwd(), row.run.id, name, copy)
    if found is None:
        return None
    values = npz.read_arrays(found)
    if row.lane is not None:
        return {key: each if key == "epoch" else each[row.lane] for key, each in values.items()}
    return {"epoch": np.arange(max(map(len, values.values()), default=0)), **values}


def address(row: "Row", uri: str | None, folder: Path) -> str:
    """Where a page in a folder finds more of a run: its own page, else a server's; "" where there is neither."""
    page = kept(row, run_page.FILE)
    if page is not None:
        return quote(os.path.relpath(page, folder))
    server = store_uri.store_uri(uri, Path.cwd())
    there = store_uri.look(server, Path.cwd(), row.run.experiment_id, row.run.id)
    return there if server.startswith(("http:", "https:")) else ""


def kept(row: "Row", name: str) -> Path | None:
    """A file of a run's folder, of a lane of its sweep's summary; None if it is not there."""
    root = row.run.tags.get(mlflow_client.ROOT)
    path = Path(root, "" if row.lane is None else "summary", name) if root else None
    return path if path is not None and path.is_file() else None
