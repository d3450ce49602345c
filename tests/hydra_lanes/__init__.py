"""Tests of the plugin, which know nothing of nnjax: sweeps inside this process, over a small config of their own."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig

from hydra_plugins.hydra_lanes.declaration import laned

CONFIG = {
    "defaults": ["_self_", {"model": "small"}],
    "seed": 0,
    "optimizer": {"rate": 0.1, "momentum": 0.9},
    "steps": 10,
}
MODELS = {
    "small": {"units": 1},
    "large": {"units": 100},
    "named": {"name": "model-${seed}"},
    "relative": {"name": "${..optimizer.rate}"},
}
KEYS = ("seed", "optimizer.rate")


class Trained:
    """What a declared task was asked for: the configs of each call of `train_lanes`, and of the task itself."""

    def __init__(self, answer: Callable[[DictConfig], Any]) -> None:
        self.calls: list[list[DictConfig]] = []
        self.composed: list[DictConfig] = []
        self.single: list[DictConfig] = []
        self.answer = answer

    def train_lanes(self, configs: Any) -> Sequence[Any]:
        self.composed.append(configs.composed)
        self.calls.append(list(configs))
        return [self.answer(config) for config in configs]

    def task(self, keys: Sequence[str] = KEYS) -> Any:
        def task(config: DictConfig) -> Any:
            self.single.append(config)
            return self.answer(config)

        return laned(keys=keys, train_lanes=self.train_lanes)(task) if keys else task


class Sweep(NamedTuple):
    """Runs a sweep and counts its compositions, the one of the sweep itself left out."""

    folder: Path
    composed: list[list[str]]

    def __call__(self, task: Any, *overrides: str, config: Any = None, models: Any = MODELS) -> list[list[JobReturn]]:
        hydra = self.hydra(config, models)
        words = [*overrides, f"hydra.sweep.dir={self.folder}"]
        return hydra.multirun("config", task, words, with_log_configuration=False)  # type: ignore[no-any-return]

    def launch(self, task: Any, batch: list[list[str]], config: Any = None) -> list[JobReturn]:
        """Jobs 4, 5, ... as any sweeper would hand them to the launcher, without one that checks them."""
        hydra = self.hydra(config, MODELS)
        words = ["hydra/launcher=lanes", f"hydra.sweep.dir={self.folder}"]
        composed = hydra.compose_config("config", words, run_mode=RunMode.MULTIRUN)
        context = HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(composed))
        launcher = Plugins.instance().instantiate_launcher(context, task, composed)
        return list(launcher.launch(batch, initial_job_idx=4))

    @staticmethod
    def hydra(config: Any, models: Any) -> Hydra:
        store = ConfigStore.instance()
        store.store("config", CONFIG | (config or {}))
        for name, node in models.items():
            store.store(name, node, group="model")
        GlobalHydra.instance().clear()
        return Hydra.create_main_hydra2("task", create_config_search_path(None))
