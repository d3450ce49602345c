"""`nnjax reproduce`: the same again has the same bits; what doesn't is explained by what differs first."""

import argparse
import json
import shutil

import numpy as np
import pytest

from nnjax.cli import reproduce
from nnjax.data import npz
from nnjax.errors import InputError
from nnjax.inference import predictor
from nnjax.runs import provenance, run_folder
from nnjax.runs import run as pipeline
from tests.config.test_schema import read
from tests.runs.sweep.conftest import XOR, swept  # noqa: F401 - a fixture

OFF = "tracking.enabled=false"
NETWORK = (*XOR, "model.hidden=[600]")  # whose products are no sums: lanes by map have the bits of a single run


@pytest.fixture(scope="module")
def sweep(swept):  # noqa: F811
    """Eight seeds, one network after another."""
    return swept().run("lanes.seeds=8", "lanes.strategy=map", NETWORK[-1])


@pytest.fixture(scope="module")
def trained(sweep, tmp_path_factory):
    """A run's id and its folder; its store is the sweep's."""
    folder = tmp_path_factory.mktemp("run")
    pipeline.run(read(*NETWORK, "seed=7"), folder, sweep.start)
    (found,) = [each for each in sweep.runs() if each.data.params.get("seed") == "7" and "lane" not in each.data.tags]
    return found.info.run_id, folder


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of the run's folder, to be changed."""
    return shutil.copytree(trained[1], tmp_path / "run")


@pytest.fixture
def said(sweep, monkeypatch, capsys):
    """said(run, code=0): what is printed, by the name in front; the exit code must be this."""
    monkeypatch.chdir(sweep.start)

    def printed(name, code=0):
        parser = argparse.ArgumentParser()
        reproduce.arguments(parser)
        capsys.readouterr()
        try:
            reproduce.run(parser.parse_args([str(name)]))
        except SystemExit as ended:
            assert ended.code == code
        else:
            assert code == 0
        return dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())

    return printed


def change(folder, **facts):
    """Other facts in the folder's provenance; None: not recorded."""
    file = folder / provenance.FILE
    changed = json.loads(file.read_text()) | facts
    file.write_text(json.dumps({name: value for name, value in changed.items() if value is not None}))


def edit(folder, old, new):
    """Another word in the folder's configuration."""
    text = (folder / "config.yaml").read_text()
    assert text.count(old) == 1
    (folder / "config.yaml").write_text(text.replace(old, new))


def test_a_run_again_is_bit_equal_by_id_and_by_folder(said, trained, sweep):
    run_id, folder = trained
    digest = json.loads((folder / provenance.FILE).read_text())["result_digest"]
    (run,) = [each for each in sweep.runs() if each.info.run_id == run_id]
    assert run.data.tags["result_digest"] == digest
    for name in (run_id, folder):
        found = said(name)
        assert found["result"] == f"bit-equal: {digest[:12]}, the digest of parameters and history"
        assert found["data"].startswith("the same: boolean, ")
        assert found["versions"].startswith("the same: jax ")
        assert found["device"].startswith("the same: cpu, ")


def test_without_the_folder_the_store_has_it(said, trained):
    run_id, folder = trained
    away = shutil.move(folder, folder.with_name("away"))
    try:
        assert said(run_id)["result"].startswith("bit-equal")
    finally:
        shutil.move(away, folder)


def test_nothing_is_left_or_recorded(said, trained, sweep):
    files, runs = sorted(sweep.start.rglob("*")), len(sweep.runs())
    said(trained[1])
    assert sorted(sweep.start.rglob("*")) == files
    assert len(sweep.runs()) == runs


def test_other_versions_are_named_even_if_nothing_came_of_them(said, trained, sweep):
    """By the tags that the run carries, or by those in its folder."""
    run_id, folder = trained
    client, there = sweep.client(), json.loads((folder / provenance.FILE).read_text())["version.jax"]
    client.set_tag(run_id, "version.jax", "0.4.1")
    try:
        found = said(run_id)
    finally:
        client.set_tag(run_id, "version.jax", there)
    assert found["versions"] == f"other: jax 0.4.1, now {there}"
    assert found["result"].startswith("bit-equal")


def test_another_seed_is_different_and_nothing_recorded_explains_it(said, folder):
    change(folder, **dict.fromkeys(provenance.PARTS["code"]))
    edit(folder, "seed: 7\nmodel", "seed: 8\nmodel")
    found = said(folder, 1)
    assert found["result"].startswith("different: parameters by at most ")
    assert found["result"].endswith("; nothing that was recorded differs")
    assert found["code"] == "then not recorded"


def test_what_differs_first_is_named_first(said, folder):
    """Versions before cores before code."""
    change(folder, **{"version.optax": "0.1", "cores": "64"})
    edit(folder, "seed: 7\nmodel", "seed: 8\nmodel")
    assert "; what differs first: versions (optax 0.1, now " in said(folder, 1)["result"]
    change(folder, **provenance.versions())
    assert "; what differs first: device (cores 64, now " in said(folder, 1)["result"]


