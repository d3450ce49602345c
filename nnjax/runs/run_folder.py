"""What a training leaves in its run folder: settings, history, network, summary. MLflow gets a copy."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from nnjax.config.schema import Config
from nnjax.data import npz
from nnjax.data.dataset import Dataset
from nnjax.inference import predictor
from nnjax.network.gradient_check import BY_HAND_TOLERANCE, FINITE_DIFFERENCE_TOLERANCE, GradientCheck
from nnjax.network.losses import LOSSES
from nnjax.reporting import run_names, summary
from nnjax.runs import provenance
from nnjax.system import atomic
from nnjax.training.result import TrainingResult

TOLD = ("name", "activation", "pooling")  # what prediction needs of a model's settings


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """The resolved configuration, config.yaml."""
    with atomic.write_file(folder / "config.yaml") as file:
        file.write_text(OmegaConf.to_yaml(OmegaConf.create(dict(settings))))


def write_check(folder: Path, check: GradientCheck) -> None:
    """The errors by parameter, gradient_check.txt."""
    with atomic.write_file(folder / "gradient_check.txt") as file:
        file.write_text(check_table(check) + "\n")


def check_table(check: GradientCheck) -> str:
    """The errors by parameter and the largest of each kind, as plain text."""
    head = ("parameter", "shape", "by hand / jax.grad", "by hand / finite differences")
    rows = [
        (p.name, "x".join(map(str, p.shape)), f"{p.by_hand:.1e}", f"{p.finite_difference:.1e}")
        for p in check.parameters
    ]
    worst = ("largest", "", f"{check.max_relative_error:.1e}", f"{check.finite_difference_error:.1e}")
    allowed = ("allowed", "", f"{BY_HAND_TOLERANCE:.1e}", f"{FINITE_DIFFERENCE_TOLERANCE:.1e}")
    return "\n".join(f"{a:<10} {b:<12} {c:>18} {d:>29}" for a, b, c, d in (head, *rows, worst, allowed))


def check_words(check: GradientCheck) -> str:
    """`jax.grad within 2.4e-16, finite differences within 6.1e-10`."""
    errors = (check.max_relative_error, check.finite_difference_error)
    return "jax.grad within {:.1e}, finite differences within {:.1e}".format(*errors)


def check_metrics(check: GradientCheck) -> dict[str, float]:
    """Both errors, by their metrics' names."""
    return {
        "gradient_check/max_relative_error": check.max_relative_error,
        "gradient_check/finite_difference_error": check.finite_difference_error,
    }


def not_finite(history: Mapping[str, np.ndarray], epoch: int) -> str:
    """What is not finite in the epoch of a divergence, the first of these."""
    words = {
        "train/loss": "the loss",
        "train/cost": "the cost",
        "validation/loss": "the validation loss",
        "gradient/norm": "the gradient's norm",
        "parameters/norm": "the parameters' norm",
    }
    if np.isnan(history.get("validation/loss", [np.nan])[0]):  # there is none
        del words["validation/loss"]
    bad = [words[name] for name in words if name in history and not np.isfinite(history[name][epoch])]
    return bad[0] if bad else "the optimiser's state"


def divergence_hint(config: Config, history: Mapping[str, np.ndarray], epoch: int) -> str:
    """What to try when something stopped being finite, or never was."""
    if not np.isfinite(history["train/loss"][0]):
        return f"nor was the untrained network's: try a model.init_scale below {config.model.init_scale:g}"
    norm = history["gradient/norm"][epoch - 1]
    before = f"the gradient's norm was {norm:.3g} before; " if np.isfinite(norm) else ""
    rate = config.optimizer.learning_rate
    return f"{before}try an optimizer.learning_rate below {rate:g}, or training.clip_norm=1"


def objective(config: Config, dataset: Dataset) -> str:
    """The metric that says which of several networks is best; never one of the test."""
    return config.objective or ("validation/loss" if len(dataset.validation.y) else "train/loss")


def decimal(x: float) -> float:
    """The number whose digits are those of a float32 that x is: 0.937 for 0.93700003623962; any other x as it is."""
    with np.errstate(over="ignore"):
        single = np.float32(x)
    return float(str(single)) if float(single) == x else float(x)


