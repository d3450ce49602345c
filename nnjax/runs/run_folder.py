"""The files of a run's folder: settings, history, network, provenance, summary. MLflow gets a copy."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

from nnjax.data import npz
from nnjax.inference import predictor
from nnjax.reporting import summary
from nnjax.reporting.summary import RunSummary
from nnjax.runs import provenance
from nnjax.system import atomic


def write_settings(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write config.yaml, the resolved configuration."""
    with atomic.write_file(folder / "config.yaml") as file:
        file.write_text(OmegaConf.to_yaml(OmegaConf.create(dict(settings))))


def write_network(folder: Path, metadata: Mapping[str, Any], params: predictor.Layers) -> Path:
    """Write model.safetensors, the trained network with all that prediction needs; return its path."""
    predictor.save(folder / "model.safetensors", params, metadata)
    return folder / "model.safetensors"


def write_history(folder: Path, history: Mapping[str, np.ndarray]) -> None:
    """Write history.npz, all metrics by epoch (epochs + 1,); MLflow gets at most a hundred points of each."""
    with atomic.write_file(folder / "history.npz") as file:
        np.savez_compressed(file, **dict(history))  # type: ignore[arg-type]


def write_provenance(folder: Path, dependencies: Mapping[str, str]) -> dict[str, str]:
    """Write provenance.json: dependencies, from `provenance.collect`, and the digest, which is returned as a tag.

    The digest is that of the arrays in model.safetensors and history.npz, without times: the same training on the same
    machine has the same digest.
    """
    network, history = predictor.Predictor.load(folder / "model.safetensors"), npz.read_arrays(folder / "history.npz")
    tags = {provenance.RESULT: provenance.digest_result(network.params, history)}
    provenance.write(folder, {**dependencies, **tags})
    return tags


def write_summary(folder: Path, run_summary: RunSummary) -> None:
    """Write summary.txt, the text that the run ends with."""
    with atomic.write_file(folder / "summary.txt") as file:
        file.write_text(summary.summary(run_summary) + "\n")