def test_another_end_is_different(said, folder):
    edit(folder, "epochs: 30\n", "epochs: 29\n")
    assert said(folder, 1)["result"].startswith("different: it ended after epoch 30 then, and after 29 now; ")


@pytest.mark.parametrize(("off", "code", "word"), [(1e-6, 0, "within tolerance"), (1e-3, 1, "different")])
def test_a_small_difference_is_within_tolerance(said, folder, off, code, word):
    """1e-5 in float32, as between lanes side by side and the network alone."""
    network = predictor.Predictor.load(folder / "model.safetensors")
    moved = [(Theta, b + np.float32(off)) for Theta, b in network.params]
    predictor.save(folder / "model.safetensors", moved, network.metadata)
    change(folder, result_digest=provenance.digest(moved, npz.every(folder / "history.npz")))
    result = said(folder, code)["result"]
    assert result.startswith(word)
    assert "; allowed: 1e-05 max(1, |value|)" in result
    error = float(result.partition("parameters by at most ")[2].split(",")[0])
    assert error == pytest.approx(off, rel=0.2)  # float32 keeps 1e-6 of a number about 1 to a tenth
    assert "final metrics by at most 0.0e+00" in result


def test_changed_data_are_named_by_part_and_nothing_is_trained(said, tmp_path, monkeypatch):
    table, folder = tmp_path / "t.csv", tmp_path / "file"
    rows = [f"{i % 7},{i % 5},{'yes' if i % 7 > i % 5 else 'no'}" for i in range(40)]
    table.write_text("\n".join(["a,b,y", *rows, ""]))
    folder.mkdir()
    given = [f"data.path={table}", "data.scale=false", "data.test_size=8", "debug=fast", OFF]
    pipeline.run(read("data=file", "data.target=y", "training.gradient_check=false", *given), folder, tmp_path)
    monkeypatch.setattr(pipeline, "run", None)
    table.write_text("\n".join(["a,b,y", f"6,6,{rows[0].split(',')[2]}", *rows[1:], ""]))
    found = said(folder, 1)
    assert found["data"].startswith("other: its ")
    assert found["result"].startswith("not trained again: the data differ (its ")
    table.write_text("\n".join(["a,b,y", *rows, ""]))
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert said(folder)["result"].startswith("bit-equal")
    table.unlink()
    with pytest.raises(InputError, match="no such file"):
        said(folder)


def test_a_lane_is_the_run_that_it_stands_for(said, sweep):
    """One after another it has the bits of the network alone; by the sweep's id and lane, by folder, by its own id."""
    run_id = sweep.parent().info.run_id
    for name in (f"{run_id}:5", f"{sweep.root}:0", sweep.children()[sweep.lanes()[3].facts["member"]].info.run_id):
        found = said(name)
        assert found["result"].startswith("bit-equal")
        assert found["lane"].split(maxsplit=1)[1] == "8 lanes: map of 4 on 2 devices (map)"
        assert found["data"].startswith("the same: ")


def test_a_lane_side_by_side_is_within_tolerance(said, swept):  # noqa: F811
    beside = swept("beside").run(OFF, "lanes.seeds=8", "lanes.strategy=vmap")
    found = said(f"{beside.root}:1")
    assert found["result"].startswith(("within tolerance: ", "bit-equal: "))
    assert "vmap" in found["lane"]


def test_what_cannot_be_trained_again_is_one_line(said, folder, sweep):
    lines = []

    def complaint(name):
        with pytest.raises(InputError) as raised:
            said(name)
        lines.append(str(raised.value))
        assert "\n" not in lines[-1]
        return lines[-1]

    (folder / "model.safetensors").rename(folder / "away.safetensors")
    assert "no trained network" in complaint(folder)
    (folder / "away.safetensors").rename(folder / "model.safetensors")
    edited = npz.every(folder / "history.npz")
    edited["train/loss"] = edited["train/loss"] + 1
    before = (folder / "history.npz").read_bytes()
    run_folder.write_history(folder, edited)
    assert "was changed after the run" in complaint(folder)
    (folder / "history.npz").write_bytes(before[:100])
    assert "history.npz" in complaint(folder)
    (folder / "history.npz").write_bytes(before)
    (folder / provenance.FILE).write_text("{")
    assert provenance.FILE in complaint(folder)
    (folder / provenance.FILE).unlink()
    assert f"has no {provenance.FILE}" in complaint(folder)
    part = next((sweep.root / "lanes").glob("*.safetensors"))
    assert "has no config.yaml" in complaint(f"{part}:0")
    copy = shutil.copytree(sweep.root, folder.with_name("sweep"))
    next(copy.glob("lanes/*.npz")).unlink()
    assert f"has no lanes/{part.stem}.npz" in complaint(f"{copy}:0")
