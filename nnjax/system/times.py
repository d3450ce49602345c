"""Where a run's seconds go, part by part."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

# The start of the process. Exact if this one thread has worked without a pause until here.
PROCESS_BEGAN = time.perf_counter() - time.process_time()
MOMENTS = ("first_step", "total")  # counted from the start of the command; all else is a part of the total


class Times:
    """Seconds of each part of a run: `with times.part("figures")`, or `times.add` for seconds measured elsewhere."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.seconds: dict[str, float] = {}

    @classmethod
    def of_process(cls, imported: float) -> "Times":
        """Return times that count from the start of this process.

        imported: the moment (time.perf_counter) when the imports that every command needs were done.
        """
        times = cls()
        times.began = PROCESS_BEGAN
        times.add("import", imported - PROCESS_BEGAN)
        return times

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the seconds of the body to a part, also if the body fails."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        """Add seconds to a part."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def add_rest(self, name: str) -> None:
        """Add to a part the seconds since the start that no part has counted."""
        counted = sum(seconds for part, seconds in self.seconds.items() if part not in MOMENTS)
        self.add(name, time.perf_counter() - self.began - counted)

    def mark(self, moment: str) -> None:
        """Record the seconds from the start to the first time that a moment is marked."""
        self.seconds.setdefault(moment, time.perf_counter() - self.began)

    def metrics(self) -> dict[str, float]:
        """Return the seconds by the names of their metrics, `time/PART_seconds`."""
        return {f"time/{part}_seconds": seconds for part, seconds in self.seconds.items()}
