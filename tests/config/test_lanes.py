"""Members: which configurations a job trains, and that a member is known again by what determines its result."""

import dataclasses
import functools

import pytest

from nnjax.config import lanes, schema
from nnjax.data import sources
from nnjax.errors import InputError
from nnjax.runs.plan import make_plan
from nnjax.runs.sweep.train_lanes import lane_settings
from tests.config.test_schema import read

XOR = ("+experiment=xor", "optimizer=sgd")
read = functools.cache(read)  # composing takes a fifth of a second


def identities(*overrides):
    return [lanes.identity(lanes.settings(each), "data") for each in lanes.lane_configs(read(*XOR, *overrides))]


def identity(*overrides):
    (one,) = identities(*overrides)
    return one


def test_members_are_the_product_first_key_slowest_and_seeds_fastest():
    found = lanes.lane_configs(
        read(*XOR, "lanes.values={training.l2:[1,0],optimizer.learning_rate:[0.3,0.1]}", "seed=5")
    )
    assert [(each.training.l2, each.optimizer.learning_rate, each.seed) for each in found] == [
        (1.0, 0.3, 5),
        (1.0, 0.1, 5),
        (0.0, 0.3, 5),
        (0.0, 0.1, 5),
    ]
    found = lanes.lane_configs(read(*XOR, "lanes.values={training.l2:[1,0]}", "lanes.seeds=3", "seed=5"))
    assert [(each.training.l2, each.seed) for each in found] == [(l2, seed) for l2 in (1.0, 0.0) for seed in (5, 6, 7)]


def test_points_may_be_named_one_by_one():
    points = "lanes.values=[{seed:3,training.l2:0.5},{seed:9,training.l2:0.1}]"
    assert [(each.seed, each.training.l2) for each in lanes.lane_configs(read(*XOR, points))] == [(3, 0.5), (9, 0.1)]


def test_a_member_has_all_other_settings_of_its_job():
    job = read(*XOR, "lanes.values={seed:[3]}", "training.epochs=7")
    (member,) = lanes.lane_configs(job)
    assert member == dataclasses.replace(job, seed=3)


@pytest.mark.parametrize(
    "seeds", ["lanes.seeds=3", "lanes.values={seed:[0,1,2]}", "lanes.values=[{seed:0},{seed:1},{seed:2}]"]
)
def test_seeds_are_the_members_that_separate_runs_are(seeds):
    assert identities(seeds) == [identity(f"seed={seed}") for seed in range(3)]
    assert len(set(identities(seeds))) == 3


def test_the_number_counts_not_how_it_is_written():
    rate = identity("optimizer.learning_rate=1")
    assert rate == identity("optimizer.learning_rate=1.0")
    assert identities("lanes.values={optimizer.learning_rate:[1,1.0,1e0]}") == [rate] * 3
    assert identities("lanes.values={training.clip_norm:[2,null]}") == [
        identity("training.clip_norm=2.0"),
        identity("training.clip_norm=null"),
    ]


def changed(key, value):
    """The identity with another value of a dotted key."""
    return lanes.identity(lanes.settings(lanes.replace_values(read(*XOR), {key: value})), "data")


def test_how_it_is_run_is_no_part_of_the_identity():
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
    assert set(others) == set(lanes.settings(read(*XOR)))
    assert len({identity(), *(changed(key, value) for key, value in others.items())}) == len(others) + 1


def test_other_data_are_another_member():
    job = read(*XOR)
    assert lanes.identity(lanes.settings(job), "a") != lanes.identity(lanes.settings(job), "b")
    digest, same = make_plan(job).dataset.digest, sources.load("boolean", table="0110").digest
    assert digest == same != sources.load("boolean", table="0111").digest


def test_what_is_recorded_of_a_member_tells_no_password():
    """A mirror's address, which is part of the identity with and without it alike."""
    one, other = (with_mirror(f"http://{who}host/x") for who in ("me:secret@", ""))
    assert one["data.mirror"] == "http://host/x"
    assert lanes.identity(one, "d") == lanes.identity(other, "d")


def with_mirror(address):
    job = read("data=mnist")
    return lane_settings(dataclasses.replace(job, data=dataclasses.replace(job.data, mirror=address)))


@pytest.mark.parametrize(
    "path", sorted((schema.configuration_folder() / "experiment").glob("*.yaml")), ids=lambda path: path.stem
)
def test_a_configuration_comes_back_from_its_record(path):
    made = read(f"+experiment={path.stem}", "lanes.seeds=2", "lanes.values={training.l2:[0,1]}", "sweep.name=x")
    assert schema.record(dataclasses.asdict(made)) == made


def test_a_configuration_comes_back_with_the_types_of_its_options():
    for optimizer in schema.OPTIONS["optimizer"]:
        made = read(*XOR, f"optimizer={optimizer}")
        assert type(schema.record(dataclasses.asdict(made)).optimizer) is type(made.optimizer)


def test_every_lane_key_is_a_setting_that_some_configuration_has():
    every = {key for each in schema.OPTIONS["optimizer"] for key in lanes.settings(read(*XOR, f"optimizer={each}"))}
    assert set(schema.lane_keys()) <= every


def test_one_job_alone_is_a_sweep_only_if_it_says_so():
    assert not lanes.is_sweep(read(*XOR))
    for words in ("lanes.seeds=2", "sweep.name=x", "lanes.values={seed:[1]}"):
        assert lanes.is_sweep(read(*XOR, words))


def test_points_of_unlike_keys_are_refused():
    with pytest.raises(InputError, match="same keys"):
        read(*XOR, "lanes.values=[{seed:3},{training.l2:0.1}]")
