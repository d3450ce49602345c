"""The page of a comparison: settings that differ, metrics side by side, and learning curves in one picture."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nnjax.reporting import page
from nnjax.reporting.text import count, higher_is_better

if TYPE_CHECKING:
    from nnjax.tracking.mlflow_client import Found

History = Mapping[str, np.ndarray]  # `epoch` (k,), and arrays (k,) by metric
ID_LENGTH = 8  # characters of a run's id that are shown; every command accepts them


class Entry(NamedTuple):
    """An entry of a comparison: a run or a lane.

    Attributes:
        name, id: of a run; of a lane its settings, and `SWEEP:7`.
        settings: as they are typed; metrics: the final ones.
        run: whose files it is in, a lane's sweep; lane: its number there, None for a run.
    """

    name: str
    id: str
    settings: Mapping[str, str]
    metrics: Mapping[str, float]
    run: "Found"
    lane: int | None = None

    @property
    def short_id(self) -> str:
        """Return the first characters of the id, with the lane's number."""
        run, colon, lane = self.id.partition(":")
        return f"{run[:ID_LENGTH]}{colon}{lane}"


def write(
    file: Path,
    entries: Sequence[Entry],
    addresses: Sequence[str],
    histories: Sequence[History | None],
    keys: Sequence[str],
    metrics: Sequence[str],
    more: int,
) -> None:
    """Write the page.

    Args:
        file: where it is written.
        entries: a line of the table each.
        addresses: of each entry its own page, "" where it has none.
        histories: of the first entries, None where one can't be read.
        keys: of the settings that differ.
        metrics: the columns; the entries are sorted by the first.
        more: number of entries that are left out.
    """
    top = {metric: best(metric, entries) for metric in metrics}
    marked = [
        [name for name in metrics if name in entry.metrics and entry.metrics[name] == top[name]] for entry in entries
    ]
    page.write(
        file,
        "comparison.html",
        title=f"{count(len(entries), 'run')} compared",
        lead=f"Sorted by {metrics[0]}, the best first." if metrics else "",
        entries=list(zip(entries, addresses, marked, strict=True)),
        settings=settings_table(entries, keys),
        metrics=metrics,
        more=more,
        picture=picture(entries, histories),
    )


def settings_table(entries: Sequence[Entry], keys: Sequence[str]) -> list[list[str]]:
    """Return names, then a line for each entry; with more settings than entries a line for each setting.

    An empty list if there are no settings.
    """
    lines = [["", *keys]]
    lines += [[numbered(i, entry), *(entry.settings.get(key, "") for key in keys)] for i, entry in enumerate(entries)]
    if len(keys) > len(entries):
        lines = [[*column] for column in zip(*lines, strict=True)]
    return lines if keys else []


def numbered(place: int, entry: Entry) -> str:
    """Return the name of an entry with its number from 1, as all parts of the page show it."""
    return f"{place + 1}  {entry.name}"


def best(metric: str, entries: Sequence[Entry]) -> float | None:
    """Return the best value of a metric, None if no entry has one."""
    values = [entry.metrics[metric] for entry in entries if metric in entry.metrics]
    return (max if higher_is_better(metric) else min)(values) if values else None


def picture(entries: Sequence[Entry], histories: Sequence[History | None]) -> page.Picture | None:
    """Return the learning curves of all entries that have a history, None if fewer than two have one."""
    from nnjax.reporting.figures import several, style

    drawn = {i: history for i, history in enumerate(histories) if history is not None}
    if len(drawn) < 2:
        return None
    losses = {entries[i].settings.get("loss.name", "") for i in drawn}
    figure = several.several(
        [numbered(i, entries[i]) for i in drawn], [*drawn.values()], losses.pop() if len(losses) == 1 else ""
    )
    file = io.BytesIO()
    style.save(figure, file)
    runs = "every run" if len(drawn) == len(entries) else f"{len(drawn)} of the {len(entries)} runs"
    return page.Picture("Learning curves", f"A line for {runs}, with its number above.", file.getvalue())
