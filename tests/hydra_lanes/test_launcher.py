"""`hydra/launcher=lanes`: batches become groups, and every job has the return of its own lane."""

import time
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import pytest
from hydra.core.utils import JobStatus
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf
from omegaconf.errors import ValidationError

from tests.hydra_lanes import Sweep, Trained

LANES = "hydra/launcher=lanes"


pytestmark = pytest.mark.ci


def point(config: Any) -> tuple[Any, ...]:
    return config.seed, config.optimizer.rate, config.steps, config.model.get("units")


def alike(returns: Any) -> list[Any]:
    return [(job.overrides, job.cfg, job.return_value, job.status, job.task_name) for job in returns]


def test_a_batch_is_trained_in_groups_and_returned_in_order(sweep: Sweep) -> None:
    words = ["seed=3,4", "model=small,large", "optimizer.rate=0.5", "steps=7"]
    trained = Trained(point)
    (returns,) = sweep(trained.task(), LANES, *words)
    assert [len(call) for call in trained.calls] == [2, 2] and not trained.single
    assert [{config.model.units for config in call} for call in trained.calls] == [{1}, {100}]
    assert len(sweep.composed) == 4 + 2, "the basic sweeper composes each job, the launcher each group once"
    (alone,) = sweep(Trained(point).task(keys=()), *words)
    assert alike(returns) == alike(alone)


def test_a_group_is_one_job_of_hydra(sweep: Sweep, tmp_path: Path) -> None:
    trained = Trained(point)
    (returns,) = sweep(trained.task(), LANES, "seed=3,4", "model=small,large")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "multirun.yaml"]
    assert [job.hydra_cfg.hydra.job.num for job in returns] == [0, 1, 0, 1]
    assert [job.hydra_cfg.hydra.job.id for job in returns] == ["0", "1", "0", "1"]
    assert {job.working_dir for job in returns} == {str(Path.cwd())}
    written = OmegaConf.load(tmp_path / "1" / ".hydra" / "overrides.yaml")
    assert written == ["model=large", "++lanes.values=[{seed:3},{seed:4}]"]
    assert trained.composed[1].lanes["values"] == [{"seed": 3}, {"seed": 4}]
    again = Trained(point)
    (job,), *_ = sweep(again.task(), LANES, *written)
    assert job.return_value == [trained.answer(config) for config in trained.calls[1]], "they are overrides"


def test_values_are_values(sweep: Sweep) -> None:
    trained = Trained(lambda config: config.seed)
    (returns,) = sweep(trained.task(), LANES, "seed='a,b',c:d,null,[1,2],1e-3,true")
    assert [job.return_value for job in returns] == ["a,b", "c:d", None, [1, 2], 1e-3, True]
    assert [len(call) for call in trained.calls] == [6]


def test_a_group_of_one_job_is_one_lane(sweep: Sweep) -> None:
    trained = Trained(point)
    (returns,) = sweep(trained.task(), LANES, "seed=3", "model=small,large")
    assert [job.return_value[0] for job in returns] == [3, 3]
    assert [len(call) for call in trained.calls] == [1, 1] and not trained.single


@pytest.mark.parametrize("words", [["model=small,large"], []])
def test_without_lane_keys_it_is_hydras_launcher(sweep: Sweep, words: list[str]) -> None:
    trained = Trained(point)
    sweep(trained.task(), LANES, *words)
    assert trained.single and not trained.calls


def test_a_task_that_declares_nothing_has_no_lanes(sweep: Sweep) -> None:
    trained = Trained(point)
    (returns,) = sweep(trained.task(keys=()), LANES, "seed=1,2")
    assert [job.return_value[0] for job in returns] == [1, 2]


def test_batches_are_numbered_on(sweep: Sweep) -> None:
    trained = Trained(point)
    batches = sweep(trained.task(), LANES, "hydra.sweeper.max_batch_size=3", "model=small,large", "seed=1,2,3")
    assert [[len(batch), batch[0].hydra_cfg.hydra.job.num] for batch in batches] == [[3, 0], [3, 3]]


def test_keys_with_plus_are_lanes_and_missing_keys_are_hydras_error(sweep: Sweep) -> None:
    trained = Trained(lambda config: config.fresh)
    (returns,) = sweep(trained.task(keys=["fresh"]), LANES, "+fresh=1,2")
    assert [job.return_value for job in returns] == [1, 2]
    assert len(trained.calls) == 1
    with pytest.raises(ConfigCompositionException, match="Could not override 'fresh'"):
        sweep.launch(trained.task(keys=["fresh"]), [["fresh=1"], ["fresh=2"]])


def test_failing_lanes_fail_alone(sweep: Sweep) -> None:
    trained = Trained(lambda config: KeyError(config.seed) if config.seed == 2 else config.seed)
    first, second, third = sweep.launch(trained.task(), [["seed=1"], ["seed=2"], ["seed=3"]])
    assert (first.return_value, third.return_value) == (1, 3)
    assert second.status == JobStatus.FAILED
    with pytest.raises(KeyError, match="2"):
        _ = second.return_value


def test_when_all_fail_each_has_its_own_exception(sweep: Sweep) -> None:
    returns = sweep.launch(Trained(lambda config: KeyError(config.seed)).task(), [["seed=1"], ["seed=2"]])
    assert [str(job._return_value) for job in returns] == ["1", "2"]
    assert {job.status for job in returns} == {JobStatus.FAILED}


