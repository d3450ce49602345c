"""`nnjax check +experiment=mnist`: compare the gradients by hand with jax.grad and with finite differences."""

import argparse
from pathlib import Path

import hydra

from nnjax.config import schema, validation
from nnjax.config.overrides import normalize_overrides
from nnjax.errors import InputError, TrainingError

HELP = "compare the gradients by hand with jax.grad and with finite differences, parameter by parameter"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the settings, which are those of nnjax-train."""
    parser.add_argument("overrides", nargs="*", metavar="SETTING", help="as for training: +experiment=mnist ...")
    parser.add_argument("--config-dir", metavar="FOLDER", help="folder with configurations of your own")


def run(arguments: argparse.Namespace) -> None:
    """Print the errors of each parameter. Raises TrainingError if the gradients differ."""
    schema.register()
    folder = arguments.config_dir
    if folder and not Path(folder).is_dir():
        raise InputError(f"--config-dir={folder} is not a folder. Allowed: a folder with configurations.")
    search_path = [f"hydra.searchpath=['file://{Path(folder).absolute()}']"] if folder else []
    with hydra.initialize_config_dir(str(schema.configuration_folder()), version_base="1.3"):
        overrides = normalize_overrides(arguments.overrides)
        config = validation.read(hydra.compose("config", overrides + search_path), overrides)

    from nnjax.data import sources
    from nnjax.network import gradient_check
    from nnjax.network.losses import LOSSES
    from nnjax.runs import build, run_folder
    from nnjax.runs import run as pipeline

    dataset = sources.load(**schema.source(config))
    pipeline.prepare_jax(config)
    result = gradient_check.check(build.model(config, dataset), LOSSES[config.loss.name], config.seed)
    print(run_folder.check_table(result))
    if not result.passed:
        raise TrainingError("the gradient by hand differs from jax.grad or from finite differences")
