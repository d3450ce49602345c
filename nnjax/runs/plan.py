"""The plan of a run or of a job of a sweep: what follows from its configuration and its data, computed once."""

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from nnjax.config import combinations, lanes, schema
from nnjax.config.schema import Config
from nnjax.data import sources
from nnjax.data.dataset import Dataset
from nnjax.network.models import Model
from nnjax.reporting import run_names, summary
from nnjax.runs import build
from nnjax.system import secrets


@dataclasses.dataclass(frozen=True)
class RunPlan:
    """A configuration, its dataset, and what follows from the two."""

    config: Config
    dataset: Dataset
    network_metadata: Mapping[str, Any]  # what prediction needs besides the parameters

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The nested settings, without passwords."""
        return secrets.remove_passwords(dataclasses.asdict(self.config))

    @cached_property
    def model(self) -> Model:
        """The network's architecture."""
        return build.make_model(self.config, self.dataset)

    @cached_property
    def units(self) -> tuple[int, ...]:
        """The units of each layer, inputs first and outputs last (L3)."""
        return build.layer_units(self.config, self.dataset)

    @cached_property
    def network_name(self) -> str:
        """The network's name, such as `mlp 2-4-1`."""
        return run_names.network(self.config.model.name, self.config.loss.name, self.units)

    @cached_property
    def data_description(self) -> str:
        """One line with the data and their source."""
        return summary.describe_data(self.dataset)

    @cached_property
    def batch_description(self) -> str:
        """The batch size if it is smaller than `training.batch_size`, else an empty text."""
        return summary.describe_batch(self.config, self.dataset)

    @property
    def announcement(self) -> str:
        """The line that is logged about the data: their notice, or their description."""
        return self.dataset.notice or self.data_description

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """What must be equal to resume the run: all that determines its result but the number of epochs."""
        identity = {**result_settings(self.config), "data": self.dataset.digest}
        del identity["training.epochs"]
        return identity

    @property
    def has_validation(self) -> bool:
        """Whether there are validation data."""
        return len(self.dataset.validation.y) > 0

    @property
    def objective(self) -> str:
        """The metric that ranks networks; never a test metric."""
        return self.config.objective or ("validation/loss" if self.has_validation else "train/loss")


def result_settings(config: Config) -> dict[str, Any]:
    """Return the settings that the result depends on (dotted key -> value), without passwords."""
    return secrets.remove_passwords(lanes.result_settings(config))


def make_plan(config: Config) -> RunPlan:
    """Load the data that a configuration names, and return the plan.

    Raises InputError for data that can't be loaded, for data that do not fit the loss or the network, and for a network
    that can't predict with NumPy.
    """
    dataset = sources.load(**schema.data_settings(config))
    for lane in lanes.lane_configs(config):
        combinations.check_task(lane, dataset.task)
        combinations.check_inputs(lane, dataset.preprocessing.shape)
    return RunPlan(config, build.limit_batches(config, dataset), build.network_metadata(config, dataset))
