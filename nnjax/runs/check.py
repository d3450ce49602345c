"""The gradient check before a training (L32): its errors are written; if gradients differ, nothing is trained."""

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
    """Compare the gradients, write their errors into the folder and return them; return None if the check is off.

    Raises TrainingError if finite differences can't be computed.
    """
    config = plan.config
    if not config.training.gradient_check:
        return None
    try:
        check = gradient_check.check(plan.model, LOSSES[config.loss.name], config.seed)
    except FloatingPointError as error:
        raise TrainingError(f"{error}. Allowed: training.gradient_check=false, which skips the check.") from None
    with atomic.write_file(folder / FILE) as file:
        file.write_text(error_table(check) + "\n")
    return check


def require_agreement(check: GradientCheck | None) -> None:
    """Log that the gradients agree; raise TrainingError if they differ."""
    if check is not None:
        if not check.passed:
            raise TrainingError(f"the gradients differ, so nothing was trained:\n{error_table(check)}")
        log.info("gradients by hand: %s", describe_check(check))


def error_table(check: GradientCheck) -> str:
    """Return the errors by parameter and the largest of each kind, as plain text."""
    head = ("parameter", "shape", "by hand / jax.grad", "by hand / finite differences")
    rows = [
        (p.name, "x".join(map(str, p.shape)), f"{p.by_hand:.1e}", f"{p.finite_difference:.1e}")
        for p in check.parameters
    ]
    largest = ("largest", "", f"{check.max_relative_error:.1e}", f"{check.finite_difference_error:.1e}")
    allowed = ("allowed", "", f"{BY_HAND_TOLERANCE:.1e}", f"{FINITE_DIFFERENCE_TOLERANCE:.1e}")
    return "\n".join(f"{a:<10} {b:<12} {c:>18} {d:>29}" for a, b, c, d in (head, *rows, largest, allowed))


def describe_check(check: GradientCheck | None) -> str:
    """Return `jax.grad within 2.4e-16, finite differences within 6.1e-10`; empty without a check."""
    if check is None:
        return ""
    return (
        f"jax.grad within {check.max_relative_error:.1e}, finite differences within {check.finite_difference_error:.1e}"
    )


def error_metrics(check: GradientCheck | None) -> dict[str, float]:
    """Return the two largest errors by metric name."""
    if check is None:
        return {}
    return {
        "gradient_check/max_relative_error": check.max_relative_error,
        "gradient_check/finite_difference_error": check.finite_difference_error,
    }
