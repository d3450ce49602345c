"""What the scripts here share: networks trained as the command line would, kept in memory."""

from typing import NamedTuple

from nnjax.config import lanes
from nnjax.config.composition import read_config
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
    return read_config(overrides)


def prepared(*overrides: str) -> Trained:
    """The lanes of `lanes.seeds` or `lanes.values`, compiled, untrained."""
    settings = configured(*overrides)
    dataset = make_plan(settings).dataset
    jax_setup.configure(settings.runtime)
    return Trained(settings, dataset, build.make_trainer(lanes.lane_configs(settings), dataset))


def trained(*overrides: str) -> Trained:
    """The same, trained to the end."""
    made = prepared(*overrides)
    for _ in made.training.chunks():
        pass
    return made
