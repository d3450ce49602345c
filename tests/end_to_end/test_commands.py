"""Mistakes at the terminal, `nnjax check`, presets and switches."""

import numpy as np
import pytest

from tests.end_to_end.conftest import command


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["optimizer.learning_rat=1"], "Did you mean learning_rate?"),
        (["training.batch_size=0"], "at least 1"),
        (["experiment=xorr"], "Did you mean xor?"),
        (["data=boolean", "loss=log_loss", "data.table=011"], "2^k"),
        (["tracking.uri=nowhere"], "tracking.uri"),
        (["--config-dir=missing"], "missing"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_mistake_is_one_line_and_an_exit_code(words, named, trained):
    done = trained(*words)
    assert done.code == 2
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert named in done.err


def test_a_lectures_name_is_all_it_takes_to_train(trained):
    """L17: the run and the network are called by it; the batch is all there are, and it is said."""
    done = trained("model=perceptron", "data=boolean", "data.function=and", "training.batch_size=128")
    assert done.code == 0, done.err
    assert done.out.startswith("perceptron 2-1 sgd AND batch_size=128 seed 0\n")
    summary = (done.run_folder / "summary.txt").read_text().splitlines()
    assert "model      perceptron 2-1, 3 parameters" in summary
    assert "batch      all 4 instances, since training.batch_size=128 is more" in summary
    run = done.run()
    assert (run.info.run_name, run.data.tags["model"]) == (
        "perceptron 2-1 sgd AND batch_size=128 seed 0",
        "perceptron 2-1",
    )
    assert run.data.metrics["training/updates"] == run.data.metrics["training/epochs"]  # L34


def test_a_mistake_ends_the_process_with_its_code(tmp_path):
    done = command(tmp_path, "training.batch_size=0")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_check_prints_the_table(ask, tmp_path):
    done = ask(tmp_path, "check", "+experiment=xor", "model.hidden=[3,2]")
    assert done.code == 0, done.err
    names = [line.split()[0] for line in done.out.splitlines()]
    assert names == ["parameter", "Theta1", "b1", "Theta2", "b2", "Theta3", "b3", "largest", "allowed"]


def test_check_needs_no_batch(ask, tmp_path):
    done = ask(tmp_path, "check", "data=boolean", "loss=squared_error")
    assert done.code == 0, done.err


def test_verbs_have_help(ask, tmp_path):
    done = ask(tmp_path, "--help")
    assert done.code == 0
    assert "check" in done.out


@pytest.mark.ci
def test_overfit_learns_a_batch_by_heart(trained):
    done = trained("experiment=mnist", "debug=overfit", "data.source=bundled", "tracking.enabled=false")
    assert done.code == 0, done.err
    assert np.load(done.run_folder / "history.npz")["train/accuracy"][-1] == 1.0


@pytest.mark.ci
def test_fast_and_profile(trained):
    done = trained("debug=fast", "data.source=bundled", "runtime.profile=true")
    assert done.code == 0, done.err
    assert done.run().data.metrics["training/epochs"] == 1
    assert list((done.run_folder / "profile").rglob("*.pb")) or list((done.run_folder / "profile").rglob("*.json.gz"))
    assert not (done.run_folder / "figures").exists()


def test_multirun_records_a_run_for_each_job(trained):
    done = trained("-m", "+experiment=xor", "seed=0,1", "training.epochs=20", "debug=fast")
    assert done.code == 0, done.err
    client = done.client()
    runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
    assert {run.data.params["seed"] for run in runs} == {"0", "1"}
