"""The gradient check before a training (L32): run, written, and refused where the gradients differ."""

import logging
from pathlib import Path

from nnjax.errors import TrainingError
from nnjax.network import gradient_check
from nnjax.network.gradient_check import BY_HAND_TOLERANCE, FINITE_DIFFERENCE_TOLERANCE, GradientCheck
from nnjax.network.losses import LOSSES
from nnjax.runs.plan import RunPlan
from nnjax.system import atomic

FILE = "gradient_check.txt"  # in a run's folder
log = logging.getLogger(__name__)


def check_gradients(plan: RunPlan, folder: Path) -> GradientCheck | None:
    """Compare the gradients, write both errors into the folder and return them; None where the check is off.

    Raises TrainingError where no finite difference could be measured.
    """
    config = plan.config
    if not config.training.gradient_check:
        return None
    try:
        check = gradient_check.check(plan.model, LOSSES[config.loss.name], config.seed)
    except FloatingPointError as error:
        raise TrainingError(f"{error}; training.gradient_check=false trains without the check") from None
    with atomic.file(folder / FILE) as file:
        file.write_text(table(check) + "\n")
    return check


def accept(check: GradientCheck | None) -> None:
    """Log that the gradients agree; raise TrainingError where they differ."""
    if check is not None:
        if not check.passed:
            raise TrainingError(f"the gradients differ, so nothing was trained:\n{table(check)}")
        log.info("gradients by hand: %s", in_words(check))


def table(check: GradientCheck) -> str:
    """Return the errors by parameter and the largest of each kind, as plain text."""
    head = ("parameter", "shape", "by hand / jax.grad", "by hand / finite differences")
    rows = [
        (p.name, "x".join(map(str, p.shape)), f"{p.by_hand:.1e}", f"{p.finite_difference:.1e}")
        for p in check.parameters
    ]
    largest = ("largest", "", f"{check.max_relative_error:.1e}", f"{check.finite_difference_error:.1e}")
    allowed = ("allowed", "", f"{BY_HAND_TOLERANCE:.1e}", f"{FINITE_DIFFERENCE_TOLERANCE:.1e}")
    return "\n".join(f"{a:<10} {b:<12} {c:>18} {d:>29}" for a, b, c, d in (head, *rows, largest, allowed))


def in_words(check: GradientCheck | None) -> str:
    """Return `jax.grad within 2.4e-16, finite differences within 6.1e-10`; empty without a check."""
    if check is None:
        return ""
    return (
        f"jax.grad within {check.max_relative_error:.1e}, finite differences within {check.finite_difference_error:.1e}"
    )


def metrics(check: GradientCheck | None) -> dict[str, float]:
    """Return both errors by the names of their metrics."""
    if check is None:
        return {}
    return {
        "gradient_check/max_relative_error": check.max_relative_error,
        "gradient_check/finite_difference_error": check.finite_difference_error,
    }
