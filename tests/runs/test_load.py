"""Which network is meant: runs, folders, files and lanes, from the folder or, where that is gone, from the store."""

import shutil

import numpy as np
import pytest

from nnjax.errors import InputError
from nnjax.runs import load
from nnjax.runs import run as pipeline
from nnjax.runs.sweep.statistics import rank_lanes
from tests.config.test_schema import read
from tests.runs.sweep.conftest import RATES, XOR, swept  # noqa: F401 - a fixture

MODEL = "tracking.model=true"


@pytest.fixture(scope="module")
def sweep(swept):  # noqa: F811
    """Two rates, of which one diverges, with two seeds; its networks are in the store too."""
    return swept().run(RATES, "lanes.seeds=2", MODEL)


@pytest.fixture(scope="module")
def run(sweep, tmp_path_factory):
    """A run's id, its folder, and the folder of its store."""
    folder = tmp_path_factory.mktemp("run")
    pipeline.run(read(*XOR, "seed=7"), folder, sweep.start)
    (found,) = [each for each in sweep.runs() if each.data.params.get("seed") == "7" and "lane" not in each.data.tags]
    return found.info.run_id, folder, sweep.start


def equal(one, other):
    return all(
        np.array_equal(a, b) for pair in zip(one.params, other.params, strict=True) for a, b in zip(*pair, strict=True)
    )


def complaint(*words):
    with pytest.raises(InputError) as raised:
        load.find_trained(*words)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_run_by_id_beginning_folder_or_file_is_one_network(run):
    run_id, folder, start = run
    found = [
        load.find_trained(name, None, start)
        for name in (run_id, run_id[:6], str(folder), str(folder / "model.safetensors"))
    ]
    assert all(equal(each.predictor, found[0].predictor) for each in found)
    assert {each.settings["seed"] for each in found} == {7}
    assert found[0].settings["data.name"] == "boolean"


def test_a_lane_by_sweep_and_number_by_its_own_id_and_by_folder(sweep):
    lanes, parent = sweep.lanes(), sweep.parent().info.run_id
    for place in (place for place, lane in enumerate(lanes) if lane.metrics):
        child = sweep.children()[lanes[place].facts["member"]].info.run_id
        for name in (f"{parent}:{place}", child, f"{sweep.root}:{place}", f"{sweep.root}/summary:{place}"):
            found = load.find_trained(name, None, sweep.start)
            assert equal(found.predictor, sweep.network(lanes[place]))
            assert found.settings["seed"] == lanes[place].settings["seed"]


def test_a_sweep_alone_is_its_best_lane(sweep):
    lanes = sweep.lanes()
    best = sweep.network(lanes[rank_lanes(lanes, "train/loss")[0]])
    for name in (sweep.parent().info.run_id, str(sweep.root)):
        assert equal(load.find_trained(name, None, sweep.start).predictor, best)


def test_without_the_folder_the_store_has_it(sweep):
    parent, lane = sweep.parent().info.run_id, sweep.lanes()[0]
    before = sweep.network(lane)
    away = sweep.root.with_name("away")
    shutil.move(sweep.root, away)
    try:
        found = load.find_trained(f"{parent}:0", None, sweep.start)
    finally:
        shutil.move(away, sweep.root)
    assert equal(found.predictor, before)
    assert found.settings == lane.settings


def test_what_is_not_there_is_one_line(sweep, run):
    start, parent, alone = sweep.start, sweep.parent().info.run_id, run[0]
    diverged = next(place for place, lane in enumerate(sweep.lanes()) if not lane.metrics)
    child = sweep.children()[sweep.lanes()[diverged].facts["member"]].info.run_id
    assert "is not a lane of this sweep. Allowed: 0 to 3" in complaint(f"{parent}:4", None, start)
    assert "is not a lane of this sweep. Allowed: 0 to 3" in complaint(f"{sweep.root}:x", None, start)
    assert "the lane diverged" in complaint(f"{parent}:{diverged}", None, start)
    assert "the lane diverged" in complaint(child, None, start)
    assert "one run, not a sweep" in complaint(f"{alone}:0", None, start)
    assert "at least 6 letters" in complaint(alone[:5], None, start)
    assert alone in complaint("f" * 12, None, start)
    part = next((sweep.root / "lanes").glob("*.safetensors"))
    assert f"{part}:0 to {part}:3" in complaint(str(part), None, start)


def test_the_beginning_of_several_ids_names_them(monkeypatch, sweep):
    from nnjax.tracking import mlflow_client

    everything = mlflow_client.search(None, sweep.start)
    monkeypatch.setattr(mlflow_client, "search", lambda *given, **query: everything)
    line = complaint(everything[0].id[:6], None, sweep.start)
    assert f"is the beginning of {len(everything)} ids" in line
    assert everything[0].id in line


def test_a_run_without_a_network_says_why(sweep, tmp_path):
    from nnjax.tracking import mlflow_client

    empty = mlflow_client.open_run(None, "boolean", "empty", {"stopped": "diverged"}, sweep.start)
    empty.finish("FAILED")
    assert "no trained network: diverged" in complaint(empty.id, None, sweep.start)


def test_a_config_beside_a_copied_network_may_be_anybodys(run, tmp_path):
    """In the run's own folder it is the run's, and a foreign key in it is told."""
    shutil.copy(run[1] / "model.safetensors", tmp_path)
    (tmp_path / "config.yaml").write_text("_target_: os.system\n")
    assert load.find_trained(str(tmp_path / "model.safetensors"), None, tmp_path).settings == {}
    assert "_target_ is not a setting" in complaint(str(tmp_path), None, tmp_path)


@pytest.mark.parametrize("lane", ["²", "9" * 5_000, "-1", "1.0", "٣", "4", ""])
def test_a_lane_is_a_plain_number(lane):
    assert not load.is_lane_number(lane, 4)
    assert load.is_lane_number("3", 4)
