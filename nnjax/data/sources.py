"""The table of data sources by name: adding one is one function and one line here."""

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from typing import Any

from nnjax.data.boolean.source import boolean
from nnjax.data.dataset import Dataset
from nnjax.data.mnist.catalog import FASHION_MNIST, MNIST
from nnjax.data.mnist.source import load as load_collection
from nnjax.data.table.source import file
from nnjax.errors import InputError

SOURCES: dict[str, Callable[..., Dataset]] = {
    "mnist": partial(load_collection, MNIST),
    "fashion_mnist": partial(load_collection, FASHION_MNIST),
    "boolean": boolean,
    "file": file,
}


def load(name: str, **settings: Any) -> Dataset:
    """Return the Dataset of a source in SOURCES; `settings` are the config's data.* keys that it takes.

    mnist, fashion_mnist: source, mirror, directory, seed, train_size, validation_size; boolean and file: what
    their functions take.
    Raises InputError for a name that is not there and for whatever the source objects to.
    """
    if name not in SOURCES:
        near = get_close_matches(name, SOURCES, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise InputError(f"data={name}: no such data source; allowed are {', '.join(SOURCES)}{hint}")
    return SOURCES[name](**settings)
