"""`nnjax.run` and `nnjax.load`: the command's run from Python, again and again, leaving the process as it was."""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import jax
import mlflow
import numpy as np
import pytest
from hydra.core.global_hydra import GlobalHydra
from mlflow import MlflowClient
from pandas import DataFrame

import nnjax
from nnjax.errors import InputError, TrainingError
from nnjax.runs import jax_setup, provenance
from nnjax.runs.progress import Progress
from nnjax.tracking.quiet import quiet
from tests.config.test_schema import read

SHORT = ("+experiment=xor", "training.epochs=30", "training.gradient_check=false", "seed=3")
BARE = ("tracking.enabled=false", "tracking.figures=false")
ROWS = [[0, 0], [0, 1], [1, 0], [1, 1]]


@pytest.fixture
def here(empty_store, tmp_path, monkeypatch):
    """A working folder with a store."""
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recorded(folder):
    """By run id: what the store has of the runs, but for times, places and the record's own number."""
    with quiet():
        client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        runs = client.search_runs([each.experiment_id for each in client.search_experiments()])
    changing = ("run_folder", "record", "mlflow.note.content", "mlflow.log-model.history")
    return {
        run.info.run_id: (
            run.info.run_name,
            run.info.status,
            run.data.params,
            {name: value for name, value in run.data.metrics.items() if "second" not in name},
            {key: value for key, value in run.data.tags.items() if key not in changing},
            sorted(each.path for each in client.list_artifacts(run.info.run_id)),
            [each.dataset.digest for each in run.inputs.dataset_inputs],
            len(run.outputs.model_outputs),
        )
        for run in runs
        if run.info.run_name != "template"
    }


def test_importing_nnjax_imports_nothing_heavy():
    program = "import sys, nnjax; print([m for m in ('jax', 'numpy', 'mlflow', 'hydra', 'pandas') if m in sys.modules])"
    path = {"PYTHONPATH": str(Path(nnjax.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", program], env=os.environ | path, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_it_is_the_commands_run(main, here):
    """Bits, folder and record."""
    code, _, err = main(*SHORT, folder=here)
    assert code == 0, err
    (theirs,) = recorded(here)
    (folder,) = here.glob("outputs/*/*")
    run = nnjax.run(*SHORT)
    found = recorded(here)
    assert {*found} == {theirs, run.id}
    assert found[run.id] == found[theirs]
    assert {*map(str, listed(run.folder))} == {*map(str, listed(folder))}
    digests = [json.loads((each / provenance.FILE).read_text())[provenance.RESULT] for each in (folder, run.folder)]
    assert digests[0] == digests[1]
    assert provenance.digest_result(run.params, run.history) == digests[0]
    metrics = {name: value for name, value in found[run.id][3].items() if name.startswith(("train/", "test/"))}
    assert metrics == {name: run.metrics[name] for name in metrics}
    assert {*run.figures} == {path.stem for path in run.folder.glob("figures/*.png")}
    assert run.figures["learning_curves"]._repr_png_().startswith(b"\x89PNG")
    assert repr(run).startswith("mlp 2-4-1 adam XOR epochs=30 seed 3: test/loss ")


def listed(folder):
    return (path.relative_to(folder) for path in folder.rglob("*"))


def test_the_same_lines_are_shown_and_kept(here, capsys):
    run = nnjax.run(*SHORT, *BARE)
    shown, errors = capsys.readouterr()
    assert "epoch 30/30: loss" in shown
    assert errors == ""
    assert (run.folder / "train.log").read_text() == shown
    log = logging.getLogger("nnjax")
    log.setLevel("WARNING")
    try:
        nnjax.run(*SHORT, *BARE)
    finally:
        log.setLevel("NOTSET")
    assert capsys.readouterr() == ("", "")


def test_a_model_given_back_says_what_mlflow_s_says(here, monkeypatch):
    run = nnjax.run(*SHORT, "tracking.figures=false")
    with quiet(), monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{here}/mlflow.db")
        theirs = mlflow.pyfunc.load_model(f"runs:/{run.id}/model").predict(DataFrame(ROWS, columns=["x1", "x2"]))
    for name in (run.id, run.id[:6], run.folder):
        model = nnjax.load(name)
        np.testing.assert_array_equal(model.predict(ROWS), theirs)
    np.testing.assert_array_equal(model.predict(DataFrame(ROWS, columns=["x1", "x2"])[["x2", "x1"]]), theirs)
    z, (a,) = model.forward(ROWS)
    (Theta, b), (last, c) = run.params
    np.testing.assert_allclose(a, np.tanh(ROWS @ Theta.T + b), rtol=1e-6)
    np.testing.assert_allclose(z, a @ last.T + c, rtol=1e-6)
    assert model.classes(ROWS) == [str(int(value > 0)) for value in z[:, 0]]
    assert model.settings["seed"] == 3
    assert "17 parameters, answers 0, 1" in repr(model)


def test_lanes_are_one_run_with_a_row_a_lane(here, capsys):
    run = nnjax.run(*SHORT, "lanes.seeds=3", "tracking.figures=false", "lanes.record=table")
    assert run.lanes is not None
    assert [*run.lanes["seed"]] == [3, 4, 5]
    assert {*run.lanes["status"]} == {"finished"}
    assert run.metrics["train/loss"].shape == (3,)
    assert run.history["train/loss"].shape == (3, len(run.history["epoch"]))
    np.testing.assert_array_equal(run.history["train/loss"][:, -1], np.float32(run.metrics["train/loss"]))
    best = int(np.argmin(run.metrics["train/loss"]))
    lane = nnjax.load(f"{run.id}:{best}")
    np.testing.assert_array_equal(lane.predict(ROWS), run.model.predict(ROWS))
    assert recorded(here)[run.id][1] == "FINISHED"
    assert "3 finished, 0 diverged" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("sede=3",), "sede=3 is not a setting. Did you mean seed=3?"),
        (("+experiment=xorr",), "Did you mean xor? Allowed: "),
        (("seed=-1",), "seed=-1 is out of range. Allowed: a number of at least 0"),
        (("-m", "seed=0,1"), "-m is a flag of the command. Allowed: settings"),
        (("data=file",), "data=file needs a file"),
        (("resume=nothing_here", *BARE), "nothing_here is not a run, file or folder"),
    ],
)
def test_mistakes_are_raised_as_the_commands_line(given, words, here, capsys):
    with pytest.raises(InputError) as raised:
        nnjax.run(*given)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert capsys.readouterr().err == ""


