"""Shapes in signatures are checked while testing; nothing is read from or left in the tester's home."""

import importlib
import logging.config
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

# Compiled programs and matplotlib's list of fonts are kept from one session to the next: most of the suite's time
# would go into making them.
CACHE = Path(__file__).parents[1] / ".pytest_cache" / "home"
CACHE.mkdir(mode=0o700, parents=True, exist_ok=True)
os.environ["XDG_CACHE_HOME"] = str(CACHE)
os.environ["JAX_COMPILATION_CACHE_DIR"] = str(CACHE / "nnjax" / "xla")  # where runs have theirs
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_NUM_CPU_DEVICES", "2")  # lanes are spread over both, whatever the machine has
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # as machines may be
settings.load_profile("busy")
install_import_hook(["nnjax.network", "nnjax.training"], "beartype.beartype")
importlib.import_module("nnjax.training.compiler_options").use()  # in all processes alike, whichever test starts JAX


@pytest.fixture(scope="session")
def everybodys(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A temporary folder that all processes of this session share (pytest-xdist)."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session", autouse=True)
def own_home(everybodys: Path) -> None:
    """Data and stores of the tests, and of the commands they start, lie in a temporary folder."""
    home = everybodys / "home"
    home.mkdir(exist_ok=True)
    os.environ["TFDS_DATA_DIR"] = str(home / "data")
    os.environ.pop("MLFLOW_TRACKING_URI", None)


@pytest.fixture(scope="session", autouse=True)
def uploader_ended() -> Iterator[None]:
    """End the uploader that the session's runs have used."""
    yield
    uploads = sys.modules.get("nnjax.tracking.uploads")
    if uploads is not None and uploads._process is not None:
        uploads._process.kill()
        uploads._process.wait()


@pytest.fixture(scope="session")
def empty_store(everybodys: Path, own_home: None) -> Path:
    """A store to be copied: making one takes two seconds."""
    from nnjax.tracking.mlflow_client import open_run

    folder = everybodys / "store"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "mlflow.db").exists():
            open_run(None, "template", "template", {}, folder).finish("FINISHED")
    return folder / "mlflow.db"


@pytest.fixture
def compiled() -> Iterator[list[str]]:
    """Names of the programs that JAX has compiled since the test began, or found in the compile cache."""
    import jax

    names: list[str] = []

    def listen(event: str, seconds: float, **facts: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            names.append(str(facts["fun_name"]))

    jax.monitoring.register_event_duration_secs_listener(listen)
    yield names
    jax.monitoring.unregister_event_duration_listener(listen)


def close_logs():
    """Closes the files of Hydra's jobs."""
    for handler in logging.root.handlers:
        if type(handler) is logging.FileHandler:
            handler.close()


@pytest.fixture
def main(tmp_path, monkeypatch, hydra_restore_singletons, capsys):
    """main(words..., folder=...) -> (exit code, both streams): the training command, in this process."""
    from nnjax import train
    from nnjax.runs.sweep import callback

    def run(*words, folder=tmp_path):
        monkeypatch.chdir(folder)
        monkeypatch.setattr(callback, "RUNNING", [])
        monkeypatch.setattr(sys, "argv", ["train", *words])
        monkeypatch.setattr(logging.config, "_clearExistingHandlers", close_logs)  # Hydra's would close pytest's too
        monkeypatch.setattr(train.gc, "set_threshold", lambda count: None)
        handlers, level = logging.root.handlers[:], logging.root.level
        try:
            train.main()
            code = 0
        except SystemExit as exit:
            code = exit.code
        finally:
            close_logs()
            logging.root.handlers[:], logging.root.level = handlers, level
        return code, *capsys.readouterr()

    return run
