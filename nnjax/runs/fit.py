"""The training loop of the host: one for a run and for the groups of a sweep."""

import logging
from collections.abc import Callable

from nnjax.runs.checkpoints import Checkpointer, describe_position
from nnjax.runs.progress import Progress
from nnjax.system import signals
from nnjax.training.trainer import Chunk, Trainer

log = logging.getLogger(__name__)


def fit(trainer: Trainer, checkpointer: Checkpointer, how_to_resume: str, *callbacks: Callable[[Chunk], None]) -> None:
    """Train to the end, or until a signal such as Ctrl-C; show the progress, and save the last state.

    Each callback gets every chunk of epochs; the first chunk has the epochs of earlier commands. how_to_resume: what
    the log says after a signal. Raises Interrupted after a signal, and what a callback raises.
    """
    try:
        with Progress(trainer.epochs_limit) as progress, signals.defer() as stop:
            for chunk in trainer.chunks(checkpointer.epochs):
                for callback in (progress.show, *callbacks):
                    callback(chunk)
                checkpointer.maybe_save(trainer)
                if stop.requested:
                    break
            checkpointer.save(trainer)
    except KeyboardInterrupt:
        log.info("interrupted after epoch %s: %s", describe_position(trainer), how_to_resume)
        raise
