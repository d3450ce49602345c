"""`nnjax compare`: rows of runs and of lanes, the same whichever way they were recorded."""

import argparse
import csv
import io
from pathlib import Path

import numpy as np
import pytest

from nnjax.cli import compare, compare_page
from nnjax.errors import InputError
from nnjax.runs import run as pipeline
from nnjax.tracking.mlflow_client import ROOT, search
from tests.config.test_schema import read
from tests.reporting import Page
from tests.runs.sweep.conftest import RATES, XOR, swept, values  # noqa: F401 - a fixture

SWEEP = (RATES, "lanes.seeds=2")
TABLE = "tracking.experiment=tables"


@pytest.fixture(scope="module")
def store(swept, tmp_path_factory):  # noqa: F811
    """Two sweeps of the same lanes, one of them as a table in an experiment of its own, and a run."""
    runs = swept("runs").run(*SWEEP)
    table = swept("table", runs.start).run(*SWEEP, "lanes.record=table", TABLE)
    pipeline.run(read(*XOR, "seed=7"), tmp_path_factory.mktemp("run"), runs.start)
    return runs, table


@pytest.fixture
def rows(store, monkeypatch, capsys):
    """rows(words...): what --csv prints, each row as a mapping."""
    monkeypatch.chdir(store[0].start)

    def printed(*words):
        parser = argparse.ArgumentParser()
        compare.arguments(parser)
        compare.run(parser.parse_args(list(words)))
        return capsys.readouterr().out

    def parsed(*words):
        return list(csv.DictReader(io.StringIO(printed(*words, "--csv"))))

    parsed.printed = printed
    return parsed


def finished(sweep):
    return sorted((lane for lane in sweep.lanes() if lane.metrics), key=lambda lane: lane.metrics["train/loss"])


def test_a_sweep_is_its_lanes_the_best_first_as_the_table_has_them(rows, store):
    found = rows("--sweep=runs")
    assert len(found) == 4
    for row, lane in zip(found, finished(store[0]), strict=False):
        assert row["seed"] == str(lane.settings["seed"])
        assert row["optimizer.learning_rate"] == str(lane.settings["optimizer.learning_rate"])
        for metric in ("train/loss", "test/loss", "test/accuracy"):
            assert float(row[metric]) == pytest.approx(lane.metrics[metric], rel=1e-5)
    assert list(found[0])[:4] == ["name", "seed", "optimizer.learning_rate", "train/loss"]
    assert "training.epochs" not in found[0], "settings that don't differ are left out"
    assert [row["optimizer.learning_rate"] for row in found[2:]] == ["100.0", "100.0"]
    assert {row["train/loss"] for row in found[2:]} == {""}


def test_both_ways_of_recording_are_the_same_rows(rows, store):
    assert rows("--sweep=table") == rows("--sweep=runs")
    ids = [sweep.parent().info.run_id for sweep in store]
    assert rows(ids[0]) == rows(ids[1]) == rows("--sweep=runs")


def test_an_experiment_has_the_same_rows_whichever_way_its_lanes_were_recorded(rows):
    """Also those that diverged: no final metrics."""

    def of(experiment):
        return sorted(
            (row for row in rows(f"--experiment={experiment}") if row["seed"] != "7"), key=lambda r: r["name"]
        )

    runs, table = of("boolean"), of("tables")
    assert len(runs) == len(table) == 4
    for one, other in zip(runs, table, strict=True):
        assert {key: one[key] for key in ("name", "train/loss", "test/loss", "optimizer.learning_rate")} == {
            key: other[key] for key in ("name", "train/loss", "test/loss", "optimizer.learning_rate")
        }


def test_a_lane_by_its_id_and_number(rows, store):
    for sweep in store:
        run, lane = sweep.parent().info.run_id, sweep.lanes()[1]
        (row,) = rows(f"{run[:8]}:1")
        assert float(row["train/loss"]) == pytest.approx(lane.metrics["train/loss"], rel=1e-5)
        first, second = rows(f"{run}:1", f"{run}:0")
        assert {first["seed"], second["seed"]} == {"0", "1"}


def test_a_run_beside_a_lane(rows, store):
    (alone,) = [run for run in store[0].runs() if run.data.params.get("seed") == "7" and "lane" not in run.data.tags]
    found = rows(alone.info.run_id, f"{store[1].parent().info.run_id}:0")
    assert sorted(row["seed"] for row in found) == ["0", "7"]
    assert set(found[0]) == {"name", "seed", "train/loss", "train/accuracy", "test/loss", "test/accuracy"}
    (row,) = [row for row in found if row["seed"] == "7"]
    assert float(row["test/loss"]) == pytest.approx(alone.data.metrics["test/loss"], rel=1e-5)


def test_a_child_run_by_its_own_id_has_all_settings(rows, store):
    lane = finished(store[0])[0]
    child = store[0].children()[lane.facts["member"]].info.run_id
    (alone,) = [run for run in store[0].runs() if run.data.params.get("seed") == "7" and "lane" not in run.data.tags]
    found = rows(child, alone.info.run_id)
    assert set(found[0]) == {"name", "seed", "train/loss", "train/accuracy", "test/loss", "test/accuracy"}, (
        "they differ in seed alone: what the lanes have in common stands with their parent"
    )


