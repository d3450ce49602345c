"""How far a training is: one line that renews itself on a terminal, plain lines elsewhere."""

import logging
import math
import sys
import time

from tqdm import tqdm

from nnjax.training.loop import Chunk
from nnjax.training.programs import COLUMNS

log = logging.getLogger(__name__)
LINES = 20  # at the most, where output is plain


class Progress:
    """Shows chunks as they come; use as a context."""

    def __init__(self, epochs: int) -> None:
        self.epochs, self.started, self.shown = epochs, time.perf_counter(), 0.0
        terminal = sys.stderr.isatty()
        self.bar = tqdm(
            total=epochs, unit="epoch", bar_format=BAR, dynamic_ncols=True, leave=True, disable=not terminal
        )
        self.latest = ""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *raised: object) -> None:
        self.bar.close()

    def show(self, chunk: Chunk) -> None:
        """Loss and accuracy of the last finished epoch, examples a second, time left."""
        if chunk.rows.shape[1]:
            last = dict(zip(COLUMNS, chunk.rows[0, -1], strict=True))
            there = [name for name in SHOWN if name.startswith("train/") or not math.isnan(last[name])]
            self.latest = ", ".join(f"{name} {last[name]:.4g}" for name in there)
        speed = f"{chunk.examples_per_second:,.0f} examples/s" if chunk.epoch else ""
        if not self.bar.disable:
            self.bar.n = min(chunk.epoch, self.epochs)
            self.bar.set_postfix_str(f"{self.latest}, {speed}" if speed else self.latest)
        elif chunk.rows.shape[1] and (
            chunk.epoch - self.shown >= self.epochs / LINES or chunk.epoch in (0, self.epochs)
        ):
            self.shown = chunk.epoch
            log.info("%s", f"epoch {int(chunk.epoch)}/{self.epochs}: {self.latest}{self.rest(chunk, speed)}")

    def rest(self, chunk: Chunk, speed: str) -> str:
        """Speed and time left, once both are known."""
        if not chunk.epoch:
            return ""
        left = (time.perf_counter() - self.started) / chunk.epoch * (self.epochs - chunk.epoch)
        return f", {speed}, {left:.0f} s left"


SHOWN = ("train/loss", "train/accuracy", "validation/loss", "validation/accuracy")
BAR = "epoch {n:.1f}/{total} |{bar:20}| {remaining} left, {postfix}"
