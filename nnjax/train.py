"""`python -m nnjax.train` and `nnjax-train`: the Hydra entry."""

import atexit
import gc
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import hydra
from hydra._internal.utils import get_args
from omegaconf import DictConfig

from hydra_plugins.hydra_lanes.declaration import laned
from nnjax.cli import help as usage
from nnjax.config import lanes as members
from nnjax.config import overrides as completion
from nnjax.config import schema, validation
from nnjax.config.schema import Config
from nnjax.config.validation import check_text
from nnjax.errors import InputError, guarded
from nnjax.reporting.summary import Status
from nnjax.runs.sweep import callback
from nnjax.runs.sweep.callback import Running
from nnjax.system import signals
from nnjax.system.times import Times
from nnjax.tracking import carriers
from nnjax.tracking.store_uri import store_uri

if TYPE_CHECKING:
    from nnjax.runs.run import Finished

APPENDED = ("experiment=", "preset=", "sweep=", "debug=")  # presets over the whole configuration: the last given wins
COMMAND: list[Times] = []  # that of this command, until its first job takes it
OTHERWISE = ("tracking.enabled=", "lanes.", "sweep")  # settings of a command that may be no single run, recorded
LATE = ("+preset=", "+debug=")  # in this order, after an experiment, which they override


def presets(arguments: list[str]) -> list[str]:
    """Command line arguments with `+` before the preset groups, and those that override an experiment after it.

    model=softmax is written +preset=softmax: the lecture's name sets model and loss, whatever an experiment says.
    Raises InputError for what Hydra can't read.
    """
    for argument in arguments:
        check_text(argument)
        if argument.startswith("~") and "=" in argument:  # Hydra fails at some of them
            raise InputError(f"{argument}: takes a value away; allowed: {argument[1:]}, which sets it")
    marked = [f"+{argument}" if argument.startswith(APPENDED) else lectures(argument) for argument in arguments]
    early = [argument for argument in marked if not argument.startswith(LATE)]
    return early + [argument for group in LATE for argument in marked if argument.startswith(group)]


def lectures(argument: str) -> str:
    """model=NAME as +preset=NAME where it, or one that a sweep names, is the lecture's; anything else as it is."""
    group, _, names = argument.partition("=")
    return f"+preset={names}" if group == "model" and {*names.split(",")} & {*schema.PRESETS} else argument


def train_lanes(configs: Any) -> list[float | Exception]:
    """A job's lanes, together: one objective or error a point of `lanes.values`."""
    return list(jobs(configs.composed))


@laned(keys=schema.lane_keys(), train_lanes=train_lanes)
def task(composed: DictConfig) -> float:
    """One job of Hydra: one run, or one sweep's lanes that share a program; its objective."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    if HydraConfig.get().mode == RunMode.MULTIRUN:  # what goes wrong is the sweeper's: a study goes on
        return mean(jobs(composed))
    return float(guarded(lambda: mean(jobs(composed))))  # said here: Hydra would print its own lines around it


def jobs(composed: DictConfig) -> list[float | Exception]:
    """Reads the configuration and trains: an objective, or an error, each run or point of `lanes.values`."""
    asked = read(composed)
    return lanes(asked) if asked.several else [alone(asked).objective]


class Asked(NamedTuple):
    """What a job is to train, its folder, where the command was started, what that has taken so far, what was typed."""

    settings: Config
    folder: Path
    start_folder: Path
    times: Times
    typed: Sequence[str]

    @property
    def several(self) -> bool:
        """Whether these are lanes of a sweep, not a run of its own."""
        return members.several(self.settings)


def read(composed: DictConfig) -> Asked:
    """Reads the configuration, that of the run to be gone on with where one is named.

    Raises InputError for what it may not be, and a folder that holds a run already.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    job = HydraConfig.get()
    settings = validation.read(composed, job.overrides.task)
    times = COMMAND.pop() if COMMAND else Times()
    times.rest("compose")
    from nnjax.runs import checkpoint_file, checkpoints

    folder, start_folder = Path(job.runtime.output_dir), Path(job.runtime.cwd)
    if settings.resume is not None:
        from nnjax.runs import resume

        if job.mode != RunMode.RUN:
            raise InputError(f"resume={settings.resume}: for one run; a multirun with sweep.name goes on by itself")
        new, (settings, folder) = folder, resume.run_of(settings, job.overrides.task, start_folder)
        resume.log_into(folder, new)
    elif any(checkpoint_file.newest(folder / checkpoints.FOLDER)):
        raise InputError(f"{folder}: holds a run already; allowed: resume={folder}, or another folder")
    return Asked(settings, folder, start_folder, times, job.overrides.task)


