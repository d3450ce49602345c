"""`nnjax check +experiment=mnist`: the gradient by hand against jax.grad and finite differences, as a table."""

import argparse
from pathlib import Path

import hydra

from nnjax.config import schema, validation
from nnjax.config.overrides import normalize_overrides
from nnjax.errors import InputError, TrainingError

HELP = "compare the gradients by hand with jax.grad and with finite differences, and print them by parameter"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The overrides are those of nnjax-train."""
    parser.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="as for training: +experiment=mnist ...")
    parser.add_argument("--config-dir", metavar="FOLDER", help="a folder with configurations of your own")


def run(given: argparse.Namespace) -> None:
    """Prints the table; raises TrainingError where the gradients differ."""
    schema.register()
    if given.config_dir and not Path(given.config_dir).is_dir():
        raise InputError(f"--config-dir={given.config_dir}: no such folder")
    searched = [f"hydra.searchpath=['file://{Path(given.config_dir).absolute()}']"] if given.config_dir else []
    with hydra.initialize_config_dir(str(schema.configuration_folder()), version_base="1.3"):
        overrides = normalize_overrides(given.overrides)
        composed = hydra.compose("config", overrides + searched)
    settings = validation.read(composed, overrides)

    from nnjax.network import gradient_check
    from nnjax.network.losses import LOSSES
    from nnjax.runs import check, jax_setup
    from nnjax.runs.plan import make_plan

    plan = make_plan(settings)
    jax_setup.configure(settings.runtime)
    gradients = gradient_check.check(plan.model, LOSSES[settings.loss.name], settings.seed)
    print(check.table(gradients))
    if not gradients.passed:
        raise TrainingError("the gradient by hand differs from jax.grad or from finite differences")
