"""Statistics over a sweep's lanes: which settings were swept, the spread of each metric, the ranking, the main axes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nnjax.config.lanes import format_override
from nnjax.reporting.text import higher_is_better
from nnjax.runs.sweep.storage import FINISHED, Lane

REPEATS = ("seed", "training.shuffle_seed")  # settings that repeat an experiment rather than change it


def swept_keys(lanes: Sequence[Lane]) -> list[str]:
    """Return the settings in which lanes differ, REPEATS last."""
    values: dict[str, set[str]] = {}
    for lane in lanes:
        for key, value in lane.settings.items():
            values.setdefault(key, set()).add(json.dumps(value))
    return sorted((key for key in values if len(values[key]) > 1), key=lambda key: key in REPEATS)


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Return the last word of each dotted key, or the whole key if another one ends with the same word."""
    last = [key.rpartition(".")[2] for key in keys]
    return {key: word if last.count(word) == 1 else key for key, word in zip(keys, last, strict=True)}


def name(lane: Lane, keys: Sequence[str]) -> str:
    """Return a lane's name, such as `hidden=[4] learning_rate=0.1 seed=3`, from the settings `keys`."""
    words = (f"{word}={format_override(lane.settings.get(key))}" for key, word in short_names(keys).items())
    return " ".join(words) or f"seed={lane.settings['seed']}"


def column(lanes: Sequence[Lane], metric: str) -> np.ndarray:
    """Return a metric of all lanes (lanes,), nan where a lane has no value."""
    return np.array([lane.metrics.get(metric, np.nan) for lane in lanes])


def metrics(lanes: Sequence[Lane]) -> list[str]:
    """Return the names of all metrics: first those of the test, then those of validation, then the others."""
    names = dict.fromkeys(metric for lane in lanes for metric in sorted(lane.metrics))
    return sorted(names, key=lambda metric: (not metric.startswith("test/"), not metric.startswith("validation/")))


def spread(values: np.ndarray) -> dict[str, float]:
    """Return mean, sample standard deviation, minimum and maximum of the finite values; {} if there are none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return {}
    parts = {"mean": finite.mean(), "std": finite.std(ddof=1) if len(finite) > 1 else 0.0}
    return {**parts, "min": finite.min(), "max": finite.max()}


def default_objective(lanes: Sequence[Lane]) -> str:
    """Return the metric that ranks lanes unless `objective` names another one."""
    return "validation/loss" if any("validation/loss" in lane.metrics for lane in lanes) else "train/loss"


def rank_lanes(lanes: Sequence[Lane], objective: str) -> list[int]:
    """Return the places (indices in `lanes`) of the finished lanes, the best first."""
    values = column(lanes, objective) * (-1 if higher_is_better(objective) else 1)
    order = np.argsort(values, kind="stable")
    return [int(i) for i in order if lanes[i].facts["status"] == FINISHED and np.isfinite(values[i])]


def solved(lanes: Sequence[Lane]) -> np.ndarray:
    """Return 1 for each lane that answers every test row correctly and 0 for the others (lanes,)."""
    return (column(lanes, "test/accuracy") == 1).astype(float)


def main_axes(lanes: Sequence[Lane], keys: Sequence[str], values: np.ndarray) -> tuple[str, str] | None:
    """Return the two swept settings that explain most of a metric (lanes,), fewer values first; None without two."""
    candidates = [key for key in keys if key not in REPEATS]
    if len(candidates) < 2:
        return None
    settings = {key: [lane.settings.get(key) for lane in lanes] for key in candidates}
    top = sorted(candidates, key=lambda key: -correlation_ratio(settings[key], values))[:2]
    first, second = sorted(top, key=lambda key: len({*map(json.dumps, settings[key])}))
    return first, second


def correlation_ratio(setting: Sequence[Any], values: np.ndarray) -> float:
    """Return the share of a metric's variance that lies between groups of lanes with equal settings, 0 to 1."""
    finite = np.isfinite(values)
    _, group = np.unique([json.dumps(value) for value in setting], return_inverse=True)
    group, values = group[finite], values[finite]
    if not len(values) or values.var() == 0:
        return 0.0
    sums, counts = np.bincount(group, values), np.bincount(group)
    means = sums / np.maximum(counts, 1)
    return float((counts * (means - values.mean()) ** 2).sum() / len(values) / values.var())


def leaderboard(lanes: Sequence[Lane], keys: Sequence[str], objective: str) -> list[Mapping[str, Any]]:
    """Return a row per lane, the best first, diverged lanes last without a rank: settings, metrics, how it ended."""
    ranking = rank_lanes(lanes, objective)
    diverged = [i for i in range(len(lanes)) if i not in set(ranking)]
    names = metrics(lanes)
    return [
        {
            "rank": rank if rank <= len(ranking) else None,
            **{key: format_override(lanes[i].settings.get(key)) for key in keys},
            **{metric: lanes[i].metrics.get(metric) for metric in names},
            "epochs": lanes[i].facts["epochs"],
            "stopped": lanes[i].facts["stopped"],
        }
        for rank, i in enumerate([*ranking, *diverged], start=1)
    ]
