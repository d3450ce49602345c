"""From a composed configuration to trained networks: one run, or the lanes of one job of a sweep."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from omegaconf import DictConfig

from nnjax.config import lanes, validation
from nnjax.config.schema import Config
from nnjax.errors import InputError
from nnjax.runs.sweep import callback
from nnjax.runs.sweep.callback import Running
from nnjax.system import signals
from nnjax.system.times import Times
from nnjax.tracking.journal import Status
from nnjax.tracking.store_uri import store_uri

if TYPE_CHECKING:
    from nnjax.runs.run import RunResult

IMPORTED = time.perf_counter()  # when Python had started and had imported what every command needs


class Job(NamedTuple):
    """The task of one job of Hydra.

    Attributes:
        config: the settings.
        folder: of the run, or of the job in a sweep.
        start_folder: the folder in which the command was started.
        times: of the command until now.
        overrides: the settings that were typed.
    """

    config: Config
    folder: Path
    start_folder: Path
    times: Times
    overrides: Sequence[str]

    @property
    def is_sweep(self) -> bool:
        """Whether the job trains lanes of a sweep, not a single run."""
        return lanes.is_sweep(self.config)


def train_job(composed: DictConfig, times: Times) -> list[float | Exception]:
    """Read a composed configuration and train it.

    Return the objective, or an error, of the run, or of each point of `lanes.values`. Raises InputError.
    """
    job = read_job(composed, times)
    return train_sweep_job(job) if job.is_sweep else [train_single_run(job).objective]


def read_job(composed: DictConfig, times: Times) -> Job:
    """Return the job of a composed configuration, that of an earlier run where `resume` names one.

    Raises InputError for settings that are not allowed, and for a folder that already contains a run.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    hydra = HydraConfig.get()
    config = validation.to_config(composed, hydra.overrides.task)
    folder, start_folder = Path(hydra.runtime.output_dir), Path(hydra.runtime.cwd)
    if config.tracking.enabled:
        store_uri(config.tracking.uri, start_folder)
    times.add_rest("compose")
    from nnjax.runs import checkpoint_file, checkpoints

    if config.resume is not None:
        from nnjax.runs import resume

        if hydra.mode != RunMode.RUN:
            raise InputError(
                f"resume={config.resume} is for one run. Allowed: the sweep's own command again, with its sweep.name."
            )
        new_folder, (config, folder) = folder, resume.resumed_run(config, hydra.overrides.task, start_folder)
        resume.move_log(new_folder, folder)
    elif any(checkpoint_file.list_checkpoints(folder / checkpoints.FOLDER)):
        raise InputError(
            f"{folder} already contains a run. Allowed: resume={folder} to continue it, or another folder."
        )
    return Job(config, folder, start_folder, times, hydra.overrides.task)


def train_single_run(job: Job) -> "RunResult":
    """Train one network and return the finished run. Raises what `run.run` raises."""
    tracking = job.config.tracking
    if tracking.enabled:
        from nnjax.tracking import uploads

        uploads.start(store_uri(tracking.uri, job.start_folder))
    from nnjax.runs import checkpoints, run

    job.times.add_rest("import")
    with checkpoints.exclusive_folder_lock(job.folder):
        return run.run(*job)


def train_sweep_job(job: Job) -> list[float | Exception]:
    """Train the lanes of a job, which `with_sweep_uploads` uploads; return an objective or an error for each point."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from nnjax.runs.sweep import train_lanes

    config, hydra = job.config, HydraConfig.get()
    own_folder = job.folder if hydra.mode == RunMode.RUN else hydra.sweep.dir
    root = callback.root_of(config.sweep.name, own_folder, job.start_folder)
    running = next((sweep for sweep in callback.RUNNING if sweep.root == root), None)
    if running is None:
        running = Running(root, job.start_folder, config.tracking, config.lanes.record, config.objective)
        running.uploads = hydra.mode == RunMode.RUN  # a worker of a multirun trains; its command uploads
        callback.RUNNING.append(running)
    if config.tracking.enabled and running.uploads:
        from nnjax.tracking import uploads

        uploads.start(store_uri(config.tracking.uri, job.start_folder))
    return list(train_lanes.run(config, job.folder, running))


def mean_objective(objectives: Sequence[float | Exception]) -> float:
    """Return the mean of the objectives without the errors; raise the first error if there is nothing else."""
    finite = [objective for objective in objectives if not isinstance(objective, Exception)]
    if not finite:
        raise next(objective for objective in objectives if isinstance(objective, Exception))
    return sum(finite) / len(finite)


def with_sweep_uploads(command: Callable[[], Any]) -> Any:
    """Run Hydra, then upload the sweeps of its jobs, also if a job failed or was interrupted."""
    status: Status = "FAILED"
    try:
        result = command()
        status = "FINISHED"
        return result
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) or (isinstance(error, SystemExit) and error.code in signals.CODES):
            status = "KILLED"
        raise
    finally:
        upload_sweeps(status)


def upload_sweeps(status: Status) -> None:
    """Upload this command's sweeps; after a signal only record that they have ended.

    Raises InputError for a store that can't be used; if the command itself has failed, the problem is only printed.
    """
    while callback.RUNNING:
        from nnjax.runs.sweep import upload

        running = callback.RUNNING.pop(0)
        try:
            upload.interrupt(running) if status == "KILLED" else upload.finish(running, status)
        except KeyboardInterrupt:
            upload.interrupt(running)
            raise
        except InputError as error:
            if status == "FINISHED":
                raise
            print(f"error: {error}", file=sys.stderr)
