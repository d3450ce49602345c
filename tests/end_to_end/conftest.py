"""The real commands, each in a folder of its own, as somebody at a terminal would run them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Run

from nnjax.__main__ import main
from nnjax.tracking.quiet import quiet


class Done(NamedTuple):
    """A command that ended: exit code, both streams, and the folder it was started in."""

    code: int
    out: str
    err: str
    folder: Path

    @property
    def run_folder(self) -> Path:
        (folder,) = self.folder.glob("outputs/*/*")
        return folder

    def client(self) -> MlflowClient:
        with quiet():  # mlflow's tables are set up at the first call, with a warning of SQLAlchemy's
            client = MlflowClient(f"sqlite:///{self.folder}/mlflow.db")
            client.search_experiments()
        return client

    def run(self) -> Run:
        """The one run in the folder's store."""
        client = self.client()
        (run,) = client.search_runs([each.experiment_id for each in client.search_experiments()])
        return run


def environment() -> dict[str, str]:
    """In which a command finds this nnjax from any folder."""
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}


def command(folder: Path, *words: str, module: str = "nnjax.train", seconds: float = 300) -> Done:
    """`python -m MODULE WORDS` in a folder; at most so many seconds."""
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    return Done(done.returncode, done.stdout, done.stderr, folder)


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: Any, hydra_restore_singletons: Any) -> Callable[..., Done]:
    """ask(folder, words...): `nnjax WORDS` in a folder, in this process."""

    def ask(folder: Path, *words: str) -> Done:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["nnjax", *words])
        try:
            main()
            code = 0
        except SystemExit as exit:
            code = exit.code
        return Done(code, *capsys.readouterr(), folder)

    return ask


@pytest.fixture
def trained(main: Any, tmp_path: Path) -> Callable[..., Done]:
    """trained(words...): the training command in a folder of its own, in this process."""
    return lambda *words: Done(*main(*words), tmp_path)


def once(folder: Path, *words: str) -> Done:
    """The command in a folder of its own, by the first process of the session that needs it."""
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        kept = folder / "done.json"
        if not kept.exists():
            (folder / "work").mkdir()
            code, out, err, _ = command(folder / "work", *words)
            kept.write_text(json.dumps([code, out, err]))
        return Done(*json.loads(kept.read_text()), folder / "work")


@pytest.fixture(scope="session")
def xor(everybodys: Path) -> Done:
    """`+experiment=xor`, recorded."""
    return once(everybodys / "xor", "+experiment=xor")


@pytest.fixture(scope="session")
def digits(everybodys: Path) -> Done:
    """`+experiment=mnist` on the digits that need no network."""
    return once(everybodys / "digits", "+experiment=mnist", "data.source=bundled")
