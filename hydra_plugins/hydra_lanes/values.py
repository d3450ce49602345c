"""From `lanes.values` to points, and from a point to the config of its lane."""

import copy
import itertools
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict, read_write

KEY = "lanes.values"


def expand(values: Any) -> list[dict[str, Any]]:
    """The points of `lanes.values`, one a lane: key -> value.

    A mapping of keys to lists is their product, first key slowest, as Hydra multiplies; a list of mappings names the
    points themselves. Raises ValueError for anything else, for nothing, and for points of unlike keys.
    """
    if OmegaConf.is_config(values):
        values = OmegaConf.to_container(values, resolve=True)
    points: list[dict[str, Any]] = []
    if isinstance(values, dict) and all(isinstance(choices, list | tuple) for choices in values.values()):
        points = [dict(zip(values, point, strict=True)) for point in itertools.product(*values.values())]
    elif isinstance(values, list | tuple) and all(isinstance(point, dict) for point in values):
        points = [dict(point) for point in values]
    keys = points[0].keys() if points else set()
    if not all(isinstance(key, str) for key in keys) or not keys or any(point.keys() != keys for point in points):
        raise ValueError(f"{KEY} maps keys to lists of values, or lists maps of the same keys, given {values!r:.200}")
    return points


class LaneConfigs(Sequence[DictConfig]):
    """The configs of a job's lanes, each made when it is asked for: a copy of `composed`, the job's own config.

    Its `lanes.values` is null again, or gone if nothing else declares `lanes`.
    """

    def __init__(self, composed: DictConfig) -> None:
        self.composed, self._points = composed, expand(OmegaConf.select(composed, KEY))

    def __len__(self) -> int:
        return len(self._points)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        point, config = self._points[index], copy.deepcopy(self._base)
        for key, value in point.items():
            OmegaConf.update(config, key, value, force_add=True)
        return config

    @cached_property
    def _base(self) -> DictConfig:
        base = copy.deepcopy(self.composed)
        with read_write(base), open_dict(base):
            base.pop("hydra", None)
            if OmegaConf.get_type(base.lanes) is dict and len(base.lanes) == 1:
                del base["lanes"]  # untyped and with nothing else in it: `++lanes.values` made it
            else:
                base.lanes["values"] = None
        return base