def alone(asked: Asked) -> "Finished":
    """Trains one network."""
    tracking = asked.settings.tracking
    if tracking.enabled:
        carriers.start(store_uri(tracking.uri, asked.start_folder))
    from nnjax.runs import checkpoints, run

    asked.times.rest("import")
    with checkpoints.alone(asked.folder):
        return run.run(*asked)


def lanes(asked: Asked) -> list[float | Exception]:
    """Trains lanes, which `delivered` brings to MLflow."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    from nnjax.runs.sweep import command, upload
    from nnjax.runs.sweep import train_lanes as trained
    from nnjax.runs.sweep.child_runs import ChildRuns

    settings, folder, start_folder, *_ = asked
    job = HydraConfig.get()
    own = folder if job.mode == RunMode.RUN else job.sweep.dir
    root = callback.root_of(settings.sweep.name, own, start_folder)
    running = next((each for each in callback.RUNNING if each.root == root), None)
    if running is None:
        running = Running(root, start_folder, settings.tracking, settings.lanes.record, settings.objective)
        callback.RUNNING.append(running)
    command.remember(running)
    if upload.are_runs(running, len(members.members(settings))):
        running.writer = running.writer or ChildRuns()  # it imports while the lanes are trained
    return list(trained.run(settings, folder, root, start_folder))


def mean(objectives: list[float | Exception]) -> float:
    """The mean of what was reached; raises the first error if there is nothing else."""
    there = [each for each in objectives if not isinstance(each, Exception)]
    if not there:
        raise next(each for each in objectives if isinstance(each, Exception))
    return sum(there) / len(there)


def delivered(command: Callable[[], Any]) -> Any:
    """Runs Hydra, then delivers what the jobs' lanes left, also if a job failed or was interrupted."""
    status: Status = "FAILED"
    try:
        found = command()
        status = "FINISHED"
        return found
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) or (isinstance(error, SystemExit) and error.code in signals.CODES):
            status = "KILLED"
        raise
    finally:
        deliver(status)


def deliver(status: Status) -> None:
    """Delivers this command's sweeps; after a signal there is no time for more than their end.

    Raises what is wrong about the store unless something went wrong before.
    """
    while callback.RUNNING:
        from nnjax.runs.sweep import upload

        running = callback.RUNNING.pop(0)
        try:
            upload.interrupt(running) if status == "KILLED" else upload.deliver(running, status)
        except KeyboardInterrupt:
            upload.interrupt(running)
            raise
        except InputError as error:
            if status == "FINISHED":
                raise
            print(f"error: {error}", file=sys.stderr)


def likely_alone(overrides: Sequence[str]) -> bool:
    """Whether they are those of a single run, recorded, as far as can be seen before they are read."""
    return not any(override.lstrip("+").startswith(OTHERWISE) for override in overrides)


def main() -> None:
    """Composes the configuration from the command line and trains."""
    COMMAND[:] = [Times(time.process_time())]  # Python's own start and the imports above: nothing else has run yet
    COMMAND[0].rest("import")
    # Imports make millions of objects that live to the end: looking through them for garbage would take 1.5 s a run.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    asked = get_args(sys.argv[1:])
    if asked.help:
        guarded(lambda: print(usage.text(asked.config_dir)))
        return
    if asked.shell_completion:
        guarded(lambda: completion.prepare(asked.overrides, presets))
    sys.argv[1:] = guarded(lambda: presets(sys.argv[1:]))
    if likely_alone(asked.overrides) and not (asked.multirun or asked.cfg or asked.info or asked.hydra_help):
        carriers.start()
    schema.register()
    folder = str(schema.configuration_folder())
    command = hydra.main(version_base="1.3", config_path=folder, config_name="config")(task)
    with signals.watched():
        guarded(lambda: delivered(command))


if __name__ == "__main__":
    main()
