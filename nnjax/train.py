"""`python -m nnjax.train` and `nnjax-train`: the Hydra entry."""

import atexit
import gc
import sys
from pathlib import Path

import hydra
from omegaconf import DictConfig

from nnjax import config, validation
from nnjax.errors import guarded

APPENDED = ("experiment=", "debug=")  # groups of presets over the whole configuration: the last given wins


def presets(arguments: list[str]) -> list[str]:
    """Command line arguments with `+` before the preset groups, and debug last so that it overrides an experiment."""
    marked = [f"+{argument}" if argument.startswith(APPENDED) else argument for argument in arguments]
    return sorted(marked, key=lambda argument: argument.startswith("+debug="))


def task(composed: DictConfig) -> None:
    """One job of Hydra: one run. What goes wrong is said here: Hydra would print its own lines around it."""
    guarded(lambda: train(composed))


def train(composed: DictConfig) -> None:
    """Reads the configuration and runs it."""
    from hydra.core.hydra_config import HydraConfig

    job = HydraConfig.get()
    settings = validation.read(composed, job.overrides.task)
    from nnjax import pipeline

    pipeline.run(settings, Path(job.runtime.output_dir), Path(job.runtime.cwd))


def main() -> None:
    """Composes the configuration from the command line and trains."""
    # Imports make millions of objects that live to the end: looking through them for garbage would take 1.5 s a run.
    gc.set_threshold(100_000)
    atexit.register(gc.freeze)
    sys.argv[1:] = presets(sys.argv[1:])
    config.register()
    folder = str(config.configuration_folder())
    guarded(hydra.main(version_base="1.3", config_path=folder, config_name="config")(task))


if __name__ == "__main__":
    main()
