"""With the launcher of joblib and the sweeper of Optuna."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from tests.hydra_lanes import Sweep, Trained

pytestmark = pytest.mark.ci


def task(config: Any) -> Any:
    raise AssertionError("only lanes")


def train_lanes(configs: Any) -> list[Any]:
    return [(config.seed, config.model.units) for config in configs]


def test_joblib_carries_jobs_with_lanes(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    task.lane_keys, task.train_lanes = ("seed",), train_lanes  # type: ignore[attr-defined]
    words = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=1,2", "model=small,large"]
    (returns,) = sweep(task, "hydra/sweeper=lanes", *words)
    assert [job.return_value for job in returns] == [[(1, 1), (2, 1)], [(1, 100), (2, 100)]]


@pytest.mark.filterwarnings("ignore")
def test_optunas_trials_are_lanes_and_failed_lanes_failed_trials(sweep: Sweep, tmp_path: Path) -> None:
    import optuna  # warns of SQLAlchemy's future on import

    told: list[Any] = []
    tell = optuna.study.Study.tell

    def noted(self: Any, trial: Any, *args: Any, **options: Any) -> Any:
        told.append(options["state"].name)
        return tell(self, trial, *args, **options)

    trained = Trained(lambda config: KeyError("odd") if config.seed % 2 else float(config.optimizer.rate))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optuna.study.Study, "tell", noted)
        words = ["hydra.sweeper.n_jobs=8", "hydra.sweeper.n_trials=16", "hydra.sweeper.max_failure_rate=1"]
        space = ["seed=range(0,9)", "optimizer.rate=interval(0.1,1)"]
        sweep(trained.task(), "hydra/sweeper=optuna", "hydra/launcher=lanes", *words, *space)
    assert [len(call) for call in trained.calls] == [8, 8]
    lanes = [lane for call in trained.calls for lane in call]
    assert told == ["FAIL" if lane.seed % 2 else "COMPLETE" for lane in lanes]
    best = OmegaConf.load(tmp_path / "optimization_results.yaml")
    assert best.best_value == min(lane.optimizer.rate for lane in lanes if lane.seed % 2 == 0)
