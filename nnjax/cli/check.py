"""`nnjax check +experiment=mnist`: compare the gradients by hand with jax.grad and with finite differences."""

import argparse
from pathlib import Path

from nnjax.config.composition import read_config
from nnjax.errors import InputError, TrainingError

HELP = "compare the gradients by hand with jax.grad and with finite differences, parameter by parameter"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the settings, which are those of nnjax-train."""
    parser.add_argument("overrides", nargs="*", metavar="SETTING", help="as for training: +experiment=mnist ...")
    parser.add_argument("--config-dir", metavar="FOLDER", help="folder with configurations of your own")


def run(arguments: argparse.Namespace) -> None:
    """Print the errors of each parameter. Raises TrainingError if the gradients differ."""
    folder = arguments.config_dir
    if folder and not Path(folder).is_dir():
        raise InputError(f"--config-dir={folder} is not a folder", "a folder with configurations")
    config = read_config(arguments.overrides, [str(Path(folder).absolute())] if folder else [])

    from nnjax.network import gradient_check
    from nnjax.network.losses import LOSSES
    from nnjax.runs import check, jax_setup
    from nnjax.runs.plan import make_plan

    plan = make_plan(config)
    jax_setup.configure(config.runtime)
    gradients = gradient_check.check(plan.model, LOSSES[config.loss.name], config.seed)
    print(check.error_table(gradients))
    if not gradients.passed:
        raise TrainingError("the gradients differ by more than the last line allows")
