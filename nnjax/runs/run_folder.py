"""What a training leaves in its run folder: settings, history, network, summary. MLflow gets a copy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from nnjax.config.schema import Config
from nnjax.data import npz
from nnjax.data.dataset import Dataset
from nnjax.inference import predictor
from nnjax.network.losses import LOSSES
from nnjax.reporting import summary
from nnjax.reporting.summary import RunSummary
from nnjax.runs import provenance
from nnjax.system import atomic

TOLD = ("name", "activation", "pooling")  # what prediction needs of a model's settings


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """The resolved configuration, config.yaml."""
    with atomic.file(folder / "config.yaml") as file:
        file.write_text(OmegaConf.to_yaml(OmegaConf.create(dict(settings))))


def decimal(x: float) -> float:
    """The number whose digits are those of a float32 that x is: 0.937 for 0.93700003623962; any other x as it is."""
    with np.errstate(over="ignore"):
        single = np.float32(x)
    return float(str(single)) if float(single) == x else float(x)


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


def write_network(folder: Path, config: Config, dataset: Dataset, params: predictor.Layers) -> Path:
    """Write model.safetensors, the trained network with all that prediction needs; return its path."""
    predictor.save(folder / "model.safetensors", params, network_metadata(config, dataset))
    return folder / "model.safetensors"


def write_history(folder: Path, history: Mapping[str, np.ndarray]) -> None:
    """All epochs of all metrics, history.npz; MLflow shows at most a hundred points of each."""
    with atomic.file(folder / "history.npz") as file:
        np.savez_compressed(file, **dict(history))  # type: ignore[arg-type]


def write_provenance(folder: Path, depended: Mapping[str, str]) -> dict[str, str]:
    """What the result depended on (`provenance.of`) and its digest, provenance.json; the digest is returned, as a tag.

    It is that of model.safetensors and history.npz as they lie in the folder, and has no times in it: the same training
    on the same machine has the same.
    """
    network, history = predictor.Predictor.load(folder / "model.safetensors"), npz.every(folder / "history.npz")
    found = {provenance.RESULT: provenance.digest(network.params, history)}
    provenance.write(folder, {**depended, **found})
    return found


def write_summary(folder: Path, run_summary: RunSummary) -> None:
    """Write summary.txt, the panel that the run ends with."""
    with atomic.file(folder / "summary.txt") as file:
        file.write_text(summary.summary(run_summary) + "\n")
