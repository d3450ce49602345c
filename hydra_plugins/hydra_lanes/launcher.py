"""`hydra/launcher=lanes`: the jobs of a batch that differ in lane keys alone are trained as lanes of one job."""

import copy
import logging
from dataclasses import replace
from functools import cache
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_launcher import BasicLauncher, BasicLauncherConf
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Transformer
from hydra.core.utils import JobReturn, JobStatus, configure_log, run_job
from omegaconf import DictConfig, OmegaConf, open_dict

from hydra_plugins.hydra_lanes import declaration, interpolations, values

log = logging.getLogger(__name__)
options = BasicLauncherConf(_target_=f"{__name__}.LanesLauncher")
ConfigStore.instance().store(group="hydra/launcher", name="lanes", node=options, provider="hydra_lanes")


class LanesLauncher(BasicLauncher):
    """Hydra's basic launcher, except that jobs of a declared task that differ in lane keys alone are run together."""

    def launch(self, job_overrides: Any, initial_job_idx: int) -> list[JobReturn]:
        """One return a job, in the order of the batch; jobs that bring `lanes.values` have their lanes already."""
        self.task_function = declaration.wrapped(self.task_function)
        keys = set(getattr(self.task_function, "lane_keys", ()))
        given = {_key(text) for overrides in job_overrides for text in overrides}
        if values.KEY in given or not keys & given:
            return list(super().launch(job_overrides, initial_job_idx))
        jobs = {initial_job_idx + index: list(overrides) for index, overrides in enumerate(job_overrides)}
        return [job for _, job in sorted(self._launch(jobs, keys).items())]

    def _launch(self, jobs: dict[int, list[str]], keys: set[str]) -> dict[int, JobReturn]:
        """Compose jobs that are equal but for lane keys once; start over where that interpolates such a key."""
        assert self.hydra_context is not None and self.config is not None
        parse = cache(OverridesParser.create().parse_override)  # the same texts come again and again
        groups: dict[tuple[tuple[str, ...], ...], dict[int, list[Override]]] = {}
        for number, overrides in jobs.items():
            parsed = [parse(text) for text in overrides if _key(text) in keys]
            lane = {each.key_or_group: each for each in parsed if "${" not in str(each.value())}
            rest = tuple(text for text in overrides if _key(text) not in lane)
            groups.setdefault((rest, tuple(lane)), {})[number] = list(lane.values())
        returns: dict[int, JobReturn] = {}
        for (rest, names), lanes in groups.items():
            if not names:
                returns |= {number: BasicLauncher.launch(self, [jobs[number]], number)[0] for number in lanes}
                continue
            config = self.hydra_context.config_loader.load_sweep_config(self.config, list(rest))
            first = copy.deepcopy(config)
            ConfigLoaderImpl._apply_overrides_to_config(next(iter(lanes.values())), first)
            if reasons := interpolations.mentioned(first, names):
                log.info("; ".join(f"{key} stays static because of {text}" for key, text in reasons.items()))
                returns |= self._launch({number: jobs[number] for number in lanes}, keys - reasons.keys())
            else:
                log.info(f"\t#{min(lanes)} : {len(lanes)} lanes ({', '.join(names)}) : {' '.join(rest)}")
                returns |= self._train(config, lanes, jobs)
        return returns

    def _train(self, config: DictConfig, lanes: dict[int, list[Override]], jobs: dict[int, list[str]]) -> Any:
        """Run a group as one job, the first of its jobs, and give each the return of its lane."""
        assert self.hydra_context is not None and self.config is not None
        assert isinstance(self.task_function, declaration.LaneTask)
        raw = [{each.key_or_group: each._value for each in lane} for lane in lanes.values()]
        with open_dict(config):
            OmegaConf.update(config, values.KEY, Override._convert_value(raw), merge=False, force_add=True)
            config.hydra.overrides.task.append(f"++{values.KEY}={Transformer.str(raw)}")
            config.hydra.job.id = config.hydra.job.num = min(lanes)
        configs = list(values.LaneConfigs(config))  # before training: a value that doesn't fit ends the sweep now
        group = run_job(self.task_function.train, config, "hydra.sweep.dir", "hydra.sweep.subdir", self.hydra_context)
        configure_log(self.config.hydra.hydra_logging, self.config.hydra.verbose)
        results = group._return_value if group.status == JobStatus.COMPLETED else [group._return_value] * len(lanes)
        returns = {}
        for number, lane_config, result in zip(lanes, configs, results, strict=True):
            status = JobStatus.FAILED if isinstance(result, Exception) else JobStatus.COMPLETED
            texts = [text for text in jobs[number] if not _key(text).startswith(("hydra.", "hydra/"))]
            returns[number] = replace(group, overrides=texts, cfg=lane_config, status=status, _return_value=result)
        return returns


def _key(override: str) -> str:
    return override.partition("=")[0].strip().lstrip("+")