def test_a_group_that_raises_fails_and_the_others_run(sweep: Sweep) -> None:
    def answer(config: Any) -> int:
        if config.steps == 1:
            raise RuntimeError("broken")
        return int(config.seed)

    batch = [["steps=1", "seed=1"], ["steps=2", "seed=2"], ["steps=1", "seed=3"]]
    returns = sweep.launch(Trained(answer).task(), batch)
    assert [job.status.name for job in returns] == ["FAILED", "COMPLETED", "FAILED"]
    assert returns[0]._return_value is returns[2]._return_value
    assert returns[1].return_value == 2


def test_jobs_of_other_keys_are_other_groups(sweep: Sweep) -> None:
    batch = [["seed=1"], ["seed=2", "optimizer.rate=1"], ["steps=3"], ["optimizer.rate=2", "steps=3"], ["seed=5"]]
    trained = Trained(lambda config: (config.seed, config.optimizer.rate, config.steps))
    returns = sweep.launch(trained.task(), batch)
    assert [job.return_value for job in returns] == [(1, 0.1, 10), (2, 1, 10), (0, 0.1, 3), (0, 2, 3), (5, 0.1, 10)]
    assert [len(call) for call in trained.calls] == [2, 1, 1] and len(trained.single) == 1
    assert [job.hydra_cfg.hydra.job.num for job in returns] == [4, 5, 6, 7, 4]


def test_hydras_own_overrides_are_not_reported(sweep: Sweep) -> None:
    batch = [["seed=1", "hydra.job.name=x"], ["seed=2", "hydra.job.name=x"]]
    returns = sweep.launch(Trained(point).task(), batch)
    assert [job.overrides for job in returns] == [["seed=1"], ["seed=2"]]


@pytest.mark.parametrize("text", ["${seed}", "${oc.select:seed,0}"])
def test_a_key_that_another_interpolates_stays_static(sweep: Sweep, text: str) -> None:
    trained = Trained(lambda config: (config.seed, config.optimizer.rate, config.again))
    words = ["seed=1,2", "optimizer.rate=0.5,0.25"]
    (returns,) = sweep(trained.task(), LANES, *words, config={"again": text})
    assert [job.return_value for job in returns] == [(1, 0.5, 1), (1, 0.25, 1), (2, 0.5, 2), (2, 0.25, 2)]
    assert [len(call) for call in trained.calls] == [2, 2]


def test_it_stays_static_only_in_the_group_that_interpolates(sweep: Sweep) -> None:
    trained = Trained(lambda config: (config.seed, config.model.get("name")))
    (returns,) = sweep(trained.task(), LANES, "model=small,named", "seed=1,2")
    assert [job.return_value for job in returns] == [(1, None), (2, None), (1, "model-1"), (2, "model-2")]
    assert [len(call) for call in trained.calls] == [2] and len(trained.single) == 2


def test_a_lane_key_that_is_an_interpolation_by_default_does_not_count(sweep: Sweep) -> None:
    trained = Trained(point)
    sweep(trained.task(), LANES, "seed=1,2", "optimizer.rate=3,4", config={"optimizer": {"rate": "${seed}"}})
    assert [len(call) for call in trained.calls] == [4]


def test_a_value_that_interpolates_stays_static(sweep: Sweep) -> None:
    trained = Trained(lambda config: config.seed)
    (returns,) = sweep(trained.task(), LANES, "seed=1,2,${steps}")
    assert [job.return_value for job in returns] == [1, 2, 10]
    assert [len(call) for call in trained.calls] == [2]


def test_a_value_that_does_not_fit_is_found_before_training(sweep: Sweep) -> None:
    trained = Trained(point)
    config = {"typed": make_dataclass("Typed", [("count", int, 1)])()}
    with pytest.raises(ValidationError):
        sweep.launch(trained.task(keys=["typed.count"]), [["typed.count=1"], ["typed.count=many"]], config)
    assert not trained.calls and not (sweep.folder / "4").exists()


def test_the_sweepers_jobs_have_their_lanes_already(sweep: Sweep) -> None:
    trained = Trained(point)
    words = [LANES, "hydra/sweeper=lanes", "seed=5", "optimizer.rate=1,2", "model=small,large"]
    (returns,) = sweep(trained.task(), *words)
    assert [job.return_value for job in returns] == [[(5, 1, 10, u), (5, 2, 10, u)] for u in (1, 100)]
    assert returns[0].cfg.lanes["values"] == {"optimizer.rate": [1, 2]}


def test_a_big_batch_costs_little(sweep: Sweep) -> None:
    batch = [[f"seed={n}", f"optimizer.rate={n / 7}", f"optimizer.momentum={n / 1e3}"] for n in range(256)]
    trained = Trained(lambda config: config.seed)
    start = time.perf_counter()
    returns = sweep.launch(trained.task(keys=["seed", "optimizer.rate", "optimizer.momentum"]), batch)
    assert time.perf_counter() - start < 5, "about 1 s; a slow machine is given time"
    assert [job.return_value for job in returns] == list(range(256))
    assert len(sweep.composed) == 1
