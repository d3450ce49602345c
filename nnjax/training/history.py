"""The metrics of all lanes by epoch, on the host: of each epoch, or of so many that memory stays bounded."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int, Shaped


class History:
    """Collect the rows of all epochs, and for each lane those of its best epoch and of its last.

    Args:
        row: (lanes, columns) of the untrained networks, epoch 0.
        min_epochs: between so many and twice as many epochs stay, evenly spaced, beside the newest; None: all.
    """

    def __init__(self, row: Float[np.ndarray, "lanes columns"], min_epochs: int | None = None) -> None:
        self.min_epochs, self.stride = min_epochs, 1
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
        """Add the rows of the epochs from `first` on; best, last: the best and the last epoch of each lane by now."""
        if not rows.shape[1]:
            return
        epochs = first + np.arange(rows.shape[1])
        for lane_rows, at in ((self.best, best), (self.last, last)):
            new = (at >= first) & (at <= epochs[-1])
            lane_rows[new] = rows[new, at[new] - first]
        self.newest = epochs[-1:], rows[:, -1:].copy()
        all_epochs, before = np.concatenate([*self.epochs, epochs]), self.stride
        while self.min_epochs is not None and (all_epochs % self.stride == 0).sum() > 2 * self.min_epochs:
            self.stride *= 2
        if self.stride > before:
            self.rows = [part[:, at % self.stride == 0] for at, part in zip(self.epochs, self.rows, strict=True)]
            self.epochs = [at[at % self.stride == 0] for at in self.epochs]
        chosen = epochs % self.stride == 0
        self.epochs, self.rows = [*self.epochs, epochs[chosen]], [*self.rows, rows[:, chosen]]

    def table(self) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, "lanes k columns"]]:
        """Return the epochs that are kept, the newest among them, and their rows."""
        epochs, rows = list(self.epochs), list(self.rows)
        if self.newest[0][0] % self.stride:
            epochs, rows = [*epochs, self.newest[0]], [*rows, self.newest[1]]
        return np.concatenate(epochs), np.concatenate(rows, axis=1)

    def saved(self) -> dict[str, np.ndarray]:
        """Return all that `restored` needs."""
        epochs, rows = self.table()
        stride = np.array([self.stride])
        return {"epochs": epochs, "rows": rows, "best": self.best, "last": self.last, "stride": stride}

    def restored(self, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> "History":
        """Return the history that was saved. Raise ValueError if it has other lanes or columns than this one."""
        epochs, rows = np.asarray(arrays["epochs"]), np.asarray(arrays["rows"])
        shape = self.best.shape
        shapes = {"rows": (shape[0], len(epochs), shape[1]), "best": shape, "last": shape, "stride": (1,)}
        for name, expected in shapes.items():
            if arrays[name].shape != expected or not len(epochs):
                raise ValueError(f"history.{name} is {arrays[name].shape}, this training's {expected}")
        history = History(rows[:, 0], self.min_epochs)
        history.stride, history.newest = int(arrays["stride"][0]), (epochs[-1:], rows[:, -1:])
        chosen = epochs % history.stride == 0
        history.epochs, history.rows = [epochs[chosen]], [rows[:, chosen]]
        history.best, history.last = np.array(arrays["best"]), np.array(arrays["last"])
        return history
