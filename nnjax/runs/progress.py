"""The progress of a training: one line that is updated on a terminal, or separate log lines elsewhere."""

import logging
import math
import sys
import time

import numpy as np
from tqdm import tqdm

from nnjax.training.trainer import Chunk

log = logging.getLogger(__name__)
MAX_LINES = 20  # of the log
LABELS = {  # metric -> its name in the line
    "train/loss": "loss",
    "train/accuracy": "accuracy",
    "train/rmse": "rmse",
    "validation/accuracy": "validation",
    "validation/rmse": "validation",
}
BAR = "{desc} |{bar:6}| {remaining} left{postfix}"


class Progress:
    """Shows each chunk of epochs; a context manager, which closes the line."""

    def __init__(self, epochs: int) -> None:
        self.epochs, self.started, self.logged_epoch, self.metrics = epochs, time.perf_counter(), 0.0, ""
        self.first_epoch: float | None = None  # the epoch from which this command continued
        self.terminal = sys.stderr.isatty()
        self.bar = tqdm(total=epochs, bar_format=BAR, dynamic_ncols=True, disable=not self.terminal)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *raised: object) -> None:
        self.bar.close()

    def show(self, chunk: Chunk) -> None:
        """Show loss and accuracy, or rmse, of the last finished epoch, examples per second, and the time left."""
        if chunk.rows.shape[1]:
            last = {name: finite_median(chunk.rows[:, -1, i]) for i, name in enumerate(chunk.columns) if name in LABELS}
            measured = [name for name in last if name.startswith("train/") or not math.isnan(last[name])]
            lanes = f" (median of {len(chunk.rows)} lanes)" if len(chunk.rows) > 1 else ""
            self.metrics = ", ".join(f"{LABELS[name]} {last[name]:.4g}" for name in measured) + lanes
        if self.first_epoch is None:
            self.first_epoch = self.bar.initial = chunk.epoch
        done = chunk.epoch - self.first_epoch
        self.update_line(chunk, done) if self.terminal else self.log_line(chunk, done)

    def update_line(self, chunk: Chunk, done: float) -> None:
        """Update the line on the terminal; done: epochs that this command has trained."""
        self.bar.n = chunk.epoch
        self.bar.set_description_str(f"epoch {int(chunk.epoch)}/{self.epochs}", refresh=False)
        self.bar.set_postfix_str(self.metrics + (f", {format_count(chunk.examples_per_second)}/s" if done else ""))

    def log_line(self, chunk: Chunk, done: float) -> None:
        """Log a line if an epoch ended and enough epochs have passed since the last line; done: as above."""
        due = chunk.epoch in (0, self.epochs) or chunk.epoch - self.logged_epoch >= self.epochs / MAX_LINES
        if not chunk.rows.shape[1] or not due:
            return
        self.logged_epoch = chunk.epoch
        speed = ""
        if done:
            seconds = (time.perf_counter() - self.started) / done * (self.epochs - chunk.epoch)
            speed = f", {format_count(chunk.examples_per_second)} examples/s, {seconds:.0f} s left"
        log.info("epoch %d/%d: %s%s", chunk.epoch, self.epochs, self.metrics, speed)


def finite_median(values: np.ndarray) -> float:
    """Return the median over lanes (lanes,) without those that have stopped, which have no value; nan without any."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else math.nan


def format_count(number: float) -> str:
    """Return a number in a few characters, such as `95k` or `1.2M`."""
    return f"{number / 1e6:.1f}M" if number >= 1e6 else f"{number / 1e3:.0f}k" if number >= 1e4 else f"{number:.0f}"
