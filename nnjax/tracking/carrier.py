"""The process that brings runs to their stores: `python -m nnjax.tracking.carrier`, as `carried` starts it.

It is told [verb, arguments ...], and answers with the run as soon as there is one, then with what was done or what
failed. It ends with the process that started it, as a thread of that one would.
"""

import gc
import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from nnjax.errors import InputError, StoreError
from nnjax.tracking.delivery import Delivery, catch_up
from nnjax.tracking.helper import Asked

NICE = 5  # where all cores are busy, the training goes first


class Told(Delivery):
    """A delivery whose progress is told to the process that waits for it."""

    asked: Asked

    def progress(self) -> None:
        """Tells it, and which run it is."""
        super().progress()
        self.asked.answer({"where": self.where})


held: dict[str, Told] = {}  # by folder


def load(store: str, environment: Mapping[str, str]) -> None:
    """Imports what a delivery to this store needs; the environment is from now on that of the other process."""
    os.environ.clear()
    os.environ.update(environment)
    from nnjax.tracking import mlflow_client as stores
    from nnjax.tracking import mlflow_model  # noqa: F401

    stores.load(store)


def deliver(folder: str, store: str, fresh: bool) -> dict[str, Any]:
    """Delivers what the store hasn't got, and holds the folder from the first time on."""
    if folder not in held:
        held[folder] = Told(Path(folder), store, fresh)
        held[folder].__enter__()
    done = held[folder].deliver()
    return {"done": done, "known": held[folder].known}


def release(folder: str) -> None:
    """Lets go of the folder."""
    if folder in held:
        held.pop(folder).__exit__()


SILENT: dict[str, Callable[..., None]] = {"load": load, "release": release}  # what fails there ends the process
ANSWERED: dict[str, Callable[..., dict[str, Any]]] = {
    "ready": lambda: {"done": 0},  # once all before is done
    "deliver": deliver,
    "catch_up": lambda folder, store: {"done": catch_up(Path(folder), store)},
}


def packed(error: Exception) -> list[Any]:
    """An error as JSON has it."""
    if isinstance(error, StoreError):
        return ["store", error.store, error.reason, error.busy]
    if isinstance(error, InputError):
        return ["input", str(error)]
    if isinstance(error, OSError):
        return ["files", error.errno, error.strerror, error.filename and str(error.filename)]
    return ["mistake", traceback.format_exc()]


def unpacked(kind: str, *facts: Any) -> Exception:
    """The error again; a mistake of ours is a RuntimeError with the traceback that it had."""
    kinds = {"store": StoreError, "input": InputError, "files": OSError, "mistake": RuntimeError}
    return kinds[kind](*facts)


def main() -> None:
    """Does what it is told, until nobody is left to tell it anything."""
    gc.set_threshold(100_000)  # as in train.main
    os.nice(NICE)
    asked = Told.asked = Asked(survives=False)
    for verb, *arguments in asked:
        if verb in SILENT:
            SILENT[verb](*arguments)
            continue
        try:
            said = ANSWERED[verb](*arguments)
        except Exception as error:
            said = {"failed": packed(error)}
        asked.answer(said)


if __name__ == "__main__":
    main()