def test_without_a_word_it_is_everything_recorded_here(rows):
    found = rows()
    assert len([row for row in found if row["seed"] == "7"]) == 1
    assert len(found) == 4 + 4 + 1


def test_the_order_is_the_metrics_that_is_asked_for(rows):
    losses = [float(row["test/loss"]) for row in rows("--sweep=runs", "--sort=test/loss") if row["test/loss"]]
    assert losses == sorted(losses)
    right = [
        float(row["test/accuracy"]) for row in rows("--sweep=runs", "--sort=test/accuracy") if row["test/accuracy"]
    ]
    assert right == sorted(right, reverse=True)
    assert list(rows("--sweep=runs", "--sort=test/accuracy")[0])[3] == "test/accuracy"


def test_printed_the_columns_are_aligned(rows):
    head, *lines = rows.printed("--sweep=runs").splitlines()
    assert head.split()[:4] == ["name", "seed", "optimizer.learning_rate", "train/loss"]
    assert len(lines) == 4
    assert all(line[head.index("seed")] in "01" for line in lines)


def test_a_long_table_is_cut_and_says_so(rows, monkeypatch):
    monkeypatch.setattr(compare, "SHOWN", 3)
    lines = rows.printed("--sweep=runs").splitlines()
    assert len(lines) == 1 + 3 + 1
    assert lines[-1] == "... and 1 more: --csv prints all"


def test_as_a_page_it_has_the_rows_curves_and_links(rows, store, tmp_path):
    (alone,) = [run for run in store[0].runs() if run.data.params.get("seed") == "7" and "lane" not in run.data.tags]
    best = finished(store[1])[0]
    sweep, lane = store[1].parent().info.run_id, store[1].lanes().index(best)
    printed = rows.printed("--html", str(tmp_path / "page.html"), alone.info.run_id, f"{sweep}:{lane}")
    assert printed.splitlines()[-1] == f"written: {tmp_path / 'page.html'}"
    page = Page(tmp_path / "page.html")
    page.check_alone()
    assert {alone.info.run_id, f"{sweep}:{lane}"} <= {each.get("title") for each in page.of("code")}
    assert {f"{best.metrics['train/loss']:.4g}", f"{alone.data.metrics['test/loss']:.4g}"} <= {*page.said("td")}
    assert len(page.of("img")) == 1, "both have a history"
    linked = {(tmp_path / each["href"]).resolve() for each in page.of("a")}
    assert linked == {Path(alone.data.tags["run_folder"], "report.html"), store[1].root / "summary" / "report.html"}


def test_a_history_is_the_runs_or_the_lanes_own_from_the_store_too(rows, store, tmp_path):
    """Where the folders are gone, the store has copies."""
    everything = {run.id: run for run in search(None, store[0].start)}
    chosen = [
        compare.row(run, everything) for run in everything.values() if run.params.get("seed") == "7" and not run.parent
    ]
    chosen += compare.lanes(None, everything[store[1].parent().info.run_id])
    for each in chosen:
        gone = each._replace(run=each.run._replace(tags={**each.run.tags, ROOT: str(tmp_path / "gone")}))
        here, there = (compare_page.history(one, None, tmp_path) for one in (each, gone))
        assert here is not None
        assert there is not None
        for metric in {*here, *there}:
            np.testing.assert_array_equal(here[metric], there[metric])
        if "train/loss" in each.metrics:
            assert here["train/loss"][-1] == pytest.approx(each.metrics["train/loss"], rel=1e-5)


@pytest.mark.parametrize(("name", "named"), [("4711", "must be the file to write"), ("no/x.html", "no folder no")])
def test_a_page_that_cannot_be_written_is_one_line(rows, name, named):
    with pytest.raises(InputError, match=named):
        rows(f"--html={name}")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--sweep=tabel"], ["--sweep=tabel", "did you mean table?", "runs"]),
        (["--sweep=o'clock"], ["--sweep=o'clock", "allowed:", "runs", "table"]),
        (["--experiment=bolean"], ["--experiment=bolean", "did you mean boolean?", "tables"]),
        (["--sweep=runs", "--sort=test/acuracy"], ["--sort=test/acuracy", "did you mean test/accuracy?"]),
        (["nothing"], ["nothing: no such run", "allowed:"]),
        (["--experiment=Default"], ["nothing to compare"]),
    ],
    ids=lambda case: " ".join(case),
)
def test_an_unknown_name_is_one_line_with_the_nearest(rows, words, named):
    with pytest.raises(InputError) as raised:
        rows(*words)
    assert all(word in str(raised.value) for word in named), raised.value
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("lane", ["4", "-1", "x"])
def test_a_lane_that_is_not_there_is_one_line(rows, store, lane):
    run = store[1].parent().info.run_id
    with pytest.raises(InputError, match=f"{run}:{lane}: no such lane; allowed: 0 to 3"):
        rows(f"{run}:{lane}")


def test_a_folder_without_a_store_is_one_line(tmp_path, rows, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="nothing was recorded in this folder"):
        rows()
    assert list(tmp_path.iterdir()) == []
