"""`hydra/sweeper=lanes`: which keys become lanes, in what order, and how often a config is composed."""

import logging
import pickle
from dataclasses import make_dataclass
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.core_plugins import basic_launcher
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.errors import ConfigCompositionException, HydraException
from omegaconf import OmegaConf
from omegaconf.errors import ValidationError

from hydra_plugins.hydra_lanes import declaration
from tests.hydra_lanes import Sweep, Trained

LANES = "hydra/sweeper=lanes"


pytestmark = pytest.mark.ci


def point(config: Any) -> tuple[Any, ...]:
    return config.seed, config.optimizer.rate, config.steps, config.model.get("units")


def test_lanes_times_jobs_in_hydras_own_order(sweep: Sweep) -> None:
    words = ["optimizer.rate=0.5,0.25,0.125", "model=small,large", "seed=range(2)"]
    trained = Trained(point)
    (returns,) = sweep(trained.task(), LANES, *words)
    assert [len(call) for call in trained.calls] == [6] * 2 and not trained.single
    (order,) = BasicSweeper.split_arguments(OverridesParser.create().parse_overrides(words), None)
    for job, model, units in zip(returns, ("small", "large"), (1, 100), strict=True):
        alone = [(rate, seed) for rate, choice, seed in order if choice == f"model={model}"]
        assert [(f"optimizer.rate={rate}", f"seed={seed}") for seed, rate, _, _ in job.return_value] == alone
        assert {result[3] for result in job.return_value} == {units}


def test_a_config_is_composed_to_check_and_to_run_once_a_job_whatever_the_lanes(sweep: Sweep) -> None:
    trained = Trained(point)
    sweep(trained.task(), LANES, "model=small,large", "seed=range(64)", "optimizer.rate=0.1,0.2")
    assert len(sweep.composed) == 2 * 2
    assert [len(call) for call in trained.calls] == [128, 128]


def test_the_composed_config_of_a_job_has_the_values_and_keeps_the_rest(sweep: Sweep) -> None:
    trained = Trained(point)
    (returns,) = sweep(trained.task(), LANES, "seed=3,4", "steps=7", "optimizer.rate=1,2", "hydra.job.chdir=false")
    (composed,) = trained.composed
    assert composed.lanes["values"] == {"seed": [3, 4], "optimizer.rate": [1, 2]}
    assert (composed.seed, composed.optimizer.rate, composed.steps) == (0, 0.1, 7)
    assert returns[0].overrides == ["steps=7", "++lanes.values={seed:[3,4],optimizer.rate:[1,2]}"]
    assert all("lanes" not in lane for lane in trained.calls[0])


@pytest.mark.parametrize(
    ("words", "seeds"),
    [
        (["seed=1,2"], [1, 2]),
        (["+new=1", "++seed=1,2"], [1, 2]),
        (["seed=choice(5,6)"], [5, 6]),
        (["seed=range(0,6,2)"], [0, 2, 4]),
        (["seed=sort(3,1,2)"], [1, 2, 3]),
        (["seed=1,2", "seed=3,4,5"], [3, 4, 5]),
        (["++seed=1,2", "seed=3,4"], [3, 4]),
        (["seed=9", "seed=3,4"], [3, 4]),
        (["seed='a,b',c:d,null,[1,2],1e-3"], ["a,b", "c:d", None, [1, 2], 1e-3]),
    ],
)
def test_all_discrete_sweeps_are_lanes_and_the_last_one_wins(sweep: Sweep, words: list[str], seeds: list[Any]) -> None:
    trained = Trained(lambda config: config.seed)
    (returns,) = sweep(trained.task(), LANES, *words)
    assert [job.return_value for job in returns] == [seeds]


def test_a_glob_is_its_groups_options(sweep: Sweep) -> None:
    trained = Trained(lambda config: config.model)
    (returns,) = sweep(trained.task(keys=["model"]), LANES, "model=glob(*)", models={"a": {}, "b": {}, "small": {}})
    assert [job.return_value for job in returns] == [["a", "b", "small"]]


def test_a_new_key_is_a_lane_key_with_plus_and_an_error_without(sweep: Sweep) -> None:
    trained = Trained(lambda config: config.fresh)
    (returns,) = sweep(trained.task(keys=["fresh"]), LANES, "+fresh=1,2")
    assert returns[0].return_value == [1, 2]
    with pytest.raises(ConfigCompositionException, match="Could not override 'fresh'"):
        sweep(trained.task(keys=["fresh"]), LANES, "fresh=1,2")


def test_a_shuffled_sweep_is_drawn_once(sweep: Sweep) -> None:
    trained = Trained(lambda config: config.seed)
    (returns,) = sweep(trained.task(), LANES, "seed=shuffle(range(50))", "model=small,large")
    first, second = (job.return_value for job in returns)
    assert sorted(first) == list(range(50)) and first == second != sorted(first)


