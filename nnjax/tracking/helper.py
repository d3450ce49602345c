"""A process of ours at work beside this one: in one process Python does one thing at a time.

What it is told and what it answers are lines of JSON. Whatever else it or its libraries print is kept, for the case
that it ends without an answer.
"""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


class Helper:
    """`python -m MODULE`, started at once, in this environment or another."""

    def __init__(self, module: str, environment: Mapping[str, str] = os.environ) -> None:
        package = str(Path(__file__).parents[2])
        paths = os.pathsep.join([package, *filter(None, [environment.get("PYTHONPATH")])])
        self.noise = tempfile.TemporaryFile("w+")  # noqa: SIM115, closed by `end`
        self.process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.noise,
            text=True,
            start_new_session=True,  # Ctrl-C at the terminal is for the training: this one still writes what there is
            env={**environment, "PYTHONPATH": paths},
        )

    @property
    def alive(self) -> bool:
        """Whether it is waiting or at work."""
        return self.process.poll() is None

    def tell(self, facts: Any) -> None:
        """A line to it; if it has ended, `hear` finds that out."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(facts) + "\n")
            self.process.stdin.flush()

    def hear(self) -> Any:
        """Its next line, waited for; None if it has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return json.loads(line) if line.endswith("\n") else None

    def last_words(self) -> str:
        """How it ended."""
        code = self.process.wait()
        self.noise.seek(0)
        said = self.noise.read().strip().splitlines()
        return f"ended with {code}: {said[-1] if said else 'nothing was said'}"

    def end(self) -> None:
        """Ends it here and now, if it hasn't."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.noise):
            with suppress(OSError):  # what it could not be told any more
                stream.close()  # type: ignore[union-attr]


class Asked:
    """The same seen from inside of it: what it is told, line by line, and the way to answer.

    Args:
        survives: whether it goes on once nobody is left to tell it anything; else it ends at that moment.
    """

    def __init__(self, survives: bool) -> None:
        self.answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what libraries print is no answer
        self.survives = survives
        self.lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self) -> None:
        """Takes lines as they come."""
        for line in sys.stdin:
            self.lines.put(line)
        if not self.survives:
            os._exit(0)
        self.lines.put("")

    def __iter__(self) -> Iterator[Any]:
        while line := self.lines.get():
            yield json.loads(line)

    def answer(self, facts: Any) -> None:
        """A line back, though nobody may be there to read it."""
        with suppress(BrokenPipeError):
            print(json.dumps(facts), file=self.answers, flush=True)
