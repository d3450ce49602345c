"""A sweep that counts its compositions."""

from pathlib import Path

import pytest
from hydra import version
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig

from tests.hydra_lanes import Sweep


@pytest.fixture
def newest_hydra(hydra_restore_singletons: None) -> None:
    """The behaviour of Hydra 1.3, without configurations that another test has registered."""
    version.setbase("1.3")
    store = ConfigStore.instance()
    store.repo = {name: node for name, node in store.repo.items() if name not in ("schema", "model")}


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, newest_hydra: None) -> Sweep:
    """A sweep with this conftest's config, outputs in a temporary folder."""
    composed: list[list[str]] = []
    load = ConfigLoaderImpl.load_sweep_config

    def counted(self: ConfigLoaderImpl, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        composed.append(sweep_overrides)
        return load(self, master_config, sweep_overrides)

    monkeypatch.setattr(ConfigLoaderImpl, "load_sweep_config", counted)
    return Sweep(tmp_path, composed)
