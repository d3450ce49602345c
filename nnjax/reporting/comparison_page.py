"""Runs and lanes on one page: settings that differ, metrics side by side, curves over each other."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from nnjax.reporting import page

History = Mapping[str, np.ndarray]  # `epoch` (k,), and arrays (k,) by metric
LETTERS = 8  # of a run's id
SCORES = ("accuracy", "r2")  # how metrics end that are better the larger they are


class Compared(NamedTuple):
    """A run or a lane.

    Attributes:
        name, id: what it is called; of a lane the id of its sweep's run and its number.
        address: where more is to be seen, "" if nowhere.
        settings: as typed; metrics: final ones.
    """

    name: str
    id: str
    address: str
    settings: Mapping[str, str]
    metrics: Mapping[str, float]

    @property
    def short(self) -> str:
        """The first letters of the id, enough for every command, and the lane's number."""
        run, colon, lane = self.id.partition(":")
        return f"{run[:LETTERS]}{colon}{lane}"


def write(
    file: Path,
    runs: Sequence[Compared],
    histories: Sequence[History | None],
    keys: Sequence[str],
    metrics: Sequence[str],
    more: int,
) -> None:
    """The page.

    Args:
        file: where it is written.
        runs: a row each.
        histories: of the first runs, None where one is out of reach.
        keys: settings that differ.
        metrics: in the order of the columns; the first is what the runs are sorted by.
        more: how many runs were left out.
    """
    top = {metric: best(metric, runs) for metric in metrics}
    marked = [[name for name in metrics if name in run.metrics and run.metrics[name] == top[name]] for run in runs]
    count = f"{len(runs)} {'run' if len(runs) == 1 else 'runs'}"
    page.write(
        file,
        "comparison.html",
        title=f"{count} compared",
        lead=f"In the order of {metrics[0]}, the best first." if metrics else "",
        runs=[{**run._asdict(), "short": run.short, "best": names} for run, names in zip(runs, marked, strict=True)],
        settings=differing(runs, keys),
        metrics=metrics,
        more=more,
        picture=picture(runs, histories),
    )


def differing(runs: Sequence[Compared], keys: Sequence[str]) -> list[list[str]]:
    """A line of names, then a line a run or, where settings are the more, a line a setting; nothing without any."""
    names = [numbered(place, run) for place, run in enumerate(runs, 1)]
    rows = [[name, *(run.settings.get(key, "") for key in keys)] for name, run in zip(names, runs, strict=True)]
    lines = [["", *keys], *rows]
    return [] if not keys else [[*column] for column in zip(*lines, strict=True)] if len(keys) > len(runs) else lines


def numbered(place: int, run: Compared) -> str:
    """How a run is called in all parts of the page."""
    return f"{place}  {run.name}"


def best(metric: str, runs: Sequence[Compared]) -> float | None:
    """The best value of a metric, None where nobody has one."""
    there = [run.metrics[metric] for run in runs if metric in run.metrics]
    return (max if metric.endswith(SCORES) else min)(there) if there else None


def picture(runs: Sequence[Compared], histories: Sequence[History | None]) -> page.Picture | None:
    """The curves of the runs that have a history; None where no two have."""
    from nnjax.reporting.figures import several, style

    there = [i for i, history in enumerate(histories) if history is not None]
    if len(there) < 2:
        return None
    losses = {runs[i].settings.get("loss.name", "") for i in there}
    names = [numbered(i + 1, runs[i]) for i in there]
    loss = losses.pop() if len(losses) == 1 else ""
    file = io.BytesIO()
    style.save(several.several(names, [each for each in histories if each is not None], loss), file)
    whose = "every run" if len(there) == len(runs) else f"{len(there)} of the {len(runs)} runs"
    return page.Picture("Curves over each other", f"A line a run, of {whose}, by its number above.", file.getvalue())
