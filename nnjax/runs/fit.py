"""The training loop of the host: one for a run and for the groups of a sweep."""

from collections.abc import Callable

from nnjax.runs.checkpoints import Checkpointer
from nnjax.system import signals
from nnjax.training.trainer import Chunk, Trainer


def fit(trainer: Trainer, checkpointer: Checkpointer, *callbacks: Callable[[Chunk], None]) -> None:
    """Train to the end, or until a signal asks for it, and save the last state.

    Each callback gets every chunk; the first chunk is what was trained before. Raises Interrupted after a signal, and
    what a callback raises.
    """
    with signals.caught() as stop:
        for chunk in trainer.chunks(checkpointer.epochs):
            for callback in callbacks:
                callback(chunk)
            checkpointer.maybe_save(trainer)
            if stop.requested:
                break
        checkpointer.save(trainer)
