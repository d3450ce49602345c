"""A key counts as interpolated wherever another value might read it."""

import enum
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from hydra_plugins.hydra_lanes.interpolations import mentioned

SEED, RATE = "seed", "optimizer.rate"


pytestmark = pytest.mark.ci


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("${seed}", {SEED}),
        ("run-${seed}.txt", {SEED}),
        ("${optimizer.rate}", {RATE}),
        ("${optimizer}", {RATE}),
        ("${optimizer.rate.0}", {RATE}),
        ("${optimizer[rate]}", {RATE}),
        ("${[optimizer][rate]}", {RATE}),
        ("${.rate}", {RATE}),
        ("${..rate}", {RATE}),
        ("${..seed}", {SEED}),
        ("${.optimizer}", {RATE}),
        ("${.${which}}", {SEED, RATE}),
        ("${oc.select:seed,0}", {SEED}),
        ("${oc.select: 'optimizer.rate', 3}", {RATE}),
        ("${f:{a: seed}}", {SEED}),
        ("${f:[seed, 1]}", {SEED}),
        ("${f:${seed},${other}}", {SEED}),
        ("${f:${g:${seed}}}", {SEED}),
        ("${optimizer.${which}}", {RATE}),
        ("${oc.select:optimizer.ra${which}}", {RATE}),
        ("${${which}}", {SEED, RATE}),
        ("${${which}.rate}", {SEED, RATE}),
        ("${oc.select:optimizer.${which}}", {RATE}),
        ("${f:${which}}", set()),
        ("${f:run_${which}}", set()),
        ("${rate}", set()),
        ("${seeds}", set()),
        ("${see}", set()),
        ("${data.seed}", set()),
        ("${optimizer.rates}", set()),
        ("${oc.env:HOME}", set()),
        ("seed optimizer.rate", set()),
        ("{seed}", set()),
        ("seed ${other}", set()),
    ],
)
def test_names(text: str, keys: set[str]) -> None:
    config = OmegaConf.create({"which": "seed", "list": [{"deep": text}], "lone": "}", "open": "{"})
    assert set(mentioned(config, [SEED, RATE])) == keys


def test_the_reason_is_the_interpolation() -> None:
    config = OmegaConf.create({"a": "x-${oc.select:seed,0}-y"})
    assert mentioned(config, [SEED]) == {SEED: "${oc.select:seed,0}"}


def test_hydras_own_node_is_left_out() -> None:
    config = OmegaConf.create({"hydra": {"sweep": {"subdir": "${seed}"}}})
    assert mentioned(config, [SEED]) == {}


def test_values_of_all_types_are_read_over() -> None:
    colour = enum.Enum("colour", ["red"])
    odd: dict[Any, Any] = {colour.red: colour.red, 1: b"x", 2.5: Path("y"), 3: None, "a": "???", "b": "${seed}"}
    assert set(mentioned(OmegaConf.create(odd), [SEED])) == {SEED}
