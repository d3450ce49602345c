"""The processes that bring runs to their stores (carrier.py): started early, and used again by the next run."""

import atexit
import os
import threading
from collections.abc import Mapping

from nnjax.tracking.helper import Helper

MODULE = "nnjax.tracking.carrier"
_idle: list[Helper] = []  # started, and at work for nobody
_lock = threading.Lock()


def start(store: str = "") -> None:
    """Has one ready for the next run: it imports mlflow while JAX is imported here, and programs compiled.

    store: its address, once it is known: what a store of this kind needs besides is imported too.
    """
    with _lock:
        if ready := [helper for helper in _idle if helper.alive]:
            _prepare(ready[-1], store, dict(os.environ))
        else:
            _idle.append(_new(store, dict(os.environ)))


def take(store: str, environment: Mapping[str, str]) -> Helper:
    """An idle one, else a new one; it gets this environment."""
    with _lock:
        while _idle:
            helper = _idle.pop()
            if helper.alive:
                _prepare(helper, store, environment)
                return helper
            forget(helper)
    return _new(store, environment)


def give_back(helper: Helper) -> None:
    """It has nothing more to do."""
    with _lock:
        _idle.append(helper)


def forget(helper: Helper) -> None:
    """It has ended."""
    helper.end()
    atexit.unregister(helper.end)


def _new(store: str, environment: Mapping[str, str]) -> Helper:
    helper = Helper(MODULE, environment)
    atexit.register(helper.end)
    _prepare(helper, store, environment)
    return helper


def _prepare(helper: Helper, store: str, environment: Mapping[str, str]) -> None:
    helper.tell(["load", store, environment])
