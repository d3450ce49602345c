"""What a training came to, one network after the other, as NumPy arrays."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from nnjax.training.batches import Split
from nnjax.training.train_state import BY_LAYER
from nnjax.training.trainer import Trainer


class TrainingResult(NamedTuple):
    """A finished training of one network.

    Attributes:
        params: (Theta (n_out, n_in), b (n_out,)) of each layer, of a convolution (maps_out, maps_in, size, size).
        history: metric -> (epochs + 1,), row e after epoch e, nan where not measured; of a long sweep fewer rows.
        metrics: metric -> its finite value for `params`, those of the test among them; no norms of single layers.
        test: metric -> value, of `params` on the test part.
        stopped: why it ended (L37).
        epochs: how many were finished; of a diverged network the last one in which all was finite.
        updates: how many were made.
        best_epoch: that of the lowest validation loss, None without validation data.
        kept_epoch: that of `params`.
        examples_per_second: while training, of all lanes together.
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


def lane_results(trainer: Trainer, keep: str, test: Split) -> Iterator[TrainingResult]:
    """Yield the result of each lane, evaluated once on the test part.

    keep: `best`, the parameters of the lowest validation loss, or `last`. A network diverged where its training did, or
    where its loss on the test part is not finite.
    """
    evaluated = trainer.evaluate(keep, test)
    tested = trainer.named("test", *evaluated, np.asarray(test.y))
    validated = len(trainer.targets["validation"]) > 0
    keeps_best = keep == "best" and validated
    final = trainer.measured("best" if keeps_best else "last")
    params, history, epochs = trainer.params(keep), trainer.history(), trainer.history_epochs()
    speed = trainer.examples / max(trainer.train_seconds, 1e-9)
    stopped, last_epochs, best_epochs = trainer.stopped, trainer.epochs.tolist(), trainer.best_epoch.tolist()
    for lane in range(trainer.lanes):
        diverged = stopped[lane] == "diverged" or not np.isfinite(evaluated.loss[lane])
        rows = epochs <= last_epochs[lane]
        last = last_epochs[lane] - (stopped[lane] == "diverged")
        measured = {name: float(values[lane]) for name, values in final.items() if not name.startswith(BY_LAYER)}
        measured |= {name: float(values[lane]) for name, values in tested.items()}
        yield TrainingResult(
            params=tuple((np.asarray(layer.Theta[lane]), np.asarray(layer.b[lane])) for layer in params),
            history={name: values[lane, rows] for name, values in history.items()},
            metrics={name: value for name, value in measured.items() if np.isfinite(value)},
            test={name: float(values[lane]) for name, values in tested.items()},
            stopped="diverged" if diverged else stopped[lane],
            epochs=last,
            updates=last * trainer.per_epoch,
            best_epoch=best_epochs[lane] if validated else None,
            kept_epoch=best_epochs[lane] if keeps_best else last,
            examples_per_second=speed,
        )