def describe_data(dataset: Dataset) -> str:
    """`mnist: 54,000 for training, 6,000 for validation, 10,000 for the test, from /data/mnist`."""
    if not len(dataset.train.y):
        return f"{dataset.name}: {len(dataset.test.y):,} for the test, from {dataset.source}"
    rows = [len(part.y) for part in (dataset.train, dataset.validation, dataset.test)]
    return "{}: {:,} for training, {:,} for validation, {:,} for the test, from {}".format(
        dataset.name, *rows, dataset.source
    )


def describe_batch(config: Config, dataset: Dataset) -> str:
    """`all 4 instances, since training.batch_size=128 is more`; empty where the batch is as large as asked."""
    size, rows = config.training.batch_size, len(dataset.train.y)
    return f"all {rows:,} instances, since training.batch_size={size} is more" if size != "full" and size > rows else ""


def facts(
    name: str,
    folder: str,
    config: Config,
    dataset: Dataset,
    outcome: TrainingResult,
    check: GradientCheck | None,
    times: Mapping[str, float],
    where: tuple[str, str],
) -> summary.RunSummary:
    """What the summary tells of a finished run."""
    units = [math.prod(dataset.preprocessing.shape), *(len(b) for _, b in outcome.params)]
    best = {} if outcome.best_epoch is None else scores(outcome, outcome.best_epoch, "validation/")
    return summary.RunSummary(
        name=name,
        data=describe_data(dataset),
        notice=dataset.notice,
        batch=describe_batch(config, dataset),
        model=run_names.network(config.model.name, config.loss.name, units),
        parameters=sum(Theta.size + b.size for Theta, b in outcome.params),
        metrics={**scores(outcome, outcome.kept_epoch, "validation/"), **outcome.test},
        last=scores(outcome, outcome.epochs, "train/", "validation/"),
        best=best,
        stopped=f"{outcome.stopped}, after epoch {outcome.epochs}",
        best_epoch=outcome.best_epoch,
        gradient_check="" if check is None else check_words(check),
        times=times,
        run_id=where[0],
        look=where[1],
        folder=folder,
    )


def scores(outcome: TrainingResult, epoch: int, *parts: str) -> dict[str, float]:
    """The metrics of these parts after an epoch, those that were measured."""
    found = {name: float(row[epoch]) for name, row in outcome.history.items() if name.startswith(parts)}
    return {name: value for name, value in found.items() if np.isfinite(value)}


def network_metadata(config: Config, dataset: Dataset) -> dict[str, Any]:
    """What prediction needs besides the parameters."""
    return {
        "model": {key: getattr(config.model, key) for key in TOLD if hasattr(config.model, key)},
        "output": LOSSES[config.loss.name].activation,
        "preprocessing": dataset.preprocessing._asdict(),
        "classes": list(dataset.classes),
        **({"features": list(dataset.features)} if dataset.features else {}),
        **({"target": dataset.target._asdict()} if dataset.target else {}),
    }


def write_network(folder: Path, config: Config, dataset: Dataset, outcome: TrainingResult) -> Path:
    """The trained network with all that prediction needs, model.safetensors."""
    predictor.save(folder / "model.safetensors", outcome.params, network_metadata(config, dataset))
    return folder / "model.safetensors"


def write_history(folder: Path, history: Mapping[str, np.ndarray]) -> None:
    """All epochs of all metrics, history.npz; MLflow shows at most a hundred points of each."""
    with atomic.write_file(folder / "history.npz") as file:
        np.savez_compressed(file, **dict(history))  # type: ignore[arg-type]


def write_provenance(folder: Path, depended: Mapping[str, str]) -> dict[str, str]:
    """What the result depended on (`provenance.of`) and its digest, provenance.json; the digest is returned, as a tag.

    It is that of model.safetensors and history.npz as they lie in the folder, and has no times in it: the same training
    on the same machine has the same.
    """
    network, history = predictor.Predictor.load(folder / "model.safetensors"), npz.read_arrays(folder / "history.npz")
    found = {provenance.RESULT: provenance.digest(network.params, history)}
    provenance.write(folder, {**depended, **found})
    return found


def write_summary(folder: Path, facts: summary.RunSummary) -> None:
    """The panel that the run ends with, summary.txt."""
    with atomic.write_file(folder / "summary.txt") as file:
        file.write_text(summary.summary(facts) + "\n")
