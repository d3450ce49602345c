"""docs/guides/extend.md, done to the letter in a copy of the project: each addition trains, sweeps, draws and predicts.

An HTML comment above a block says where it goes: <!-- file: PATH --> is a whole file, <!-- above: TABLE in PATH --> a
definition above a table, <!-- inside: TABLE in PATH --> a line at the end of the table. The blocks of a section are put
there in their order; then its commands are run.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pandas import DataFrame, read_csv

from nnjax.inference import predictor
from tests.docs.pages import ROOT, code_blocks, read

PAGE = "docs/guides/extend.md"
SECTIONS = {  # heading -> settings that choose the addition, and the figures of such a run beside curves and norms
    "An activation function": (
        "model.activation=swish data=boolean loss=log_loss model.hidden=[4]",
        {"decision_boundary", "hidden_representation", "truth_table", "confusion_matrix"},
    ),
    "A loss": ("loss=log_cosh data=file data.path=diabetes.csv data.target=target", {"predicted_over_true"}),
    "A model": (
        "model=skip data=boolean loss=log_loss",
        {"decision_boundary", "hidden_representation", "truth_table", "confusion_matrix"},
    ),
    "A data source": ("data=spiral loss=log_loss model.hidden=[16]", {"decision_boundary", "confusion_matrix"}),
}
QUICK = {"nnjax-train": "training.epochs=3 tracking.figures=false"}  # what a page's command gets, so that it is short
# Predicts with the stored model in a process that has neither nnjax nor JAX.
SERVE = """\
import sys
sys.modules |= dict.fromkeys(("jax", "jaxlib", "nnjax"))
import mlflow, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
model.predict(pandas.read_csv("x.csv", dtype="float32")).to_csv("served.csv", index=False)
"""


def blocks(section: str) -> list[tuple[str, str, str]]:
    """Return (language, where it goes, code) of each block of a section."""
    lines = read(PAGE).splitlines()
    first = lines.index(f"## {section}") + 1
    last = next((i for i, line in enumerate(lines[first:], first) if line.startswith("## ")), len(lines))
    found = [block for block in code_blocks(PAGE) if first < block.line <= last]
    return [(block.language, " ".join(map(": ".join, block.notes.items())), block.text) for block in found]


def put(root: Path, where: str, code: str) -> None:
    """Put a block where its comment says."""
    how, _, rest = where.partition(": ")
    if how == "file":
        (root / rest).write_text(code, encoding="utf-8")
        return
    table, path = rest.split(" in ")
    text = (root / path).read_text(encoding="utf-8")
    start = re.search(rf"^{table}\b.*{{.*$", text, re.MULTILINE)
    assert start, f"{path} has no table {table}"
    end = text.index("\n}\n", start.start()) + 1
    position = start.start() if how == "above" else end
    gap = "\n\n" if how == "above" else ""
    (root / path).write_text(text[:position] + code + gap + text[position:], encoding="utf-8")


@pytest.fixture
def clone(tmp_path):
    """A copy of the project's code and configurations, and beside it a folder to work in, with diabetes.csv."""
    from sklearn.datasets import load_diabetes

    for folder in ("nnjax", "conf", "hydra_plugins"):
        shutil.copytree(ROOT / folder, tmp_path / "clone" / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "work").mkdir()
    load_diabetes(as_frame=True).frame.to_csv(tmp_path / "work" / "diabetes.csv", index=False)
    return tmp_path / "clone"


@pytest.mark.ci
@pytest.mark.parametrize("section", SECTIONS)
def test_what_the_guide_adds_trains_sweeps_draws_and_predicts(clone, section):
    chosen, figures = SECTIONS[section]
    commands = []
    for language, where, code in blocks(section):
        if language == "sh":
            commands += code.replace("\\\n", " ").splitlines()
        else:
            put(clone, where, code)
    if section == "A data source":
        imports(clone / "nnjax/data/sources.py", "from nnjax.data.spiral import spiral")
    assert len(commands) >= 1
    for command in commands:
        name = command.split()[0]
        call(clone, command if name == "nnjax" else f"{command} {QUICK[name]} hydra.run.dir=of_the_page")
    call(clone, f"nnjax-train {chosen} training.epochs=3 hydra.run.dir=run")
    work = clone.parent / "work"
    drawn = {path.stem for path in (work / "run" / "figures").glob("*.png")}
    assert drawn == figures | {"learning_curves", "norms"}
    call(clone, f"nnjax-train -m +sweep=lanes {chosen} training.epochs=3 seed=0,1,2 hydra.sweep.dir=sweep")
    assert (work / "sweep" / "summary" / "best" / "model.safetensors").exists()
    check_prediction(clone)


def imports(path: Path, line: str) -> None:
    """Add an import to a module, which the page asks for in its prose."""
    assert f"`{line}`" in read(PAGE)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("from nnjax.errors", f"{line}\nfrom nnjax.errors", 1), encoding="utf-8")


def call(clone: Path, command: str) -> str:
    """Run a command of a page in the folder to work in, with the copy's code; return what it prints."""
    module = {"nnjax": "nnjax", "nnjax-train": "nnjax.train"}
    name, rest = command.split(maxsplit=1)
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m {module[name]} {rest}"],
        cwd=clone.parent / "work",
        env=os.environ | {"PYTHONPATH": str(clone)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


def check_prediction(clone: Path) -> None:
    """Check that NumPy predicts what JAX does, also where neither JAX nor nnjax nor the addition is."""
    work = clone.parent / "work"
    summary = (work / "run" / "summary.txt").read_text(encoding="utf-8")
    metric = re.compile(r"\b(rmse|loss)\s+([\d.e-]+)")
    tested, evaluated = (
        dict(metric.findall(summary[summary.index("\ntest") :])),
        dict(metric.findall(call(clone, "nnjax evaluate run"))),
    )
    for name in {*tested} & {*evaluated}:
        assert float(evaluated[name]) == pytest.approx(float(tested[name]), rel=1e-3)
    assert {*tested} & {*evaluated}

    network = predictor.Predictor.load(work / "run" / "model.safetensors")
    x = DataFrame(np.random.default_rng(0).normal(size=(100, len(network.input_names))), columns=network.input_names)
    x.to_csv(work / "x.csv", index=False)
    run_id = re.search(r"run id +(\w+)", summary)
    assert run_id
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{work}/mlflow.db"}
    command = [sys.executable, "-c", SERVE, f"runs:/{run_id[1]}/model"]
    subprocess.run(command, cwd=work, env=environment, check=True)
    np.testing.assert_allclose(read_csv(work / "served.csv"), network.predict(x), rtol=1e-5, atol=1e-6)
