"""Which process writes to a run folder, and whether it is gone."""

import os
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nnjax.errors import printable


def this() -> dict[str, Any]:
    """This process: host name, number, and when it started."""
    return {"host": platform.node(), "pid": os.getpid(), "started": started(os.getpid())}


def gone(process: Mapping[str, Any]) -> bool:
    """Whether a process of this host has ended; of another host nobody here knows, so False."""
    if process["host"] != platform.node():
        return False
    return started(process["pid"]) != process["started"]  # numbers are given again, to processes that start later


def elsewhere(process: Mapping[str, Any]) -> str:
    """In words that nobody here knows whether a process has ended, "" of one of this host."""
    return "" if process["host"] == platform.node() else f"left RUNNING by {printable(process['host'])}: not touched"


def started(pid: int) -> str:
    """When a process started, in the system's own words; empty if there is no such process, or only its remains."""
    with suppress(OSError):
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else fields[18]  # field 22 of proc(5): clock ticks after the boot
    if Path("/proc/self/stat").exists():
        return ""
    with suppress(OSError):  # no Linux
        return subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return ""
