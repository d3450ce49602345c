"""What the scripts here share: networks trained as the command line would, kept in memory."""

from typing import NamedTuple

import hydra

from nnjax.config import lanes, schema, validation
from nnjax.config.overrides import normalize_overrides
from nnjax.config.schema import Config
from nnjax.data.dataset import Dataset
from nnjax.runs import build, jax_setup
from nnjax.runs.plan import make_plan
from nnjax.training.trainer import Trainer


class Trained(NamedTuple):
    """Lanes after their training."""

    config: Config
    dataset: Dataset
    training: Trainer


def configured(*overrides: str) -> Config:
    """The configuration of a command line."""
    schema.register()
    given = normalize_overrides(list(overrides))
    with hydra.initialize_config_dir(str(schema.configuration_folder()), version_base="1.3"):
        return validation.read(hydra.compose("config", given), given)


def prepared(*overrides: str) -> Trained:
    """The lanes of `lanes.seeds` or `lanes.values`, compiled, untrained."""
    settings = configured(*overrides)
    dataset = make_plan(settings).dataset
    jax_setup.configure(settings.runtime)
    return Trained(settings, dataset, build.trainer(lanes.lane_configs(settings), dataset))


def trained(*overrides: str) -> Trained:
    """The same, trained to the end."""
    made = prepared(*overrides)
    for _ in made.training.chunks():
        pass
    return made
