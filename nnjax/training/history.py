"""The metrics of all lanes by epoch, on the host: of each epoch, or of some so that memory stays the same."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int, Shaped


class History:
    """Rows as chunks bring them, and for each lane those of its best epoch and of its last.

    Args:
        row: (lanes, columns) of the untrained networks, epoch 0.
        most: between so many and twice as many epochs stay, evenly spaced, beside the newest; None: all.
    """

    def __init__(self, row: Float[np.ndarray, "lanes columns"], most: int | None = None) -> None:
        self.most, self.stride = most, 1
        self.epochs, self.rows = [np.array([0])], [row[:, None]]
        self.newest = self.epochs[0], self.rows[0]
        self.best, self.last = row.copy(), row.copy()

    def add(
        self,
        first: int,
        rows: Float[np.ndarray, "lanes epochs columns"],
        best: Int[np.ndarray, " lanes"],
        last: Int[np.ndarray, " lanes"],
    ) -> None:
        """Adds the rows of the epochs from `first` on; best, last: those epochs of each lane by now."""
        if not rows.shape[1]:
            return
        epochs = first + np.arange(rows.shape[1])
        for kept, at in ((self.best, best), (self.last, last)):
            here = (at >= first) & (at <= epochs[-1])
            kept[here] = rows[here, at[here] - first]
        self.newest = epochs[-1:], rows[:, -1:].copy()
        every, before = np.concatenate([*self.epochs, epochs]), self.stride
        while self.most is not None and (every % self.stride == 0).sum() > 2 * self.most:
            self.stride *= 2
        if self.stride > before:
            self.rows = [part[:, at % self.stride == 0] for at, part in zip(self.epochs, self.rows, strict=True)]
            self.epochs = [at[at % self.stride == 0] for at in self.epochs]
        chosen = epochs % self.stride == 0
        self.epochs, self.rows = [*self.epochs, epochs[chosen]], [*self.rows, rows[:, chosen]]

    def table(self) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, "lanes k columns"]]:
        """The epochs that are there, the newest among them, and their rows."""
        epochs, rows = list(self.epochs), list(self.rows)
        if self.newest[0][0] % self.stride:
            epochs, rows = [*epochs, self.newest[0]], [*rows, self.newest[1]]
        return np.concatenate(epochs), np.concatenate(rows, axis=1)

    def saved(self) -> dict[str, np.ndarray]:
        """All that `restored` needs."""
        epochs, rows = self.table()
        stride = np.array([self.stride])
        return {"epochs": epochs, "rows": rows, "best": self.best, "last": self.last, "stride": stride}

    def restored(self, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> "History":
        """The history that was saved by one of as many lanes and columns; ValueError if it was another."""
        epochs, rows = np.asarray(arrays["epochs"]), np.asarray(arrays["rows"])
        shape = self.best.shape
        wanted = {"rows": (shape[0], len(epochs), shape[1]), "best": shape, "last": shape, "stride": (1,)}
        for name, each in wanted.items():
            if arrays[name].shape != each or not len(epochs):
                raise ValueError(f"history.{name} is {arrays[name].shape}, this training's {each}")
        found = History(rows[:, 0], self.most)
        found.stride, found.newest = int(arrays["stride"][0]), (epochs[-1:], rows[:, -1:])
        chosen = epochs % found.stride == 0
        found.epochs, found.rows = [epochs[chosen]], [rows[:, chosen]]
        found.best, found.last = np.array(arrays["best"]), np.array(arrays["last"])
        return found