def test_a_run_that_diverges_raises_and_is_failed_in_the_store(here):
    given = ("loss=squared_error", "optimizer=sgd", "optimizer.learning_rate=100", "tracking.figures=false")
    with pytest.raises(TrainingError, match="not finite"):
        nnjax.run(*SHORT, *given)
    assert [facts[1] for facts in recorded(here).values()] == ["FAILED"]


def test_the_process_is_left_as_it_was(here):
    """JAX's switches, logging, Hydra; after a mistake too."""
    jax.config.update("jax_enable_x64", True)
    log = logging.getLogger("nnjax")
    before = log.handlers[:], log.level, log.propagate, logging.root.handlers[:], signal.getsignal(signal.SIGINT)
    try:
        nnjax.run(*SHORT, *BARE)
        with pytest.raises(InputError):
            nnjax.run(*SHORT, *BARE, "data.function=nothing")
        assert jax.config.jax_enable_x64
    finally:
        jax.config.update("jax_enable_x64", False)
    assert before == (log.handlers, log.level, log.propagate, logging.root.handlers, signal.getsignal(signal.SIGINT))
    assert not GlobalHydra.instance().is_initialized()


def test_ctrl_c_saves_and_raises_and_the_run_goes_on(here, monkeypatch):
    show = Progress.show

    def interrupted(self, chunk):
        show(self, chunk)
        if chunk.epoch:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Progress, "show", interrupted)
        nnjax.run(*SHORT, "tracking.figures=false", "training.epochs=2000")
    (folder,) = here.glob("outputs/*/*")
    assert [facts[1] for facts in recorded(here).values()] == ["KILLED"]
    run = nnjax.run(f"resume={folder}")
    assert run.folder == folder
    assert len(run.history["train/loss"]) == 2001
    assert [(facts[1], key) for key, facts in recorded(here).items()] == [("FINISHED", run.id)]


def test_it_runs_in_another_thread(here):
    found = []
    thread = threading.Thread(target=lambda: found.append(nnjax.run(*SHORT, *BARE)))
    thread.start()
    thread.join()
    np.testing.assert_array_equal(found[0].history["train/loss"], nnjax.run(*SHORT, *BARE).history["train/loss"])


def test_a_platform_other_than_the_one_that_jax_has_started_on_is_refused(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    with pytest.raises(InputError, match=r"JAX has started on cuda in this process\. Allowed: auto, cuda, or a new"):
        jax_setup.configure(read(*SHORT, "runtime.platform=cpu").runtime)
