"""Data for a trained network: those that are asked for, else its own, with columns and classes in its order."""

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

CLEARED = {  # setting of data=boolean -> those of the run that say the same another way, or go with these
    "function": ("expression", "table"),
    "expression": ("function", "table", "inputs"),
    "table": ("function", "expression", "inputs"),
}


def read(found: Trained, loss: str, overrides: Sequence[str]) -> Config:
    """The settings of the data: what the overrides name, else the run's own with what they change.

    Raises:
        InputError: they are no settings of data, or none are known.
    """
    for override in overrides:
        check_override(override)
        if not override.lstrip("+").startswith(("data=", "data.")):
            raise InputError(
                f"{override}: the network is trained: only its data can be chosen; allowed: data=..., data.KEY=..."
            )
    own = {key.removeprefix("data."): value for key, value in found.settings.items() if key.startswith("data.")}
    both_files = own.get("name") == "file" and "data=file" in overrides  # which has no data of its own to mean
    named = any(override.startswith("data=") for override in overrides) and not both_files
    if not named and not own:
        raise InputError(f"{found.name}: nothing says which data it was trained on: name some, such as data=mnist")
    composed = compose([f"loss={loss}", *([] if named else [f"data={own['name']}"]), *overrides])
    if not named:
        changed = {override.lstrip("+").partition("=")[0].removeprefix("data.") for override in overrides}
        said = changed & CLEARED.keys() if own["name"] == "boolean" else set()
        cleared = {key for each in said if composed.data[each] is not None for key in CLEARED[each]}
        for key, value in own.items():
            if key not in changed | cleared:
                OmegaConf.update(composed, f"data.{key}", value)
    return validation.to_config(composed, overrides)


def load(found: Trained, settings: Config, overrides: Sequence[str]) -> "Dataset":
    """The data, whose test part is asked for; of a file that is not the run's own all rows, if no part is named.

    Raises:
        InputError: they aren't there.
    """
    from nnjax.data import sources
    from nnjax.data.table import source as file

    source = schema.data_settings(settings)
    if settings.data.name == "file" and settings.data.path is not None:
        check_started_here(found, settings.data.path)
        if settings.data.task == "auto":  # the network says what the target is
            source["task"] = "classification" if found.predictor.metadata.get("classes") else "regression"
        part = any(override.lstrip("+").startswith("data.test_size=") for override in overrides)
        if not part and not own_file(found, settings):
            return file.load_as_test(source["path"], source["target"], source["task"])
    return sources.load(**source)


def check_started_here(found: Trained, path: str) -> None:
    """Raises InputError for a run's own file that is not there, named from the folder that its training began in."""
    place = Path(path).expanduser()
    if path == found.settings.get("data.path") and not place.is_absolute() and not place.exists():
        folder = "relative to the folder the training was started in"
        raise InputError(f"data.path={path}: no such file from here, the run has it {folder}; allowed: data.path=FILE")


def own_file(found: Trained, settings: Config) -> bool:
    """Whether the data are the file that the network was trained on."""
    own, asked = found.settings.get("data.path"), settings.data.path
    return own is not None and os.path.realpath(os.path.expanduser(own)) == os.path.realpath(os.path.expanduser(asked))


def overlap(found: Trained, settings: Config) -> str:
    """What to know where the run's own file is parted otherwise than in training; else empty."""
    if settings.data.name != "file" or not own_file(found, settings):
        return ""
    keys = [key for key in ("seed", "test_size") if getattr(settings.data, key) != found.settings[f"data.{key}"]]
    others = " and ".join(f"data.{key}" for key in keys)
    return f"another {others} than in training: the network has seen some of these rows" if keys else ""


def fitted(network: Predictor, dataset: "Dataset") -> "Split":
    """The test's rows, columns and classes in the network's order.

    Raises:
        InputError: the network doesn't take such inputs, or doesn't tell these classes apart.
    """
    x, y = dataset.test
    x = ordered(network, dataset.name, x, dataset.features)
    takes = tuple(network.metadata["preprocessing"]["shape"])
    if math.prod(takes) != math.prod(x.shape[1:]):
        raise InputError(
            f"data={dataset.name}: the network takes inputs of the shape {takes}, these have {x.shape[1:]}"
        )
    classes = tuple(network.metadata.get("classes") or ())
    known = {*dataset.classes} <= {*classes} and bool(dataset.classes) == bool(classes)
    some = len(dataset.classes) < len(classes)  # a file may have instances of some classes alone
    if not known or (some and not dataset.source.endswith((".csv", ".npz"))):
        told = f"tells {names(classes)} apart" if classes else "predicts a number"
        has = f"have {names(dataset.classes)}" if dataset.classes else "are of a regression"
        raise InputError(f"data={dataset.name}: the network {told}, these data {has}")
    places = np.array([classes.index(each) for each in dataset.classes], int)
    return type(dataset.test)(x, places[y] if classes else y)


def ordered(network: Predictor, name: str, x: NDArray[Any], features: Sequence[str]) -> NDArray[Any]:
    """The columns that the network was trained on, by name, in its order; those of arrays have no names of their own.

    Raises:
        InputError: there is none of that name.
    """
    takes = network.metadata.get("features") or ()
    if not takes or not features or unnamed(takes) or unnamed(features):
        return x
    missing = [each for each in takes if each not in features]
    if missing:
        there = f"the network takes {', '.join(takes)}; there are {', '.join(features)}"
        raise InputError(f"data={name}: has no column {missing[0]}: {there}")
    return x[:, [features.index(each) for each in takes]]


def unnamed(features: Sequence[str]) -> bool:
    """Whether these are x1, x2, ..., which is what columns of an array are called."""
    return list(features) == [f"x{i}" for i in range(1, len(features) + 1)]


def names(classes: Sequence[str]) -> str:
    """`10 classes (0, 1, 2, ...)`."""
    return f"{len(classes)} classes ({', '.join(classes[:3])}{', ...' if len(classes) > 3 else ''})"
