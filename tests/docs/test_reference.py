"""docs/reference is complete and current: every setting, verb, option, target, metric and file has its line."""

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from nnjax.config import schema
from tests.docs.pages import ROOT, read
from tests.end_to_end.conftest import Done, xor  # noqa: F401 - a fixture

SETTINGS, COMMANDS, METRICS, FILES = (
    f"docs/reference/{name}.md" for name in ("settings", "commands", "metrics", "run_folder")
)


def cells(page: str, heading: str = "") -> set[str]:
    """Return the words in backquotes of the first cells of a page's tables, below a heading."""
    text = read(page).split(f"\n{heading}\n")[1] if heading else read(page)
    rows = re.findall(r"^\| (?!---)([^|]*) \|", re.split(r"\n## ", text)[0] if heading else text, re.MULTILINE)
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row)}


def test_the_page_of_settings_is_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "settings_page.py"), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}: make docs writes it again"


def test_every_setting_has_a_line_with_a_description() -> None:
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \| (.*) \| (.*) \| (.*) \|$", read(SETTINGS), re.MULTILINE)
    described = {key for key, allowed, default, _, text in rows if allowed and default and text.strip()}
    keys = {
        f"{group}.{entry.name}"
        for group, options in schema.OPTIONS.items()
        for record in options.values()
        for entry in fields(record)
        if entry.name != "name"
    }
    assert keys | {"seed", "resume", "objective", "checkpoint.every", "sweep.name"} == described
    assert {key for key, _, _, lane, _ in rows if lane == "yes"} == {*schema.lane_keys()}


def helps(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what `nnjax WORDS --help` prints."""
    from nnjax.__main__ import main

    monkeypatch.setattr(sys, "argv", ["nnjax", *words, "--help"])
    with pytest.raises(SystemExit):
        main()
    return capsys.readouterr().out


def test_every_verb_and_option_has_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    verbs = set(re.findall(r"^    (\w+)(?:  |$)", helps(monkeypatch, capsys), re.MULTILINE))
    assert verbs
    assert {word.split()[1] for word in cells(COMMANDS, "## nnjax VERB") if word.startswith("nnjax ")} == verbs
    table = read(COMMANDS).split("### Options")[1].split("\n## ")[0]
    for verb in verbs:
        options = set(re.findall(r"^  (?:-\w, )?(--\w[\w-]*)", helps(monkeypatch, capsys, verb), re.MULTILINE))
        rows = [row for row in table.splitlines() if re.match(rf"\| (.*\b{verb}\b|all)", row)]
        rows = [row for row in rows if not row.startswith(f"| all but {verb}")]
        assert set(re.findall(r"`(--[\w-]+)", "".join(rows))) == options - {"--help"}, verb


def test_every_target_of_make_has_a_line() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {word.removeprefix("make ") for word in cells(COMMANDS, "## make")} == targets - {"help"}


def test_every_environment_variable_has_a_line() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "nnjax").rglob("*.py"))
    named = set(re.findall(r"environ(?:\.get\(|\[)\"([A-Z_]+)\"", text))
    own = named - {"HYDRA_FULL_ERROR", "COMP_LINE", "MLFLOW_DISABLE_TELEMETRY", "PYTHONPATH"}  # set, or of the shell
    table = read(COMMANDS).split("## Environment variables")[1]
    assert own
    assert {name for name in own if name not in table} == set()


@pytest.mark.ci
def test_every_metric_has_a_line(xor: Done) -> None:  # noqa: F811
    told = {word for word in cells(METRICS) if "/" in word}
    assert {*xor.run().data.metrics} <= told
    assert {re.sub(r"/\d+$", "", name) for name in np.load(xor.run_folder / "history.npz").files} <= told


@pytest.mark.ci
def test_every_file_of_a_run_has_a_line(xor: Done) -> None:  # noqa: F811
    told = {word.rstrip("/") for word in cells(FILES, "## A run")}
    assert {path.name for path in xor.run_folder.iterdir() if not path.name.endswith(".lock")} <= told


@pytest.mark.ci
def test_every_file_of_a_sweep_has_a_line(tmp_path: Path) -> None:
    words = ["-m", "+sweep=lanes", "+experiment=xor", "seed=0,1", "training.epochs=2"]
    subprocess.run([sys.executable, "-m", "nnjax.train", *words], cwd=tmp_path, check=True, capture_output=True)
    (root,) = tmp_path.glob("multirun/*/*")
    told = {word.rstrip("/") for word in cells(FILES, "## A sweep")}
    found = {path.name for path in root.iterdir() if not path.name.endswith(".lock")} - {"summary", "upload.json"}
    assert found <= told
    assert {f"summary/{path.name}" for path in (root / "summary").iterdir()} <= told
