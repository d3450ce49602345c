"""`python -m nnjax.train` and `nnjax-train`: the Hydra entry."""

import atexit
import gc
import sys
from typing import Any

import hydra
from hydra._internal.utils import get_args
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

import nnjax
from hydra_plugins.hydra_lanes.declaration import laned
from nnjax.cli import help as usage
from nnjax.config import overrides, schema
from nnjax.errors import exit_with_one_line
from nnjax.runs import launch
from nnjax.system import signals
from nnjax.system.times import Times


def train_lanes(configs: Any) -> list[float | Exception]:
    """Train a job's lanes together; return an objective or an error for each point of `lanes.values`."""
    return list(launch.train_job(configs.composed, Times()))


@laned(keys=schema.lane_keys(), train_lanes=train_lanes)
def task(composed: DictConfig) -> float:
    """Train one job of Hydra, a run or the lanes of a sweep that share a program; return its objective."""
    if HydraConfig.get().mode == RunMode.MULTIRUN:  # errors are the sweeper's: a study goes on
        return launch.mean_objective(launch.train_job(composed, Times()))
    times = Times.of_process(imported=launch.IMPORTED)
    # An error is printed here, since Hydra would print lines of its own around it.
    return float(exit_with_one_line(lambda: launch.mean_objective(launch.train_job(composed, times))))


def main() -> None:
    """Compose the configuration from the command line and train."""
    # Imports make millions of objects that live to the end: looking through them for garbage would take 1.5 s a run.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    if "--version" in sys.argv[1:]:  # Hydra's parser would print its own
        print(f"nnjax {nnjax.__version__}")
        return
    arguments = get_args(sys.argv[1:])
    if arguments.help:
        exit_with_one_line(lambda: print(usage.text(arguments.config_dir)))
        return
    if arguments.shell_completion:
        exit_with_one_line(lambda: overrides.prepare_completion(arguments.overrides))
    sys.argv[1:] = exit_with_one_line(lambda: overrides.normalize_overrides(sys.argv[1:]))
    schema.register()
    folder = str(schema.configuration_folder())
    command = hydra.main(version_base="1.3", config_path=folder, config_name="config")(task)
    with signals.watched():
        exit_with_one_line(lambda: launch.with_sweep_uploads(command))


if __name__ == "__main__":
    main()
