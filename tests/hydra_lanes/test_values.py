"""`lanes.values` becomes points, and points become configs when they are asked for."""

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from omegaconf import OmegaConf

from hydra_plugins.hydra_lanes.values import LaneConfigs, expand


def test_a_mapping_is_a_product_with_the_first_key_slowest() -> None:
    points = expand({"seed": [0, 1], "a.rate": [0.1, 0.2]})
    assert [tuple(point.values()) for point in points] == list(itertools.product([0, 1], [0.1, 0.2]))
    assert list(points[0]) == ["seed", "a.rate"]


@pytest.mark.parametrize("wrap", [lambda values: values, OmegaConf.create], ids=["plain", "omegaconf"])
def test_a_list_of_mappings_is_taken_as_it_is(wrap: Any) -> None:
    values = [{"seed": 3, "a.b": None}, {"a.b": [1], "seed": 2}]
    points = expand(wrap(values))
    assert points == values
    assert type(points[1]["a.b"]) is list


def test_nodes_are_resolved() -> None:
    config = OmegaConf.create({"three": [3, 4], "lanes": {"values": {"seed": "${three}"}}})
    assert expand(config.lanes["values"]) == [{"seed": 3}, {"seed": 4}]


@pytest.mark.parametrize(
    "values",
    [
        None,
        {},
        [],
        [{}],
        3,
        "seed",
        {"seed": 3},
        {"seed": "12"},
        {"seed": []},
        {1: [2]},
        [3],
        [{1: 2}],
        [{"seed": 1}, {"rate": 1}],
        [{"seed": 1}, {"seed": 1, "rate": 1}],
        [{"seed": index, "": "long" * 9} for index in range(99)] + [{"seed": 1}],
    ],
)
def test_other_forms_are_one_line_of_error(values: Any) -> None:
    with pytest.raises(ValueError, match=r"^lanes\.values maps .* given") as error:
        expand(values)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_thousands_of_lanes_are_expanded_quickly_and_cost_nothing_as_configs() -> None:
    values = {"seed": list(range(80)), "a.rate": [index / 10 for index in range(50)]}
    config = OmegaConf.create({"seed": 0, "a": {"rate": 0.0}, "lanes": {"values": values}})
    start = time.perf_counter()
    configs = LaneConfigs(config)
    assert len(configs) == 4000
    assert configs[-1] == {"seed": 79, "a": {"rate": 4.9}}
    assert time.perf_counter() - start < 0.5


@dataclass
class Lanes:
    strategy: str = "auto"
    values: Any = None


@dataclass
class Alone:
    values: Any = None


@dataclass
class Config:
    seed: int = 0
    rates: dict[str, float] = field(default_factory=lambda: {"first": 0.1})
    lanes: Lanes = field(default_factory=Lanes)


def test_a_declared_node_keeps_its_other_options() -> None:
    config = OmegaConf.structured(Config)
    config.lanes["values"] = {"seed": [4, 5], "rates.first": [0.5]}
    configs = LaneConfigs(config)
    assert [lane.seed for lane in configs] == [4, 5]
    assert configs[1].lanes == {"strategy": "auto", "values": None}
    assert configs[1].rates == {"first": 0.5}
    assert configs.composed is config and config.seed == 0 and config.lanes["values"] is not None


def test_only_a_typed_node_may_be_left_with_nothing_but_null() -> None:
    values = [{"seed": 1}]
    assert LaneConfigs(OmegaConf.create({"seed": 0, "lanes": {"values": values}}))[0] == {"seed": 1}
    typed = OmegaConf.create({"seed": 0, "lanes": OmegaConf.structured(Alone(values))})
    assert LaneConfigs(typed)[0] == {"seed": 1, "lanes": {"values": None}}


def test_configs_are_a_sequence_of_copies_with_types_kept() -> None:
    config = OmegaConf.structured(Config)
    config.lanes["values"] = [{"seed": "7", "new.key": 1}, {"seed": 8, "new.key": 2}, {"seed": 9, "new.key": 3}]
    OmegaConf.set_struct(config, True)
    configs = LaneConfigs(config)
    assert configs[0].seed == 7, "typed as an int"
    assert [lane["new"]["key"] for lane in configs[1:]] == [2, 3]
    configs[0].seed = 100
    assert configs[0].seed == 7
    with pytest.raises(IndexError):
        configs[3]


def test_an_untyped_node_with_other_options_is_kept() -> None:
    config = OmegaConf.create({"seed": 0, "lanes": {"strategy": "map", "values": {"seed": [1]}}})
    assert LaneConfigs(config)[0] == {"seed": 1, "lanes": {"strategy": "map", "values": None}}
