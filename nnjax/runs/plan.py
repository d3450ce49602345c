"""What follows from a configuration and its data, computed once for a run or for a job of a sweep."""

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from nnjax.config import lanes, schema, validation
from nnjax.config.schema import Config
from nnjax.data import sources
from nnjax.data.dataset import Dataset
from nnjax.network.models import Model
from nnjax.reporting import run_names, summary
from nnjax.runs import build
from nnjax.system import secrets


@dataclasses.dataclass(frozen=True)
class RunPlan:
    """A configuration, its data, and what follows from the two."""

    config: Config
    dataset: Dataset

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The nested settings, fit to be recorded."""
        return secrets.without_passwords(dataclasses.asdict(self.config))

    @cached_property
    def model(self) -> Model:
        """The network's architecture."""
        return build.model(self.config, self.dataset)

    @cached_property
    def units(self) -> tuple[int, ...]:
        """How many units each layer has, inputs first and outputs last (L3)."""
        return build.units(self.config, self.dataset)

    @cached_property
    def network_name(self) -> str:
        """What the network is called, such as `mlp 2-4-1`."""
        return run_names.network(self.config.model.name, self.config.loss.name, self.units)

    @cached_property
    def data_description(self) -> str:
        """What the data are and where they come from, in a line."""
        return summary.describe_data(self.dataset)

    @cached_property
    def batch_description(self) -> str:
        """How large a batch is; empty where it is as large as asked for."""
        return summary.describe_batch(self.config, self.dataset)

    @property
    def announcement(self) -> str:
        """The first line about the data: their notice if they have one."""
        return self.dataset.notice or self.data_description

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """What must be equal where a run is resumed: all that determines its result but the number of epochs."""
        settings = secrets.without_passwords(lanes.settings(self.config))
        return {key: value for key, value in settings.items() if key != "training.epochs"} | {
            "data": self.dataset.digest
        }

    @property
    def has_validation(self) -> bool:
        """Whether there are rows to validate on."""
        return len(self.dataset.validation.y) > 0

    @property
    def objective(self) -> str:
        """The metric that ranks several networks; never one of the test."""
        return self.config.objective or ("validation/loss" if self.has_validation else "train/loss")


def make_plan(config: Config) -> RunPlan:
    """Load the data that a configuration names, and return the plan of the two.

    Raises InputError for data that can't be had, or that are no task for the loss and the network.
    """
    dataset = sources.load(**schema.source(config))
    for lane in lanes.lane_configs(config):
        validation.check_task(lane, dataset.task)
        validation.check_inputs(lane, dataset.preprocessing.shape)
    return RunPlan(config, build.limited(config, dataset))
