"""`hydra/sweeper=lanes`: the swept lane keys of a declared task become lanes, everything else Hydra's jobs."""

import logging
from math import prod
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper, BasicSweeperConf
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Transformer
from hydra.types import TaskFunction
from omegaconf import OmegaConf

# Modules, not names: Hydra's scan of plugins executes a module anew, and only the last of two classes can be pickled.
from hydra_plugins.hydra_lanes import declaration, interpolations, values

log = logging.getLogger(__name__)
options = BasicSweeperConf(_target_=f"{__name__}.LanesSweeper")
ConfigStore.instance().store(group="hydra/sweeper", name="lanes", node=options, provider="hydra_lanes")


class LanesSweeper(BasicSweeper):
    """Hydra's basic sweeper, except that the swept lane keys of a declared task become one `++lanes.values`."""

    def setup(self, *, task_function: TaskFunction, **rest: Any) -> None:
        """Hand the launcher a task that trains lanes."""
        self.lane_keys: tuple[str, ...] = tuple(getattr(task_function, "lane_keys", ()))
        self.composed = False
        super().setup(task_function=declaration.wrapped(task_function), **rest)

    def sweep(self, arguments: list[str]) -> Any:
        """Run the sweep: jobs times lanes."""
        arguments, self.params = self._divide([*self._parse_config(), *arguments]), {}
        return super().sweep(arguments)

    def validate_batch_is_legal(self, batch: Any) -> None:
        """Compose the jobs, unless that was done to find interpolated keys."""
        if not self.composed:
            super().validate_batch_is_legal(batch)

    def _divide(self, arguments: list[str]) -> list[str]:
        """The arguments, with one override of `lanes.values` for the swept lane keys that nothing interpolates."""
        assert self.hydra_context is not None and self.config is not None
        overrides = OverridesParser.create(self.hydra_context.config_loader).parse_overrides(arguments)
        last = {each.key_or_group: each for each in overrides if each.key_or_group in self.lane_keys}
        swept = {key: each for key, each in last.items() if each.is_discrete_sweep()}
        # Iterated once, as a shuffled sweep has another order each time; an empty one is no lane.
        lanes = {key: choices for key, each in swept.items() if (choices := list(each.sweep_iterator()))}
        static = [each for each in overrides if each.key_or_group not in lanes]
        firsts = [f"{last[key].get_key_element()}={Transformer.str(choices[0])}" for key, choices in lanes.items()]
        reasons = {key: Transformer.str(each) for key in lanes for each in lanes[key] if "${" in str(each)}
        for job in self.split_arguments(static, None)[0] if lanes else []:
            # Composed with the first values, then all are tried: errors of the sweep come up before it starts.
            config = self.hydra_context.config_loader.load_sweep_config(self.config, [*job, *firsts])
            reasons |= interpolations.mentioned(config, lanes)
            for key, each in ((key, each) for key, choices in lanes.items() for each in choices):
                OmegaConf.update(config, key, Override._convert_value(each))
        self.composed = bool(lanes)
        lanes = {key: choices for key, choices in lanes.items() if key not in reasons}
        static = [each for each in overrides if each.key_or_group not in lanes]
        if self.composed:
            notes = "".join(f"; {key} stays static because of {text}" for key, text in reasons.items())
            jobs, count = len(self.split_arguments(static, None)[0]), prod(map(len, lanes.values()))
            log.info(f"{jobs} jobs of {count} lanes each ({', '.join(lanes)}){notes}")
        return [str(each.input_line) for each in static] + [f"++{values.KEY}={Transformer.str(lanes)}"] * bool(lanes)
