"""Configurations composed by Hydra from overrides, outside of the training command."""

from collections.abc import Sequence

import hydra
from omegaconf import DictConfig

from nnjax.config import schema, validation
from nnjax.config.overrides import normalize_overrides
from nnjax.config.schema import Config
from nnjax.system.hydra_errors import as_input_error


def compose(overrides: Sequence[str], search_path: Sequence[str] = ()) -> DictConfig:
    """Return the configuration that Hydra composes from conf/ and these overrides, not yet checked.

    search_path: folders with configurations of the user's own. Raises InputError for what Hydra refuses.
    """
    schema.register()
    folders = [f"hydra.searchpath=[{','.join(f'file://{folder}' for folder in search_path)}]"] if search_path else []
    with hydra.initialize_config_dir(str(schema.configuration_folder()), version_base="1.3"):
        composed: DictConfig = as_input_error(lambda: hydra.compose("config", [*overrides, *folders]))
        return composed


def read_config(overrides: Sequence[str], search_path: Sequence[str] = ()) -> Config:
    """Return the checked records of the configuration that the training command has for these overrides.

    Raises InputError for a mistake in the overrides.
    """
    overrides = normalize_overrides(overrides)
    return validation.to_config(compose(overrides, search_path), overrides)
