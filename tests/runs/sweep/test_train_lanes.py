"""A job of lanes: where a member is trained changes nothing; groups by lanes.max and by what memory holds."""

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file

from nnjax.runs import build
from nnjax.runs import run as pipeline
from tests.config.test_schema import read
from tests.runs.sweep.conftest import RATES, XOR, lane_of

OFF = "tracking.enabled=false"


def networks(sweep):
    """The parameters of each member, flat, by its seed."""
    return {
        lane.settings["seed"]: np.concatenate([leaf.ravel() for layer in sweep.network(lane).params for leaf in layer])
        for lane in sweep.lanes()
    }


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The parameters (flat) and the final training loss of seed 1, trained by itself."""
    folder = tmp_path_factory.mktemp("alone")
    loss = pipeline.run(read(*XOR, OFF, "seed=1"), folder, folder).objective
    leaves = load_file(folder / "model.safetensors")
    order = [f"{layer}.{name}" for layer in range(len(leaves) // 2) for name in ("Theta", "b")]
    return np.concatenate([leaves[name].ravel() for name in order]), loss


@pytest.fixture(scope="module")
def eight(swept):
    """Eight seeds in one group, by strategy."""
    return {
        strategy: swept(strategy).run(OFF, f"lanes.strategy={strategy}", "lanes.seeds=8")
        for strategy in ("map", "vmap")
    }


def test_side_by_side_a_member_is_the_run_alone_in_float32(eight, alone):
    params, loss = alone
    np.testing.assert_allclose(networks(eight["vmap"])[1], params, rtol=1e-5, atol=1e-6)
    assert lane_of(eight["vmap"].lanes(), seed=1).metrics["train/loss"] == pytest.approx(loss, rel=1e-5)
    assert np.abs(networks(eight["vmap"])[0] - params).max() > 0.1


def test_one_after_another_a_member_has_the_bits_of_the_run_alone(eight, alone):
    params, loss = alone
    np.testing.assert_array_equal(networks(eight["map"])[1], params)
    assert lane_of(eight["map"].lanes(), seed=1).metrics["train/loss"] == loss


def test_what_was_picked_is_kept_and_said(eight, caplog, swept):
    assert eight["map"].parts()[0].group.layout == "8 lanes: map of 4 on 2 devices (map)"
    assert eight["vmap"].parts()[0].group.layout == "8 lanes: vmap of 4 on 2 devices (vmap)"
    caplog.set_level("INFO", logger="nnjax")
    swept().train(OFF, "lanes.seeds=8")
    assert any("8 lanes: vmap of 4 on 2 devices (auto), 0 programs compiled" in line for line in caplog.messages)


def test_a_diverging_neighbour_changes_no_bit(swept):
    calm = swept().run(OFF, "lanes.values={optimizer.learning_rate:[0.1,0.2]}", "lanes.seeds=4")
    wild = swept().run(OFF, RATES, "lanes.seeds=4")
    for seed in range(4):
        mine, other = (lane_of(each.lanes(), seed=seed, learning_rate=0.1) for each in (calm, wild))
        assert mine.metrics == other.metrics
        for (Theta, b), (same_Theta, same_b) in zip(calm.network(mine).params, wild.network(other).params, strict=True):
            np.testing.assert_array_equal(Theta, same_Theta)
            np.testing.assert_array_equal(b, same_b)


@pytest.mark.parametrize("most", [4, 3])
@pytest.mark.parametrize("strategy", ["map", "vmap"])
def test_smaller_groups_share_a_program_and_train_the_same(swept, eight, monkeypatch, strategy, most):
    """Also where the members don't divide evenly: 3, 3 and 2."""
    memory = Memory(8)
    monkeypatch.setattr(build, "make_trainer", memory)
    made = swept().run(OFF, f"lanes.strategy={strategy}", "lanes.seeds=8", f"lanes.max={most}")
    assert len(made.parts()) == -(-8 // most)
    assert all(len(part.lanes) <= most for part in made.parts())
    assert sum(part.group.compiles for part in made.parts()) <= 1
    assert set(memory.asked) == {most}, "groups of one size share a program"
    small, large = networks(made), networks(eight[strategy])
    assert small.keys() == large.keys() == set(range(8))
    for seed, params in small.items():
        if strategy == "map":
            np.testing.assert_array_equal(params, large[seed])
        else:
            np.testing.assert_allclose(params, large[seed], rtol=1e-5, atol=1e-6)


class Memory:
    """Stands for `build.make_trainer` on a machine that holds so many lanes."""

    def __init__(self, most, message="RESOURCE_EXHAUSTED: Out of memory allocating 123 bytes."):
        self.most, self.message, self.asked, self.real = most, message, [], build.make_trainer

    def __call__(self, lanes, dataset, room=None, most=None):
        self.asked.append(room)
        if room > self.most:
            raise jax.errors.JaxRuntimeError(self.message)
        return self.real(lanes, dataset, room, most)


def test_out_of_memory_halves_the_lanes_and_goes_on(swept, monkeypatch, caplog, eight):
    memory = Memory(4)
    monkeypatch.setattr(build, "make_trainer", memory)
    caplog.set_level("INFO", logger="nnjax")
    made = swept().run(OFF, "lanes.strategy=vmap", "lanes.seeds=8")
    assert memory.asked == [8, 4, 4]
    assert any("out of memory with 8 lanes at once: continuing with half of them" in line for line in caplog.messages)
    assert [len(part.lanes) for part in made.parts()] == [4, 4]
    for seed, params in networks(made).items():
        np.testing.assert_allclose(params, networks(eight["vmap"])[seed], rtol=1e-5, atol=1e-6)


def test_not_even_one_lane_in_memory_is_the_devices_error(swept, monkeypatch):
    memory = Memory(0)
    monkeypatch.setattr(build, "make_trainer", memory)
    with pytest.raises(jax.errors.JaxRuntimeError, match="RESOURCE_EXHAUSTED"):
        swept().train(OFF, "lanes.seeds=8")
    assert memory.asked == [8, 4, 2, 1]


def test_another_error_of_the_device_is_not_taken_for_memory(swept, monkeypatch):
    memory = Memory(0, "INTERNAL: something else")
    monkeypatch.setattr(build, "make_trainer", memory)
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        swept().train(OFF, "lanes.seeds=8")
    assert memory.asked == [8]


@pytest.mark.parametrize(
    "error", [jax.errors.JaxRuntimeError("INTERNAL"), KeyboardInterrupt()], ids=["error", "Ctrl-C"]
)
def test_a_job_that_ends_without_any_lane_leaves_no_run_running(swept, monkeypatch, error):
    """A multirun records what its jobs left, however they ended; here nothing but the parent."""

    def ends(*arguments):
        raise error

    made = swept()
    with monkeypatch.context() as patch:
        patch.setattr(build, "make_trainer", ends)
        with pytest.raises(type(error)):
            made.train("lanes.seeds=4")
    made.finish(status="FAILED")
    assert [run.info.run_name for run in made.runs() if run.info.status == "RUNNING"] == []
