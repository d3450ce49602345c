"""A delivery by another process: mlflow's imports are seconds of Python, in which nothing else would run here."""

import os
from pathlib import Path
from typing import Any

from nnjax.tracking import carriers
from nnjax.tracking.carrier import unpacked
from nnjax.tracking.delivery import Delivery, store_of
from nnjax.tracking.helper import Helper
from nnjax.tracking.store_uri import refused


class Carried(Delivery):
    """A `Delivery` whose work another process does, which holds the folder meanwhile.

    Should that one die, the next call has another.
    """

    def __init__(self, folder: Path, uri: str | None = None, fresh: bool = False) -> None:
        super().__init__(folder, uri, fresh)
        self.helper: Helper | None = None
        self.environment = dict(os.environ)  # here, as the threads that deliver can't tell when another one changes it

    def __enter__(self) -> "Carried":
        return self

    def __exit__(self, *_: object) -> None:
        helper, self.helper = self.helper, None
        if helper is not None:
            helper.tell(["release", str(self.folder)])
            carriers.give_back(helper)

    def load(self) -> None:
        """Waits until the process has imported what the store needs."""
        self.ask("ready")

    def deliver(self) -> int:
        """As `Delivery.deliver`."""
        fresh, self.fresh = self.fresh, False
        return int(self.ask("deliver", str(self.folder), self.store, fresh))

    def catch_up(self, folder: Path) -> str:
        """As `Delivery.catch_up`."""
        return str(self.ask("catch_up", str(folder), store_of(folder)))

    def ask(self, verb: str, *arguments: Any) -> Any:
        """What the process has done; raises what it failed with."""
        self.helper = self.helper or carriers.take(self.store, self.environment)
        self.helper.tell([verb, *arguments])
        while (said := self.helper.hear()) is not None:
            if "failed" in said:
                raise unpacked(*said["failed"])
            if "done" in said:
                self.known = said.get("known", self.known)
                return said["done"]
            self.progress()
            self.where = said["where"] and tuple(said["where"])
        words, helper, self.helper = self.helper.last_words(), self.helper, None
        carriers.forget(helper)
        raise refused(self.store, f"the process that writes to it {words}", busy=True)