def test_the_last_one_wins_even_if_it_is_no_sweep(sweep: Sweep) -> None:
    trained = Trained(lambda config: config.seed)
    (returns,) = sweep(trained.task(), LANES, "seed=1,2", "seed=5")
    assert [job.return_value for job in returns] == [5]
    assert trained.single and not trained.calls


@pytest.mark.parametrize("words", [["model=small,large"], ["model=small,large", "seed=3"], []])
def test_without_swept_lane_keys_it_is_hydras_sweeper(sweep: Sweep, words: list[str]) -> None:
    trained = Trained(point)
    (returns,) = sweep(trained.task(), LANES, *words)
    assert len(returns) == len(trained.single) == (2 if words else 1) and not trained.calls
    assert len(sweep.composed) == 2 * len(returns)


def test_a_task_that_declares_nothing_has_no_lanes(sweep: Sweep) -> None:
    trained = Trained(point)
    (returns,) = sweep(trained.task(keys=()), LANES, "seed=1,2", "optimizer.rate=1,2")
    assert [job.return_value[:2] for job in returns] == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_attributes_set_by_hand_are_a_declaration(sweep: Sweep) -> None:
    trained = Trained(point)
    task = trained.task(keys=())
    task.lane_keys, task.train_lanes = ["seed"], trained.train_lanes
    sweep(task, LANES, "seed=1,2")
    assert [len(call) for call in trained.calls] == [2]


def test_params_are_swept_and_the_command_line_wins(sweep: Sweep) -> None:
    trained = Trained(point)
    params = {"hydra": {"sweeper": {"params": {"seed": "1,2,3", "model": "small,large", "optimizer.rate": "0.1,0.2"}}}}
    (returns,) = sweep(trained.task(), LANES, "seed=7,8", config=params)
    assert [job.return_value for job in returns] == [
        [(seed, rate, 10, units) for seed in (7, 8) for rate in (0.1, 0.2)] for units in (1, 100)
    ]


def test_a_batch_counts_jobs(sweep: Sweep) -> None:
    trained = Trained(point)
    batches = sweep(trained.task(), LANES, "hydra.sweeper.max_batch_size=2", "seed=1,2,3", "steps=1,2,3")
    assert [len(batch) for batch in batches] == [2, 1]
    assert [len(call) for call in trained.calls] == [3, 3, 3]


def test_an_empty_sweep_is_no_job(sweep: Sweep) -> None:
    trained = Trained(point)
    assert sweep(trained.task(), LANES, "seed=range(0,0)", "model=small,large") == [[]]


def test_an_interval_is_hydras_error(sweep: Sweep) -> None:
    with pytest.raises(HydraException, match="does not support sweep type"):
        sweep(Trained(point).task(), LANES, "seed=interval(0,1)", "optimizer.rate=1,2")


@pytest.mark.parametrize(
    ("config", "static", "again"),
    [
        ({"again": "${seed}"}, "seed", lambda seed, rate: seed),
        ({"again": ["run ${optimizer.rate}"]}, "optimizer.rate", lambda seed, rate: [f"run {rate}"]),
        ({"again": "${optimizer}"}, "optimizer.rate", lambda seed, rate: {"rate": rate, "momentum": 0.9}),
        ({"again": "${oc.select:seed,0}"}, "seed", lambda seed, rate: seed),
        ({"which": "rate", "again": "${optimizer.${which}}"}, "optimizer.rate", lambda seed, rate: rate),
        ({"optimizer": {"rate": 1, "twice": "${.rate}"}, "again": 0}, "optimizer.rate", lambda seed, rate: 0),
        ({"again": "${optimizer.momentum}", "hydra": {"job": {"name": "${seed}"}}}, "", lambda seed, rate: 0.9),
    ],
)
def test_a_key_that_another_interpolates_stays_static(sweep: Sweep, config: Any, static: str, again: Any) -> None:
    trained = Trained(lambda config: OmegaConf.to_container(config, resolve=True))
    (returns,) = sweep(trained.task(), LANES, "seed=1,2", "optimizer.rate=0.5,0.25,0.125", config=config)
    assert len(returns) == {"seed": 2, "optimizer.rate": 3, "": 1}[static]
    found = {(one["seed"], one["optimizer"]["rate"]): one["again"] for job in returns for one in job.return_value}
    assert found == {(seed, rate): again(seed, rate) for seed in (1, 2) for rate in (0.5, 0.25, 0.125)}


def test_a_swept_group_that_interpolates_counts_for_the_whole_sweep(sweep: Sweep) -> None:
    trained = Trained(lambda config: (config.seed, config.model.get("name")))
    (returns,) = sweep(trained.task(), LANES, "model=small,named", "seed=1,2", "optimizer.rate=1,2")
    assert [set(job.return_value) for job in returns] == [
        {(1, None)}, {(2, None)}, {(1, "model-1")}, {(2, "model-2")}
    ]  # fmt: skip
    assert [len(call) for call in trained.calls] == [2, 2, 2, 2]


