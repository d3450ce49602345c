"""Which process writes to a run folder, and whether it has ended."""

import os
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from nnjax.errors import printable


def current_process() -> dict[str, Any]:
    """Return the host name, the number and the start time of this process."""
    return {"host": platform.node(), "pid": os.getpid(), "started": start_time(os.getpid())}


def has_ended(process: Mapping[str, Any]) -> bool:
    """Return whether a process has ended, as `current_process` described it.

    Return False for a process of another host, since this host cannot know.
    """
    if process["host"] != platform.node():
        return False
    # A process that starts later may get the same number, so the start times are compared.
    return start_time(process["pid"]) != process["started"]


def describe_other_host(process: Mapping[str, Any]) -> str:
    """Return a note that a process runs on another host, "" for a process of this host."""
    return "" if process["host"] == platform.node() else f"RUNNING on {printable(process['host'])}: left as it is"


def start_time(pid: int) -> str:
    """Return when a process started, in the system's own format, or "" if it has ended."""
    with suppress(OSError):
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else fields[18]  # field 22 of proc(5): clock ticks after the boot
    if Path("/proc/self/stat").exists():
        return ""
    with suppress(OSError):  # a system without /proc, such as macOS
        return subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return ""
