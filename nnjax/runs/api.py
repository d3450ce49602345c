"""`nnjax.run`: the training command from Python, as in a notebook, as often as one likes."""

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
from nnjax.errors import InputError, as_input_error
from nnjax.inference.predictor import Layers
from nnjax.runs import launch, load
from nnjax.runs.load import Trained
from nnjax.runs.sweep import callback
from nnjax.runs.sweep.callback import Running
from nnjax.system.times import Times

if TYPE_CHECKING:
    from pandas import DataFrame

    from nnjax.runs.run import RunResult

ONE = Lock()  # Hydra's and JAX's settings are those of the process
OF_JAX = (  # what a run changes and JAX lets change back once it has started: the caller finds it as it was
    "jax_enable_x64",
    "jax_default_matmul_precision",
    "jax_compilation_cache_dir",
    "jax_persistent_cache_min_compile_time_secs",
)


class Picture(NamedTuple):
    """A figure's file, which notebooks show."""

    path: Path

    def _repr_png_(self) -> bytes:
        return self.path.read_bytes()

    def __repr__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}"


@dataclass(frozen=True, repr=False)
class Run:
    """A run that has ended, or a sweep of lanes.

    Attributes:
        id, name: in the store; id is "" where it has none, as with tracking.enabled=false.
        folder: with all files: config.yaml, history.npz, model.safetensors, ...; of a sweep its root.
        model: the network that was kept; of a sweep the best lane's.
        history: metric -> (epochs + 1,), row e after epoch e, nan where not measured; of a sweep (lanes, k), at the k
            epochs in `epoch`, 100 at most.
        metrics: metric -> its value of the network that was kept; of a sweep (lanes,), nan where one diverged.
        figures: name -> picture; those of a sweep's best lane as `best/NAME`.
        lanes: of a sweep a row a lane: its number, the settings that differ, its status, its metrics; None of a run.
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
    """As `nnjax.run` says."""
    for setting in settings:
        if setting.startswith("-"):
            raise InputError(f"{setting}: a flag of the command; allowed: settings, such as seed=3 or lanes.seeds=8")
    with ONE, as_it_was():
        found = launch.with_sweep_uploads(lambda: as_input_error(lambda: composed(settings)))
        return of_sweep(found) if isinstance(found, Running) else of_run(found)


def composed(settings: Sequence[str]) -> "RunResult | Running":
    """Composes settings as the command does, and trains them in the folder that Hydra makes."""
    ended: list[RunResult | Running | Exception] = []

    def task(given: DictConfig) -> None:
        try:
            ended.append(job(given))
        except Exception as error:  # around which Hydra would print lines of its own
            ended.append(error)

    schema.register()
    with hydra.initialize_config_dir(str(schema.configuration_folder()), job_name="train", version_base="1.3"):
        app = GlobalHydra.instance().hydra
        assert app is not None
        app.run("config", task, normalize_overrides(settings), with_log_configuration=False)
    (found,) = ended
    if isinstance(found, Exception):
        raise found
    return found


def job(given: DictConfig) -> "RunResult | Running":
    """Trains one network, or the lanes of a sweep that is still to be delivered."""
    own = HydraConfig.get()
    with logged(Path(own.runtime.output_dir, f"{own.job.name}.log")):
        read = launch.read_job(given, Times())
        if not read.is_sweep:
            return launch.train_single_run(read)
        launch.mean_objective(launch.train_sweep_job(read))
        return callback.RUNNING[-1]


@contextmanager
def logged(file: Path) -> Iterator[None]:
    """What the program says goes to standard output and to a file, as conf/config.yaml has it of the command."""
    log = logging.getLogger("nnjax")
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stdout), logging.FileHandler(file)]
    level, propagate = log.level, log.propagate
    log.handlers += handlers
    log.propagate = False  # once is enough
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
def as_it_was() -> Iterator[None]:
    """JAX is set afterwards as it was before."""
    import jax

    before = {name: getattr(jax.config, name) for name in OF_JAX}
    try:
        yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)


def of_run(found: "RunResult") -> Run:
    """What a run came to."""
    from nnjax.runs import run_folder

    result, name = found.result, found.summary.name
    last = {metric: values[result.kept_epoch] for metric, values in result.history.items()} | dict(result.test)
    metrics = {metric: run_folder.decimal(value) for metric, value in last.items() if np.isfinite(value)}
    return Run(
        id=found.summary.run_id,
        name=name,
        folder=found.folder,
        model=load.find(str(found.folder), None, Path.cwd())._replace(name=name),
        history=result.history,
        metrics=metrics,
        figures=dict(pictures(found.folder / "figures")),
    )


def of_sweep(running: Running) -> Run:
    """What a sweep came to, all lanes of its folder."""
    from pandas import DataFrame

    from nnjax.runs.sweep import statistics
    from nnjax.runs.sweep import storage as kept
    from nnjax.runs.sweep.sweep import Sweep

    sweep = Sweep(running.root, list(kept.parts(running.root)), running.objective)
    metrics = {metric: statistics.column(sweep.lanes, metric) for metric in statistics.metrics(sweep.lanes)}
    swept = {key: sweep.column(key) for key in sweep.keys}
    status = [lane.facts["status"] for lane in sweep.lanes]
    name = running.tracking.run_name or sweep.title
    best = load.find(f"{running.root}:{sweep.order[0]}", None, running.start_folder)
    return Run(
        id=parent_of(running),
        name=name,
        folder=running.root,
        model=best._replace(name=f"{name}, lane {sweep.order[0]}"),
        history=sweep.histories(),
        metrics=metrics,
        figures=dict([*pictures(sweep.folder / "figures"), *pictures(sweep.folder / "best" / "figures", "best/")]),
        lanes=DataFrame({"lane": range(len(status)), **swept, "status": status, **metrics}),
    )


def parent_of(running: Running) -> str:
    """The id of a sweep's run in the store, "" where it has none."""
    if running.tracking.enabled:
        from nnjax.tracking import mlflow_client

        with suppress(InputError):  # which has been said
            query = mlflow_client.tagged(mlflow_client.ROOT, running.root)
            found = mlflow_client.search(running.tracking.uri, running.start_folder, query=query)
            return next((each.id for each in found if not each.parent), "")
    return ""


def pictures(folder: Path, prefix: str = "") -> Iterator[tuple[str, Picture]]:
    """Yield the figures in a folder by name."""
    for path in sorted(folder.glob("*.png")):
        yield prefix + path.stem, Picture(path)
