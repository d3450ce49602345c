"""`nnjax check +experiment=mnist`: the gradient by hand against jax.grad and finite differences, as a table."""

import argparse
from pathlib import Path

from nnjax.config import schema
from nnjax.config.composition import read_config
from nnjax.errors import InputError, TrainingError

HELP = "compare the gradients by hand with jax.grad and with finite differences, and print them by parameter"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The overrides are those of nnjax-train."""
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="as for training: +experiment=mnist ...")
    parser.add_argument("--config-dir", metavar="FOLDER", help="a folder with configurations of your own")


def run(given: argparse.Namespace) -> None:
    """Prints the table; raises TrainingError where the gradients differ."""
    if given.config_dir and not Path(given.config_dir).is_dir():
        raise InputError(f"--config-dir={given.config_dir}: no such folder")
    searched = [str(Path(given.config_dir).absolute())] if given.config_dir else []
    settings = read_config(given.overrides, searched)

    from nnjax.data import sources
    from nnjax.network import gradient_check
    from nnjax.network.losses import LOSSES
    from nnjax.runs import build, run_folder
    from nnjax.runs import run as pipeline

    dataset = sources.load(**schema.data_settings(settings))
    pipeline.prepare_jax(settings)
    found = gradient_check.check(build.model(settings, dataset), LOSSES[settings.loss.name], settings.seed)
    print(run_folder.check_table(found))
    if not found.passed:
        raise TrainingError("the gradient by hand differs from jax.grad or from finite differences")
