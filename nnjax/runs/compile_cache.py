"""Compiled programs are kept in a private folder, where the next process that needs them finds them."""

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


def use(folder: str | None) -> None:
    """Keeps programs there from now on; None, or a folder that won't do: compiles each anew, and says why."""
    path = None if folder is None else Path(folder)
    if path is not None:
        try:
            check_private(path)
            shown = warnings.showwarning
            warnings.showwarning = Mender(shown.show if isinstance(shown, Mender) else shown, path)
        except (InputError, OSError) as error:
            log.warning("runtime.compile_cache=%s: not used: %s", path, getattr(error, "strerror", None) or error)
            path = None
    jax.config.update("jax_compilation_cache_dir", None if path is None else str(path))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def check_private(folder: Path) -> None:
    """Makes the folder for us alone; InputError where others may write to it, since what lies there is executed."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    there = folder.stat()
    if there.st_uid != os.getuid() or there.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise InputError(f"others may write to it; allowed: a folder of your own (chmod go-w {folder})")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError("it can't be written")


class Mender:
    """A `warnings.showwarning` that removes the entries that JAX can't read: it would never replace them itself."""

    def __init__(self, show: Callable[..., None], folder: Path) -> None:
        self.show, self.folder = show, folder

    def __call__(self, message: Warning | str, *where: Any, **also: Any) -> None:
        program = DAMAGED.match(str(message))
        if program is None:
            self.show(message, *where, **also)
            return
        for entry in self.folder.glob(f"{program[1]}-*"):
            entry.unlink(missing_ok=True)
        log.warning("a program in the compile cache was damaged: %s is compiled again", program[1])
