"""`nnjax compare`: rows of runs and of lanes, the same whichever way they were recorded."""

import argparse
import csv
import io
from pathlib import Path

import numpy as np
import pytest

from nnjax.cli import compare, compare_page, table
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
    lines = rows("--sweep=runs")
    assert len(lines) == 4
    for row, lane in zip(lines, finished(store[0]), strict=False):
        assert row["seed"] == str(lane.settings["seed"])
        assert row["optimizer.learning_rate"] == str(lane.settings["optimizer.learning_rate"])
        for metric in ("train/loss", "test/loss", "test/accuracy"):
            assert float(row[metric]) == pytest.approx(lane.metrics[metric], rel=1e-5)
    assert list(lines[0])[:5] == ["id", "name", "seed", "optimizer.learning_rate", "train/loss"]
    assert "training.epochs" not in lines[0], "settings that don't differ are left out"
    assert [row["optimizer.learning_rate"] for row in lines[2:]] == ["100.0", "100.0"]
    assert {row["train/loss"] for row in lines[2:]} == {""}


def test_both_ways_of_recording_are_the_same_rows_under_other_ids(rows, store):
    ids = [sweep.parent().info.run_id for sweep in store]
    for run_id, name in zip(ids, ("runs", "table"), strict=True):
        assert rows(run_id) == rows(f"--sweep={name}")
        assert {row["id"] for row in rows(run_id)} == {f"{run_id[:8]}:{lane}" for lane in range(4)}
    first, second = ([{**row, "id": ""} for row in rows(run_id)] for run_id in ids)
    assert first == second


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
    lines = rows(alone.info.run_id, f"{store[1].parent().info.run_id}:0")
    assert sorted(row["seed"] for row in lines) == ["0", "7"]
    assert set(lines[0]) == {"id", "name", "seed", "train/loss", "train/accuracy", "test/loss", "test/accuracy"}
    (row,) = [row for row in lines if row["seed"] == "7"]
    assert float(row["test/loss"]) == pytest.approx(alone.data.metrics["test/loss"], rel=1e-5)


def test_a_child_run_by_its_own_id_has_all_settings(rows, store):
    lane = finished(store[0])[0]
    child = store[0].children()[lane.facts["member"]].info.run_id
    (alone,) = [run for run in store[0].runs() if run.data.params.get("seed") == "7" and "lane" not in run.data.tags]
    lines = rows(child, alone.info.run_id)
    assert set(lines[0]) == {"id", "name", "seed", "train/loss", "train/accuracy", "test/loss", "test/accuracy"}, (
        "they differ in seed alone: what the lanes have in common stands with their parent"
    )


def test_without_a_word_it_is_everything_recorded_here(rows):
    lines = rows()
    assert len([row for row in lines if row["seed"] == "7"]) == 1
    assert len(lines) == 4 + 4 + 1


def test_the_order_is_the_metrics_that_is_asked_for(rows):
    losses = [float(row["test/loss"]) for row in rows("--sweep=runs", "--sort=test/loss") if row["test/loss"]]
    assert losses == sorted(losses)
    right = [
        float(row["test/accuracy"]) for row in rows("--sweep=runs", "--sort=test/accuracy") if row["test/accuracy"]
    ]
    assert right == sorted(right, reverse=True)
    assert list(rows("--sweep=runs", "--sort=test/accuracy")[0])[4] == "test/accuracy"


def test_printed_the_columns_are_aligned(rows):
    head, *lines = rows.printed("--sweep=runs").splitlines()
    assert head.split()[:5] == ["id", "name", "seed", "optimizer.learning_rate", "train/loss"]
    assert len(lines) == 4
    assert all(line[head.index("seed")] in "01" for line in lines)


def test_a_long_table_is_cut_and_says_so(rows, monkeypatch):
    monkeypatch.setattr(table, "MAX_ROWS", 3)
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
    single = [run for run in everything.values() if run.params.get("seed") == "7" and not run.parent]
    entries = [compare.run_entry(run, everything) for run in single]
    entries += compare.lane_entries(None, everything[store[1].parent().info.run_id])
    for entry in entries:
        gone = entry._replace(run=entry.run._replace(tags={**entry.run.tags, ROOT: str(tmp_path / "gone")}))
        of_folder, of_store = (compare_page.history(place, None, tmp_path) for place in (entry, gone))
        assert of_folder is not None
        assert of_store is not None
        for metric in {*of_folder, *of_store}:
            np.testing.assert_array_equal(of_folder[metric], of_store[metric])
        if "train/loss" in entry.metrics:
            assert of_folder["train/loss"][-1] == pytest.approx(entry.metrics["train/loss"], rel=1e-5)


@pytest.mark.parametrize(
    ("name", "words"), [("4711", "does not end with .html"), ("no/x.html", "/no, which is not a folder")]
)
def test_a_page_that_cannot_be_written_is_one_line(rows, name, words):
    with pytest.raises(InputError, match=words):
        rows(f"--html={name}")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--sweep=tabel"], ["--sweep=tabel", "did you mean table?", "runs"]),
        (["--sweep=o'clock"], ["--sweep=o'clock", "allowed:", "runs", "table"]),
        (["--experiment=bolean"], ["--experiment=bolean", "did you mean boolean?", "tables"]),
        (["--sweep=runs", "--sort=test/acuracy"], ["--sort=test/acuracy", "did you mean test/accuracy?"]),
        (["nothing"], ["nothing is not the id of a run", "allowed:"]),
        (["--experiment=Default"], ["there is nothing to compare"]),
    ],
    ids=lambda case: " ".join(case),
)
def test_an_unknown_name_is_one_line_with_the_nearest(rows, words, named):
    with pytest.raises(InputError) as raised:
        rows(*words)
    assert all(word.lower() in str(raised.value).lower() for word in named), raised.value
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("lane", ["4", "-1", "x"])
def test_a_lane_that_is_not_there_is_one_line(rows, store, lane):
    run = store[1].parent().info.run_id
    with pytest.raises(InputError, match=f"{run}:{lane} is not a lane of this sweep. Allowed: 0 to 3"):
        rows(f"{run}:{lane}")


def test_a_folder_without_a_store_is_one_line(tmp_path, rows, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="nothing was recorded in this folder"):
        rows()
    assert list(tmp_path.iterdir()) == []
