"""The test data for a trained network: named by overrides, or its own, with columns and classes in its order."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from nnjax.config import schema, validation
from nnjax.config.composition import compose
from nnjax.config.overrides import check_override
from nnjax.config.schema import Config
from nnjax.errors import InputError
from nnjax.inference.predictor import Predictor
from nnjax.runs.load import Trained

if TYPE_CHECKING:
    from nnjax.data.dataset import Dataset, Split

EXCLUDES = {  # setting of data=boolean -> settings that it replaces: they name the function in another way
    "function": ("expression", "table"),
    "expression": ("function", "table", "inputs"),
    "table": ("function", "expression", "inputs"),
}


def compose_config(trained: Trained, loss: str, overrides: Sequence[str]) -> Config:
    """Return a configuration whose data settings are those of the run, changed by the overrides.

    If the overrides choose another source, as data=mnist does, the run's own data settings are left out. Raises
    InputError for overrides of anything but data, and if neither the run nor the overrides name the data.
    """
    for override in overrides:
        check_override(override)
        if not override.lstrip("+").startswith(("data=", "data.")):
            raise InputError(f"{override} is not a setting of the data. Allowed: data=..., data.KEY=...")
    own = {key.removeprefix("data."): value for key, value in trained.settings.items() if key.startswith("data.")}
    both_files = own.get("name") == "file" and "data=file" in overrides  # data=file alone names no other data
    other_source = any(override.startswith("data=") for override in overrides) and not both_files
    if not other_source and not own:
        raise InputError(f"{trained.name} does not record which data it was trained on. Allowed: data=mnist, ...")
    composed = compose([f"loss={loss}", *([] if other_source else [f"data={own['name']}"]), *overrides])
    if not other_source:
        changed = {override.lstrip("+").partition("=")[0].removeprefix("data.") for override in overrides}
        functions = changed & EXCLUDES.keys() if own["name"] == "boolean" else set()
        excluded = {key for name in functions if composed.data[name] is not None for key in EXCLUDES[name]}
        for key, value in own.items():
            if key not in changed | excluded:
                OmegaConf.update(composed, f"data.{key}", value)
    return validation.to_config(composed, overrides)


def load_dataset(trained: Trained, config: Config, overrides: Sequence[str]) -> "Dataset":
    """Return the dataset; of a file other than the run's own all rows are the test, unless data.test_size is given.

    Raises InputError if the data can't be loaded.
    """
    from nnjax.data import sources
    from nnjax.data.table import source as file

    source = schema.data_settings(config)
    if config.data.name == "file" and config.data.path is not None:
        check_relative_path(trained, config.data.path)
        if config.data.task == "auto":  # the network determines the task
            source["task"] = "classification" if trained.predictor.metadata.get("classes") else "regression"
        splits = any(override.lstrip("+").startswith("data.test_size=") for override in overrides)
        if not splits and not is_training_file(trained, config):
            return file.load_as_test(source["path"], source["target"], source["task"])
    return sources.load(**source)


def check_relative_path(trained: Trained, path: str) -> None:
    """Raise InputError if the run's own file has a relative path and is not below the current folder."""
    place = Path(path).expanduser()
    if path == trained.settings.get("data.path") and not place.is_absolute() and not place.exists():
        raise InputError(
            f"data.path={path} is not in this folder: it is relative to the folder in which the training was started. "
            "Allowed: data.path=FILE, or the same command in that folder."
        )


def is_training_file(trained: Trained, config: Config) -> bool:
    """Return whether the data are the file that the network was trained on."""
    own, path = trained.settings.get("data.path"), config.data.path
    return own is not None and os.path.realpath(os.path.expanduser(own)) == os.path.realpath(os.path.expanduser(path))


def overlap_warning(trained: Trained, config: Config) -> str:
    """Return a warning if the run's own file is split otherwise than in training, else an empty text."""
    if config.data.name != "file" or not is_training_file(trained, config):
        return ""
    keys = [key for key in ("seed", "test_size") if getattr(config.data, key) != trained.settings[f"data.{key}"]]
    others = " and ".join(f"data.{key}" for key in keys)
    return f"another {others} than in training: the network was trained on some of these rows" if keys else ""


def align_test_rows(network: Predictor, dataset: "Dataset") -> "Split":
    """Return the test rows with columns and class indices in the network's order.

    Raises InputError if the network takes other inputs, or has other classes.
    """
    x, y = dataset.test
    x = align_columns(network, dataset.name, x, dataset.features)
    shape = tuple(network.metadata["preprocessing"]["shape"])
    if math.prod(shape) != math.prod(x.shape[1:]):
        raise InputError(
            f"data={dataset.name} has inputs of the shape {x.shape[1:]}. Allowed: the network's shape {shape}."
        )
    classes = tuple(network.metadata.get("classes") or ())
    known = {*dataset.classes} <= {*classes} and bool(dataset.classes) == bool(classes)
    some = len(dataset.classes) < len(classes)  # a file may have instances of some classes alone
    if not known or (some and not dataset.source.endswith((".csv", ".npz"))):
        raise InputError(
            f"data={dataset.name} has {describe_target(dataset.classes)}. "
            f"Allowed: the network's target, {describe_target(classes)}."
        )
    class_indices = np.array([classes.index(name) for name in dataset.classes], int)
    return type(dataset.test)(x, class_indices[y] if classes else y)


def align_columns(network: Predictor, name: str, x: NDArray[Any], features: Sequence[str]) -> NDArray[Any]:
    """Return the columns of x (n, columns) that the network was trained on, found by name, in its order.

    Columns without names of their own, as those of arrays, stay as they are. Raises InputError for a missing column.
    """
    trained_features = network.metadata.get("features") or ()
    if not trained_features or not features or are_numbered(trained_features) or are_numbered(features):
        return x
    missing = [feature for feature in trained_features if feature not in features]
    if missing:
        raise InputError(
            f"data={name} has no column {missing[0]}; its columns are {', '.join(features)}. "
            f"Allowed: the network's columns {', '.join(trained_features)}."
        )
    return x[:, [features.index(feature) for feature in trained_features]]


def are_numbered(features: Sequence[str]) -> bool:
    """Return whether features are x1, x2, ..., the names that columns of an array get."""
    return list(features) == [f"x{i}" for i in range(1, len(features) + 1)]


def describe_target(classes: Sequence[str]) -> str:
    """Return `10 classes (0, 1, 2, ...)`, or `numbers` for a regression."""
    if not classes:
        return "numbers"
    return f"{len(classes)} classes ({', '.join(classes[:3])}{', ...' if len(classes) > 3 else ''})"
