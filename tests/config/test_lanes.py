"""Lanes: which configurations a job trains, and that the settings that determine a result identify its lane."""

import dataclasses
import functools

import pytest

from nnjax.config import lanes, schema
from nnjax.data import sources
from nnjax.errors import InputError
from nnjax.runs.plan import make_plan, result_settings
from tests.config.test_schema import read

XOR = ("+experiment=xor", "optimizer=sgd")
read = functools.cache(read)  # composing takes a fifth of a second


def identities(*overrides):
    return [
        lanes.lane_identity(lanes.result_settings(lane), "data") for lane in lanes.lane_configs(read(*XOR, *overrides))
    ]


def identity(*overrides):
    (one,) = identities(*overrides)
    return one


def test_lanes_are_the_product_of_the_values_first_key_slowest_and_seeds_fastest():
    configs = lanes.lane_configs(
        read(*XOR, "lanes.values={training.l2:[1,0],optimizer.learning_rate:[0.3,0.1]}", "seed=5")
    )
    assert [(lane.training.l2, lane.optimizer.learning_rate, lane.seed) for lane in configs] == [
        (1.0, 0.3, 5),
        (1.0, 0.1, 5),
        (0.0, 0.3, 5),
        (0.0, 0.1, 5),
    ]
    configs = lanes.lane_configs(read(*XOR, "lanes.values={training.l2:[1,0]}", "lanes.seeds=3", "seed=5"))
    assert [(lane.training.l2, lane.seed) for lane in configs] == [
        (l2, seed) for l2 in (1.0, 0.0) for seed in (5, 6, 7)
    ]


def test_points_may_be_listed_one_by_one():
    points = "lanes.values=[{seed:3,training.l2:0.5},{seed:9,training.l2:0.1}]"
    assert [(lane.seed, lane.training.l2) for lane in lanes.lane_configs(read(*XOR, points))] == [(3, 0.5), (9, 0.1)]


def test_a_lane_has_all_other_settings_of_its_job():
    job = read(*XOR, "lanes.values={seed:[3]}", "training.epochs=7")
    (lane,) = lanes.lane_configs(job)
    assert lane == dataclasses.replace(job, seed=3)


@pytest.mark.parametrize(
    "seeds", ["lanes.seeds=3", "lanes.values={seed:[0,1,2]}", "lanes.values=[{seed:0},{seed:1},{seed:2}]"]
)
def test_a_lane_of_a_seed_is_the_same_as_a_single_run_with_it(seeds):
    assert identities(seeds) == [identity(f"seed={seed}") for seed in range(3)]
    assert len(set(identities(seeds))) == 3


def test_a_number_written_in_another_way_is_the_same_lane():
    rate = identity("optimizer.learning_rate=1")
    assert rate == identity("optimizer.learning_rate=1.0")
    assert identities("lanes.values={optimizer.learning_rate:[1,1.0,1e0]}") == [rate] * 3
    assert identities("lanes.values={training.clip_norm:[2,null]}") == [
        identity("training.clip_norm=2.0"),
        identity("training.clip_norm=null"),
    ]


def changed(key, value):
    """Return the identity with another value of a dotted key."""
    return lanes.lane_identity(lanes.result_settings(lanes.replace_values(read(*XOR), {key: value})), "data")


def test_settings_that_change_no_result_do_not_change_the_identity():
    running = ("tracking.enabled=false", "+tracking.tags.team=x", "runtime.devices=1", "lanes.strategy=map")
    assert identity(*running, "lanes.max=2", "lanes.record=table", "sweep.name=x", "objective=train/accuracy") == (
        identity()
    )


def test_every_setting_that_may_change_a_result_changes_the_identity():
    others = {
        "seed": 1,
        "model.preset": "logistic",
        "model.hidden": [5],
        "model.activation": "relu",
        "model.init": "lecun",
        "model.init_scale": 2,
        "data.function": "and",
        "data.expression": "x1",
        "data.table": "0111",
        "data.inputs": 3,
        "data.samples": 9,
        "data.test_size": 1,
        "data.seed": 1,
        "data.label_noise": 0.25,
        "optimizer.learning_rate": 0.5,
        "training.epochs": 3,
        "training.batch_size": 2,
        "training.limit_batches": 1,
        "training.shuffle_seed": 0,
        "training.l2": 0.1,
        "training.clip_norm": 1,
        "training.gradients": "autodiff",
        "training.gradient_check": False,
        "training.tolerance": 0.1,
        "training.patience": 3,
        "training.keep": "best",
        "runtime.precision": "float64",
        **{f"{group}.name": "other" for group in ("model", "loss", "data", "optimizer", "schedule")},
    }
    assert set(others) == set(lanes.result_settings(read(*XOR)))
    assert len({identity(), *(changed(key, value) for key, value in others.items())}) == len(others) + 1


def test_other_data_are_another_lane():
    job = read(*XOR)
    assert lanes.lane_identity(lanes.result_settings(job), "a") != lanes.lane_identity(lanes.result_settings(job), "b")
    digest, same = make_plan(job).dataset.digest, sources.load("boolean", table="0110").digest
    assert digest == same != sources.load("boolean", table="0111").digest


def test_the_recorded_settings_of_a_lane_have_no_password():
    """The identity of a mirror's address is the same with and without its password."""
    one, other = (with_mirror(f"http://{who}host/x") for who in ("me:secret@", ""))
    assert one["data.mirror"] == "http://host/x"
    assert lanes.lane_identity(one, "d") == lanes.lane_identity(other, "d")


def with_mirror(address):
    job = read("data=mnist")
    return result_settings(dataclasses.replace(job, data=dataclasses.replace(job.data, mirror=address)))


@pytest.mark.parametrize(
    "path", sorted((schema.configuration_folder() / "experiment").glob("*.yaml")), ids=lambda path: path.stem
)
def test_from_settings_restores_the_configuration(path):
    made = read(f"+experiment={path.stem}", "lanes.seeds=2", "lanes.values={training.l2:[0,1]}", "sweep.name=x")
    assert schema.from_settings(dataclasses.asdict(made)) == made


def test_from_settings_restores_the_types_of_the_options():
    for optimizer in schema.OPTIONS["optimizer"]:
        made = read(*XOR, f"optimizer={optimizer}")
        assert type(schema.from_settings(dataclasses.asdict(made)).optimizer) is type(made.optimizer)


def test_every_lane_key_is_a_setting_that_some_configuration_has():
    all_keys = {
        key
        for option in schema.OPTIONS["optimizer"]
        for key in lanes.result_settings(read(*XOR, f"optimizer={option}"))
    }
    assert set(schema.lane_keys()) <= all_keys


def test_a_job_is_a_sweep_only_with_several_lanes_or_a_name():
    assert not lanes.is_sweep(read(*XOR))
    for words in ("lanes.seeds=2", "sweep.name=x", "lanes.values={seed:[1]}"):
        assert lanes.is_sweep(read(*XOR, words))


def test_points_with_different_keys_are_refused():
    with pytest.raises(InputError, match="same keys"):
        read(*XOR, "lanes.values=[{seed:3},{training.l2:0.1}]")
