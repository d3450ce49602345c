"""The table of data sources. To add one, write a function and one line here."""

from collections.abc import Callable
from functools import partial
from typing import Any

from nnjax.data.boolean.source import boolean
from nnjax.data.dataset import Dataset
from nnjax.data.mnist.catalog import FASHION_MNIST, MNIST
from nnjax.data.mnist.source import load as load_collection
from nnjax.data.table.source import file
from nnjax.errors import InputError, nearest

SOURCES: dict[str, Callable[..., Dataset]] = {
    "mnist": partial(load_collection, MNIST),
    "fashion_mnist": partial(load_collection, FASHION_MNIST),
    "boolean": boolean,
    "file": file,
}


def load(name: str, **settings: Any) -> Dataset:
    """Return the Dataset of a source.

    name: a key of SOURCES. settings: the config's data.* keys, which are the arguments of the source's function.
    Raises InputError for another name, and what the source raises.
    """
    if name not in SOURCES:
        raise InputError(f"data={name} is not a data source", SOURCES, nearest(name, SOURCES))
    return SOURCES[name](**settings)
