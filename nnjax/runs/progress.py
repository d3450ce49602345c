"""How far a training is: one line that renews itself on a terminal, plain lines elsewhere."""

import logging
import math
import sys
import time

import numpy as np
from tqdm import tqdm

from nnjax.training.trainer import Chunk

log = logging.getLogger(__name__)
LINES = 20  # at the most, where output is plain
SHORT = {  # for one line
    "train/loss": "loss",
    "train/accuracy": "accuracy",
    "train/rmse": "rmse",
    "validation/accuracy": "validation",
    "validation/rmse": "validation",
}
BAR = "{desc} |{bar:6}| {remaining} left{postfix}"


class Progress:
    """Shows chunks as they come; use as a context."""

    def __init__(self, epochs: int) -> None:
        self.epochs, self.started, self.shown, self.latest = epochs, time.perf_counter(), 0.0, ""
        self.first: float | None = None  # where this command began
        self.terminal = sys.stderr.isatty()
        self.bar = tqdm(total=epochs, bar_format=BAR, dynamic_ncols=True, disable=not self.terminal)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *raised: object) -> None:
        self.bar.close()

    def show(self, chunk: Chunk) -> None:
        """Loss and accuracy, or rmse, of the last finished epoch, examples a second, time left."""
        if chunk.rows.shape[1]:
            last = {name: median(chunk.rows[:, -1, i]) for i, name in enumerate(chunk.columns) if name in SHORT}
            there = [name for name in last if name.startswith("train/") or not math.isnan(last[name])]
            of_lanes = f" (median of {len(chunk.rows)} lanes)" if len(chunk.rows) > 1 else ""
            self.latest = ", ".join(f"{SHORT[name]} {last[name]:.4g}" for name in there) + of_lanes
        if self.first is None:
            self.first = self.bar.initial = chunk.epoch
        done = chunk.epoch - self.first
        self.on_terminal(chunk, done) if self.terminal else self.as_line(chunk, done)

    def on_terminal(self, chunk: Chunk, done: float) -> None:
        """Renews the line; done: epochs by this command."""
        self.bar.n = chunk.epoch
        self.bar.set_description_str(f"epoch {int(chunk.epoch)}/{self.epochs}", refresh=False)
        self.bar.set_postfix_str(self.latest + (f", {short(chunk.examples_per_second)}/s" if done else ""))

    def as_line(self, chunk: Chunk, done: float) -> None:
        """A line, if an epoch ended and the last line is long enough ago."""
        due = chunk.epoch in (0, self.epochs) or chunk.epoch - self.shown >= self.epochs / LINES
        if not chunk.rows.shape[1] or not due:
            return
        self.shown = chunk.epoch
        rest = ""
        if done:
            left = (time.perf_counter() - self.started) / done * (self.epochs - chunk.epoch)
            rest = f", {short(chunk.examples_per_second)} examples/s, {left:.0f} s left"
        log.info("%s", f"epoch {int(chunk.epoch)}/{self.epochs}: {self.latest}{rest}")


def median(values: np.ndarray) -> float:
    """The middle of what there is: lanes that have stopped have no value."""
    there = values[np.isfinite(values)]
    return float(np.median(there)) if len(there) else math.nan


def short(number: float) -> str:
    """`95k`, `1.2M`."""
    return f"{number / 1e6:.1f}M" if number >= 1e6 else f"{number / 1e3:.0f}k" if number >= 1e4 else f"{number:.0f}"
