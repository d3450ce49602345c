"""How a task says which of its keys may be lanes, and the task that Hydra runs in its place."""

from collections.abc import Callable, Sequence
from typing import Any

from hydra.types import TaskFunction
from omegaconf import DictConfig, OmegaConf

from hydra_plugins.hydra_lanes import values


def laned(*, keys: Sequence[str], train_lanes: Callable[[Any], Sequence[Any]]) -> Callable[[TaskFunction], Any]:
    """Declare a task, under `@hydra.main`: dotted keys that may differ between lanes, and what trains lanes together.

    `train_lanes(configs)` gives one result a lane, in order; an Exception instance among them is a lane that failed.
    """
    if isinstance(keys, str):
        raise TypeError(f"keys is a sequence of keys, given the text {keys!r}: write keys=({keys!r},)")

    def declare(task: TaskFunction) -> TaskFunction:
        vars(task).update(lane_keys=tuple(keys), train_lanes=train_lanes)
        return task

    return declare


class LaneTask:
    """A declared task that trains the lanes of a config with `lanes.values`; launchers can pickle it."""

    def __init__(self, task: Any) -> None:
        self.task, self.lane_keys, self.train_lanes = task, tuple(task.lane_keys), task.train_lanes

    def __call__(self, config: DictConfig) -> Any:
        """The list of the lanes' results, or the task's own; raises the first lane's exception if all lanes failed."""
        if OmegaConf.select(config, values.KEY) is None:
            return self.task(config)
        results = self.train(config)
        if all(isinstance(result, Exception) for result in results):
            raise results[0]
        return results

    def train(self, config: DictConfig) -> list[Any]:
        """One result a lane, exceptions among them; raises ValueError if `train_lanes` gives another number."""
        configs = values.LaneConfigs(config)
        results = list(self.train_lanes(configs))
        if len(results) != len(configs):
            raise ValueError(f"train_lanes gives one result a lane, given {len(results)} for {len(configs)} lanes")
        return results


def wrapped(task: Any) -> Any:
    """A declared task as a LaneTask, any other as it is."""
    return LaneTask(task) if getattr(task, "lane_keys", ()) and not isinstance(task, LaneTask) else task
