"""Where a run's seconds go, part by part."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

PROCESS_BEGAN = (
    time.perf_counter() - time.process_time()
)  # as exact as one thread has worked without a pause until here
MOMENTS = ("first_step", "total")  # counted from the command on; everything else is a part of the total


class Times:
    """Seconds by part: `with times.part("figures")`, or `times.add` where they are measured elsewhere."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.seconds: dict[str, float] = {}

    @classmethod
    def of_process(cls, imported: float) -> "Times":
        """Count from the start of this process on.

        imported: the moment (time.perf_counter) when the imports were done that every command needs.
        """
        times = cls()
        times.began = PROCESS_BEGAN
        times.add("import", imported - PROCESS_BEGAN)
        return times

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Counts the body; of a part that comes again the sum, of one that fails too."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        """Counts so many seconds more."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def rest(self, name: str) -> None:
        """Counts what has passed since the command and is no other part's yet."""
        counted = sum(seconds for part, seconds in self.seconds.items() if part not in MOMENTS)
        self.add(name, time.perf_counter() - self.began - counted)

    def reached(self, moment: str) -> None:
        """Remembers when a moment came for the first time."""
        self.seconds.setdefault(moment, time.perf_counter() - self.began)

    def metrics(self) -> dict[str, float]:
        """`time/PART_seconds` by their metrics' names."""
        return {f"time/{part}_seconds": seconds for part, seconds in self.seconds.items()}
