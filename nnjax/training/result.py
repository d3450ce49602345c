"""What a finished training is, network by network, as NumPy arrays."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from nnjax.training.batches import Split
from nnjax.training.metrics import decimal
from nnjax.training.train_state import BY_LAYER
from nnjax.training.trainer import Trainer


class TrainingResult(NamedTuple):
    """A finished training of one network.

    Attributes:
        params: (Theta (n_out, n_in), b (n_out,)) of each layer, of a convolution (maps_out, maps_in, size, size).
        history: metric -> (epochs + 1,), row e after epoch e, nan if not measured; a long sweep has fewer rows.
        metrics: metric -> its `decimal` for `params`, if finite; also of the test, without norms of single layers.
        test: metric -> `decimal` for `params` on the test part.
        stopped: why it ended (L37).
        epochs: how many were finished; for a diverged network the last in which all numbers were finite.
        updates: how many were made.
        best_epoch: the epoch of the lowest validation loss, None without validation data.
        kept_epoch: the epoch of `params`.
        examples_per_second: while training, over all lanes together.
    """

    params: tuple[tuple[np.ndarray, np.ndarray], ...]
    history: Mapping[str, np.ndarray]
    metrics: Mapping[str, float]
    test: Mapping[str, float]
    stopped: str
    epochs: int
    updates: int
    best_epoch: int | None
    kept_epoch: int
    examples_per_second: float

    def metric_at(self, metric: str, epoch: int) -> float:
        """Return a metric after an epoch, as `decimal`; nan if it was not measured."""
        return decimal(metric, self.history[metric][epoch]) if metric in self.history else np.nan


def lane_results(trainer: Trainer, keep: str, test: Split) -> Iterator[TrainingResult]:
    """Yield the result of each lane, evaluated once on the test part.

    keep: `best`, the parameters of the lowest validation loss, or `last`. A network diverged where its training did, or
    where its loss on the test part is not finite.
    """
    evaluated = trainer.evaluate(keep, test)
    test_metrics = trainer.metrics_of_split("test", *evaluated, np.asarray(test.y))
    has_validation = len(trainer.targets["validation"]) > 0
    keeps_best = keep == "best" and has_validation
    final = trainer.metrics_of_params("best" if keeps_best else "last")
    params, history, epochs = trainer.params(keep), trainer.history(), trainer.history_epochs()
    speed = trainer.examples / max(trainer.train_seconds, 1e-9)
    stopped, last_epochs, best_epochs = trainer.stopped, trainer.epochs.tolist(), trainer.best_epoch.tolist()
    for lane in range(trainer.lanes):
        diverged = stopped[lane] == "diverged" or not np.isfinite(evaluated.loss[lane])
        rows = epochs <= last_epochs[lane]
        last = last_epochs[lane] - (stopped[lane] == "diverged")
        tested = {name: decimal(name, values[lane]) for name, values in test_metrics.items()}
        measured = {
            name: decimal(name, values[lane]) for name, values in final.items() if not name.startswith(BY_LAYER)
        }
        yield TrainingResult(
            params=tuple((np.asarray(layer.Theta[lane]), np.asarray(layer.b[lane])) for layer in params),
            history={name: values[lane, rows] for name, values in history.items()},
            metrics={name: value for name, value in (measured | tested).items() if np.isfinite(value)},
            test=tested,
            stopped="diverged" if diverged else stopped[lane],
            epochs=last,
            updates=last * trainer.per_epoch,
            best_epoch=best_epochs[lane] if has_validation else None,
            kept_epoch=best_epochs[lane] if keeps_best else last,
            examples_per_second=speed,
        )
