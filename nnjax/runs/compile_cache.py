"""The compile cache: compiled programs in a private folder, for later processes that need the same programs."""

import logging
import os
import re
import stat
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax

from nnjax.errors import InputError

log = logging.getLogger(__name__)
DAMAGED = re.compile(r"Error reading persistent compilation cache entry for '([\w.-]+)'")  # jax._src.compiler


def use_cache(folder: str | None) -> None:
    """Keep compiled programs in this folder; for None, or a folder that can't be used, log why and keep none."""
    path = None if folder is None else Path(folder)
    if path is not None:
        try:
            check_private(path)
            show = warnings.showwarning
            warnings.showwarning = CacheRepair(show.show if isinstance(show, CacheRepair) else show, path)
        except (InputError, OSError) as error:
            log.warning("runtime.compile_cache=%s is not used: %s", path, getattr(error, "strerror", None) or error)
            path = None
    jax.config.update("jax_compilation_cache_dir", None if path is None else str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def check_private(folder: Path) -> None:
    """Create the folder for this user alone; raise InputError if others may write to it: its content is executed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InputError(f"others may write to it. Allowed: a folder of your own (chmod go-w {folder}).")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError("it can't be written.")


class CacheRepair:
    """A `warnings.showwarning` that removes damaged entries of the cache, which JAX would never replace."""

    def __init__(self, show: Callable[..., None], folder: Path) -> None:
        self.show, self.folder = show, folder

    def __call__(self, message: Warning | str, *arguments: Any, **options: Any) -> None:
        program = DAMAGED.match(str(message))
        if program is None:
            self.show(message, *arguments, **options)
            return
        for entry in self.folder.glob(f"{program[1]}-*"):
            entry.unlink(missing_ok=True)
        log.warning("a program in the compile cache was damaged, so %s is compiled again", program[1])
