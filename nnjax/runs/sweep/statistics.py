"""What a sweep's lanes say together: what was swept, the spread of each metric, the ranking, the axes that matter."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nnjax.config.lanes import format_override
from nnjax.runs.sweep.storage import FINISHED, Lane

REPEATS = ("seed", "training.shuffle_seed")  # settings that repeat an experiment rather than change it


def swept(lanes: Sequence[Lane]) -> list[str]:
    """The settings in which lanes differ, repeats last."""
    different: dict[str, set[str]] = {}
    for lane in lanes:
        for key, value in lane.settings.items():
            different.setdefault(key, set()).add(json.dumps(value))
    keys = [key for key, values in different.items() if len(values) > 1]
    return sorted(keys, key=lambda key: key in REPEATS)


def short(keys: Sequence[str]) -> dict[str, str]:
    """Each key's last word, or all of it where another ends alike."""
    last = [key.rpartition(".")[2] for key in keys]
    return {key: word if last.count(word) == 1 else key for key, word in zip(keys, last, strict=True)}


def name(lane: Lane, keys: Sequence[str]) -> str:
    """`hidden=[4] learning_rate=0.1 seed=3`."""
    words = (f"{word}={format_override(lane.settings.get(key))}" for key, word in short(keys).items())
    return " ".join(words) or f"seed={lane.settings['seed']}"


def column(lanes: Sequence[Lane], metric: str) -> np.ndarray:
    """A metric of all lanes, nan where there is none."""
    return np.array([lane.metrics.get(metric, np.nan) for lane in lanes])


def metrics(lanes: Sequence[Lane]) -> list[str]:
    """All metrics' names: the test's first, then validation's, then the others."""
    names = dict.fromkeys(metric for lane in lanes for metric in sorted(lane.metrics))
    return sorted(names, key=lambda metric: (not metric.startswith("test/"), not metric.startswith("validation/")))


def spread(values: np.ndarray) -> dict[str, float]:
    """Mean, standard deviation, minimum and maximum of what is there."""
    there = values[np.isfinite(values)]
    if not len(there):
        return {}
    parts = {"mean": there.mean(), "std": there.std(ddof=1) if len(there) > 1 else 0.0}
    return {**parts, "min": there.min(), "max": there.max()}


def more_is_better(metric: str) -> bool:
    """Whether a metric is a score, not a loss."""
    return metric.endswith(("accuracy", "r2"))


def ranked(lanes: Sequence[Lane], objective: str) -> list[int]:
    """Places of the finished lanes, the best first."""
    values = column(lanes, objective) * (-1 if more_is_better(objective) else 1)
    order = np.argsort(values, kind="stable")
    return [int(i) for i in order if lanes[i].facts["status"] == FINISHED and np.isfinite(values[i])]


def learnt(lanes: Sequence[Lane]) -> np.ndarray:
    """1 for a lane that answers every row of its test part right, 0 for all others, diverged ones too."""
    return (column(lanes, "test/accuracy") == 1).astype(float)


def axes(lanes: Sequence[Lane], keys: Sequence[str], values: np.ndarray) -> tuple[str, str] | None:
    """The two swept settings that explain most of a metric: (the one of fewer values, the other)."""
    candidates = [key for key in keys if key not in REPEATS]
    if len(candidates) < 2:
        return None
    first, second = sorted(candidates, key=lambda key: -explained([lane.settings.get(key) for lane in lanes], values))[
        :2
    ]
    counts = {key: len({json.dumps(lane.settings.get(key)) for lane in lanes}) for key in (first, second)}
    return (first, second) if counts[first] <= counts[second] else (second, first)


def explained(setting: Sequence[Any], values: np.ndarray) -> float:
    """The share of a metric's variance between the groups of equal settings (the correlation ratio)."""
    finite = np.isfinite(values)
    _, group = np.unique([json.dumps(each) for each in setting], return_inverse=True)
    group, there = group[finite], values[finite]
    if not len(there) or there.var() == 0:
        return 0.0
    sums, counts = np.bincount(group, there), np.bincount(group)
    means = sums / np.maximum(counts, 1)
    return float((counts * (means - there.mean()) ** 2).sum() / len(there) / there.var())


def table(lanes: Sequence[Lane], keys: Sequence[str], objective: str) -> list[Mapping[str, Any]]:
    """The leaderboard: rank, what was swept, all metrics, why it stopped; diverged lanes last and without a rank."""
    order = ranked(lanes, objective)
    rest = [i for i in range(len(lanes)) if i not in set(order)]
    names = metrics(lanes)
    return [
        {
            "rank": rank if rank <= len(order) else None,
            **{key: format_override(lanes[i].settings.get(key)) for key in keys},
            **{metric: lanes[i].metrics.get(metric) for metric in names},
            "epochs": lanes[i].facts["epochs"],
            "stopped": lanes[i].facts["stopped"],
        }
        for rank, i in enumerate([*order, *rest], start=1)
    ]
