"""`resume=RUN` as it is typed: what is refused touches nothing, what goes on is the same run."""

import json

import pytest

from tests.end_to_end.conftest import Done

PLAIN = ("tracking.figures=false", "tracking.model=false")
XOR = ("+experiment=xor", *PLAIN, "training.epochs=40", "checkpoint.every=10", "hydra.run.dir=first")


def state(folder):
    """All files of a run and what is in them, without the logs of commands and locks."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path: path.read_bytes() for path in files if path.suffix != ".log" and not path.name.startswith(".")}


@pytest.fixture
def refused(main, tmp_path):
    """refused(words..., says=...): a command that is one line, and changes no file of the first run."""

    def refuse(*words, says):
        before = state(tmp_path / "first")
        code, _, error = main(*words)
        assert code == 2
        assert error.count("\n") == 1
        assert says in error
        assert state(tmp_path / "first") == before

    return refuse


@pytest.mark.ci
def test_what_is_refused_touches_nothing(main, refused, tmp_path):
    assert main(*XOR, "tracking.enabled=false")[0] == 0
    refused(*XOR, "seed=5", says="already contains a run. Allowed: resume=")
    again = "resume=first"
    refused(again, "seed=5", says="seed=5 differs from the run's 0. Allowed to differ: training.epochs")
    refused(again, "optimizer=sgd", says="optimizer.name=sgd differs from the run's adam")
    refused(again, "training.epochs=39", says="training.epochs=39 is less than what is trained. Allowed: 40 or more")
    refused("resume=", says="resume= names no run")
    (tmp_path / "empty").mkdir()
    refused("resume=empty", says="empty is not the folder of a run")
    config = tmp_path / "first" / "config.yaml"
    config.write_text(config.read_text().replace("seed: 0", "seed: 7"))
    refused(again, "training.epochs=50", says="of a training with seed=0. Allowed: another folder, since now seed=7")
    for path in (tmp_path / "first" / "checkpoints").iterdir():
        path.write_bytes(b"")
    refused(again, "training.epochs=50", says="No other checkpoint")


def test_a_run_goes_on_from_anywhere_in_its_own_store(main, refused, tmp_path):
    """Its folder, its record, its log and its run in MLflow are one; what command it was leaves no other folder."""
    assert main(*XOR)[0] == 0
    refused("resume=first", says="is a finished run. Allowed: more training.epochs")
    (tmp_path / "elsewhere").mkdir()
    code, said, error = main("resume=../first", "training.epochs=60", folder=tmp_path / "elsewhere")
    assert (code, error) == (0, "")
    assert "continued after epoch 40" in said
    assert "nan" not in said
    assert not (tmp_path / "elsewhere" / "mlflow.db").exists()
    assert not list(tmp_path.glob("elsewhere/outputs/*"))
    assert "continued after epoch 40" in (tmp_path / "first" / "train.log").read_text()
    found = Done(0, "", "", tmp_path)
    assert found.run().data.metrics["training/epochs"] == 60
    assert found.run().info.status == "FINISHED"
    assert f"-- {found.run().info.run_name} -" in said  # not what the command that goes on would be called
    assert "epochs=60" not in found.run().info.run_name
    points = [point.step for point in found.client().get_metric_history(found.run().info.run_id, "train/loss")]
    assert len(points) == len(set(points))
    assert max(points) == 60
    known = json.loads((tmp_path / "first" / "upload.json").read_text())
    assert known["run"] == found.run().info.run_id


def test_a_schedule_that_ends_with_the_last_epoch_has_no_more(main, refused):
    assert main(*XOR, "schedule=cosine", "tracking.enabled=false")[0] == 0
    refused(
        "resume=first",
        "training.epochs=60",
        says="does not fit schedule=cosine, which ends with the last epoch. Allowed: 40",
    )
