"""Optuna's batches as lanes: a search over rates of which some diverge goes on to its end."""

import pytest

from tests.end_to_end.conftest import command
from tests.runs.sweep.conftest import XOR, Swept


@pytest.mark.ci
def test_a_study_goes_on_past_lanes_that_diverge(tmp_path):
    fixed = [word for word in XOR if not word.startswith("optimizer.learning_rate")]
    done = command(
        tmp_path,
        *("-m", "hydra/sweeper=optuna", "hydra/launcher=lanes", *fixed, "tracking.enabled=false"),
        *("hydra.sweeper.n_trials=16", "hydra.sweeper.n_jobs=4"),
        *("hydra.sweeper.max_failure_rate=1", "hydra.sweeper.sampler.seed=1", "seed=range(0,4)"),
        "optimizer.learning_rate=tag(log,interval(0.01,1000))",
    )
    assert done.code == 0, done.err
    assert "Traceback" not in done.err
    (root,) = tmp_path.glob("multirun/*/*")
    lanes = Swept(root, tmp_path).lanes()
    assert 8 < len(lanes) <= 16
    diverged = [lane for lane in lanes if lane.facts["status"] == "diverged"]
    assert 0 < len(diverged) < len(lanes)
    best = min(lane.metrics["train/loss"] for lane in lanes if lane.metrics)
    assert f"Best value: {best}" in done.out
    assert len([path for path in root.iterdir() if path.name.isdigit()]) == 4
