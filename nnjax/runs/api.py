"""`nnjax.run`: the training command as a Python function, for notebooks; a process may call it many times."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import hydra
import numpy as np
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from nnjax.config import schema
from nnjax.config.overrides import normalize_overrides
from nnjax.errors import InputError
from nnjax.inference.predictor import Layers
from nnjax.runs import launch, load
from nnjax.runs.load import Trained
from nnjax.runs.sweep import callback
from nnjax.runs.sweep.callback import Running
from nnjax.system.hydra_errors import as_input_error
from nnjax.system.times import Times

if TYPE_CHECKING:
    from pandas import DataFrame

    from nnjax.runs.run import RunResult

RUN_LOCK = Lock()  # Hydra and JAX have one state per process
JAX_SETTINGS = (  # that a run changes and that JAX allows to be restored
    "jax_enable_x64",
    "jax_default_matmul_precision",
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
)


class Picture(NamedTuple):
    """The file of a figure; notebooks display it."""

    path: Path

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()

    def __repr__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run or a finished sweep.

    Attributes:
        id, name: of its run in the store; id is "" without one, as with tracking.enabled=false.
        folder: with all files: config.yaml, history.npz, model.safetensors, ...; for a sweep the sweep's folder.
        model: the trained network that is kept; for a sweep that of the best lane.
        history: metric -> (epochs + 1,), value e after epoch e, nan where not measured; for a sweep (lanes, k), at the
            k epochs in `epoch`, at most 100.
        metrics: metric -> value of the network that is kept; for a sweep (lanes,), nan for a lane that diverged.
        figures: name -> picture; those of a sweep's best lane are called `best/NAME`.
        lanes: for a sweep a row for each lane: number, settings that differ, status, metrics; None for a single run.
    """

    id: str
    name: str
    folder: Path
    model: Trained
    history: Mapping[str, np.ndarray]
    metrics: Mapping[str, Any]
    figures: Mapping[str, Picture]
    lanes: "DataFrame | None" = None

    @property
    def params(self) -> Layers:
        """(Theta (n_out, n_in), b (n_out,)) of each layer of `model`."""
        return self.model.params

    def __repr__(self) -> str:
        mean = "" if self.lanes is None else "mean "
        tested = [f"{mean}{name} {np.nanmean(x):.4g}" for name, x in self.metrics.items() if name.startswith("test/")]
        return f"{self.name}: {', '.join(tested)}"


def run(*settings: str) -> Run:
    """Train, as `nnjax.run` describes."""
    for setting in settings:
        if setting.startswith("-"):
            raise InputError(f"{setting} is a flag of the command. Allowed: settings, such as seed=3 or lanes.seeds=8.")
    with RUN_LOCK, jax_settings_restored():
        result = launch.with_sweep_uploads(lambda: as_input_error(lambda: compose_and_train(settings)))
        return finished_sweep(result) if isinstance(result, Running) else finished_run(result)


def compose_and_train(settings: Sequence[str]) -> "RunResult | Running":
    """Compose settings as the command does, and train in the folder that Hydra makes; return the result.

    For a sweep, which is not yet uploaded, return its entry in RUNNING.
    """
    results: list[RunResult | Running | Exception] = []

    def task(composed: DictConfig) -> None:
        try:
            results.append(train_composed(composed))
        except Exception as error:  # raised below, since Hydra would print lines of its own around it
            results.append(error)

    schema.register()
    with hydra.initialize_config_dir(str(schema.configuration_folder()), job_name="train", version_base="1.3"):
        app = GlobalHydra.instance().hydra
        assert app is not None
        app.run("config", task, normalize_overrides(settings), with_log_configuration=False)
    (result,) = results
    if isinstance(result, Exception):
        raise result
    return result


def train_composed(composed: DictConfig) -> "RunResult | Running":
    """Train one network, or the lanes of a sweep; return the same as `compose_and_train`."""
    hydra_config = HydraConfig.get()
    with log_to_file(Path(hydra_config.runtime.output_dir, f"{hydra_config.job.name}.log")):
        job = launch.read_job(composed, Times())
        if not job.is_sweep:
            return launch.train_single_run(job)
        launch.mean_objective(launch.train_sweep_job(job))  # raises the error of a sweep whose lanes all failed
        return callback.RUNNING[-1]


@contextmanager
def log_to_file(file: Path) -> Iterator[None]:
    """Log to standard output and to a file, as conf/config.yaml configures it for the command."""
    log = logging.getLogger("nnjax")
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout), logging.FileHandler(file)]
    level, propagate = log.level, log.propagate
    log.handlers += handlers
    log.propagate = False  # the root logger's handlers would print each line again
    if level == logging.NOTSET:
        log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.level, log.propagate = level, propagate
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()


@contextmanager
def jax_settings_restored() -> Iterator[None]:
    """Restore JAX_SETTINGS at the end."""
    import jax

    before = {name: getattr(jax.config, name) for name in JAX_SETTINGS}
    try:
        yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)


def finished_run(run: "RunResult") -> Run:
    """Return a finished run."""
    result, name = run.result, run.summary.name
    metrics = {metric: result.metric_at(metric, result.kept_epoch) for metric in result.history} | dict(result.test)
    return Run(
        id=run.summary.run_id,
        name=name,
        folder=run.folder,
        model=load.find_trained(str(run.folder), None, Path.cwd())._replace(name=name),
        history=result.history,
        metrics={metric: value for metric, value in metrics.items() if np.isfinite(value)},
        figures=dict(list_figures(run.folder / "figures")),
    )


def finished_sweep(running: Running) -> Run:
    """Return a finished sweep, with all lanes in its folder."""
    from pandas import DataFrame

    from nnjax.runs.sweep import statistics, storage
    from nnjax.runs.sweep.sweep import Sweep

    sweep = Sweep(running.root, list(storage.parts(running.root)), running.objective)
    metrics = {metric: statistics.column(sweep.lanes, metric) for metric in statistics.metrics(sweep.lanes)}
    settings = {key: sweep.column(key) for key in sweep.keys}
    status = [lane.facts["status"] for lane in sweep.lanes]
    name = running.tracking.run_name or sweep.title
    best = load.find_trained(f"{running.root}:{sweep.order[0]}", None, running.start_folder)
    return Run(
        id=find_sweep_id(running),
        name=name,
        folder=running.root,
        model=best._replace(name=f"{name}, lane {sweep.order[0]}"),
        history=sweep.histories(),
        metrics=metrics,
        figures=dict(
            [*list_figures(sweep.folder / "figures"), *list_figures(sweep.folder / "best" / "figures", "best/")]
        ),
        lanes=DataFrame({"lane": range(len(status)), **settings, "status": status, **metrics}),
    )


def find_sweep_id(running: Running) -> str:
    """Return the id of a sweep's run in the store, "" without one."""
    if running.tracking.enabled:
        from nnjax.tracking import mlflow_client

        with suppress(InputError):  # the upload has printed it
            query = mlflow_client.tagged(mlflow_client.ROOT, running.root)
            runs = mlflow_client.search(running.tracking.uri, running.start_folder, query=query)
            return next((run.id for run in runs if not run.parent), "")
    return ""


def list_figures(folder: Path, prefix: str = "") -> Iterator[tuple[str, Picture]]:
    """Yield the figures in a folder by name."""
    for path in sorted(folder.glob("*.png")):
        yield prefix + path.stem, Picture(path)