def test_a_swept_key_that_is_itself_an_interpolation_by_default_is_a_lane(sweep: Sweep) -> None:
    trained = Trained(lambda config: (config.seed, config.optimizer.rate))
    config = {"optimizer": {"rate": "${seed}"}}
    (returns,) = sweep(trained.task(), LANES, "seed=1,2", "optimizer.rate=3,4", config=config)
    assert [job.return_value for job in returns] == [[(1, 3), (1, 4), (2, 3), (2, 4)]]


def test_a_swept_value_that_interpolates_stays_static(sweep: Sweep) -> None:
    trained = Trained(lambda config: config.seed)
    (returns,) = sweep(trained.task(), LANES, "seed=1,${steps}", "optimizer.rate=1,2")
    assert [job.return_value for job in returns] == [[1, 1], [10, 10]]


def test_all_keys_interpolated_is_hydras_sweep(sweep: Sweep) -> None:
    trained = Trained(lambda config: config.again)
    (returns,) = sweep(trained.task(), LANES, "seed=1,2", config={"again": "${seed}"})
    assert [job.return_value for job in returns] == [1, 2]
    assert trained.single and not trained.calls


@pytest.mark.parametrize(
    ("config", "line"),
    [
        ({}, "2 jobs of 6 lanes each (seed, optimizer.rate)"),
        ({"a": "x${seed}"}, "4 jobs of 3 lanes each (optimizer.rate); seed stays static because of ${seed}"),
    ],
)
def test_one_line_tells_jobs_lanes_and_reasons(
    sweep: Sweep, caplog: pytest.LogCaptureFixture, config: Any, line: str
) -> None:
    with caplog.at_level(logging.INFO, "hydra_plugins.hydra_lanes.sweeper"):
        sweep(Trained(point).task(), LANES, "seed=1,2", "optimizer.rate=1,2,3", "model=small,large", config=config)
    assert [record.getMessage() for record in caplog.records if "hydra_lanes" in record.name] == [line]


def test_a_value_that_does_not_fit_ends_the_sweep_before_any_job(sweep: Sweep) -> None:
    trained = Trained(point)
    typed = {"typed": make_dataclass("Typed", [("count", int, 1)])()}
    with pytest.raises(ValidationError):
        sweep(trained.task(keys=["typed.count"]), LANES, "typed.count=1,many", "model=small,large", config=typed)
    assert not trained.calls and not (sweep.folder / "0").exists()


def test_a_job_that_does_not_compose_ends_the_sweep_before_any_job(sweep: Sweep) -> None:
    trained = Trained(point)
    with pytest.raises(Exception, match="missing"):
        sweep(trained.task(), LANES, "seed=1,2", "model=small,missing")
    assert not trained.calls


def test_failed_lanes_are_results_and_a_failed_job_ends_the_sweep(sweep: Sweep) -> None:
    trained = Trained(lambda config: KeyError(config.seed) if config.seed == 1 else config.seed)
    (returns,) = sweep(trained.task(), LANES, "seed=1,2")
    assert [type(result) for result in returns[0].return_value] == [KeyError, int]
    with pytest.raises(KeyError, match="1"):
        sweep(trained.task(), LANES, "seed=1,1")


def task_of_this_module(config: Any) -> Any:
    raise AssertionError("only lanes")


def train_lanes_of_this_module(configs: Any) -> Any:
    return [config.seed for config in configs]


def test_the_task_that_launchers_get_can_be_pickled_after_hydras_scan(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hydra executes plugin modules anew, so that a class imported by name may be another than its module's."""
    given: list[Any] = []
    Plugins.instance()  # which executes Hydra's own plugins anew, too
    monkeypatch.setattr(
        basic_launcher.BasicLauncher, "setup", lambda self, **options: given.append(options["task_function"])
    )
    monkeypatch.setattr(basic_launcher.BasicLauncher, "launch", lambda self, *jobs, **options: [])
    monkeypatch.setattr(task_of_this_module, "lane_keys", ("seed",), raising=False)
    monkeypatch.setattr(task_of_this_module, "train_lanes", train_lanes_of_this_module, raising=False)
    sweep(task_of_this_module, LANES, "hydra/launcher=basic", "seed=1,2")
    back = pickle.loads(pickle.dumps(given[0]))
    assert isinstance(back, declaration.LaneTask)
    assert back.lane_keys == ("seed",)
    assert back(OmegaConf.create({"seed": 0, "lanes": {"values": {"seed": [8, 9]}}})) == [8, 9]


def test_folders_are_jobs(sweep: Sweep, tmp_path: Path) -> None:
    sweep(Trained(point).task(), LANES, "seed=1,2,3", "model=small,large")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "multirun.yaml"]
    overrides = OmegaConf.load(tmp_path / "1" / ".hydra" / "overrides.yaml")
    assert overrides == ["model=large", "++lanes.values={seed:[1,2,3]}"]
