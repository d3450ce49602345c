"""Files that are there whole or not at all, whoever is killed or finds the disk full while writing them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def file(path: Path) -> Iterator[Path]:
    """Another name to write to, with the same suffix; then the file gets its own, or after an error is removed."""
    unfinished = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
