"""Files that are complete or absent, even if the process is killed or the disk fills up while they are written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def write_file(path: Path) -> Iterator[Path]:
    """Yield another path with the same suffix to write to, and rename that file to `path` at the end.

    After an error the unfinished file is removed and `path` is as it was before. Raises what the body raises, and
    OSError where the file cannot be renamed.
    """
    unfinished = path.with_name(f"{path.stem}.part{path.suffix}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
