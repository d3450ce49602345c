"""Every command and every snippet of the documentation runs, and prints what stands beside it.

The blocks of a page run in order, in one folder. bash and python are run, text is what the block before it prints,
sh, py and yaml are not run: NOT_RUN says why. What would take minutes is made shorter by SHORTER, and by nothing else.
An HTML comment above a block changes what is expected: <!-- exit: 2 --> its exit code, <!-- prints: words --> words of
its output.
"""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, all_pages, code_blocks

SHORTER = {  # words of a training command -> settings that are added to it
    "": "tracking.figures=false tracking.report=false",  # of all; other tests are about these
    "experiment=mnist_lenet5": "data.source=bundled",
    "experiment=mnist": "data.source=bundled",
    "experiment=xor model.hidden=[1],[2],[3],[4],[8]": "training.epochs=20 lanes.record=table",  # make sweep
    "hydra.sweeper.n_trials=32": "hydra.sweeper.n_trials=16 training.epochs=100",
}
NOT_RUN = {  # page -> why it has blocks that are not run
    "README.md": "clones the repository; starts a server",
    "CONTRIBUTING.md": "runs the tests themselves; make targets of developers",
    "docs/tutorial.md": "starts a server",
    "docs/guides/extend.md": "changes the code: its blocks are in tests of their own",
    "docs/guides/lanes_for_any_script.md": "tests/hydra_lanes/test_docs.py runs its script; a part of a script",
    "docs/guides/track_and_compare.md": "starts a server",
    "docs/guides/use_a_model.md": "starts a server: tests/end_to_end/test_serving.py asks one",
    "docs/reference/commands.md": "changes the shell; the experiments have tests: tests/end_to_end/test_experiments.py",
    "docs/explanation/benchmarks.md": "takes an hour",
}
LONG = {"docs/tutorial.md", "docs/guides/sweeps.md"}  # pages that take over a minute on two cores
TIMEOUT = 300  # seconds for a block
# Numbers of a line with one of these words differ from one run or machine to the next.
VARIES = re.compile(r"seconds|commit|run id|folder|outputs/|examples/s|bit-equal|versions|cores|HYDRA|\.\.\.")
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])")
RUN_ID = re.compile(r"\b[0-9a-f]{32}\b")

SHIM = """\
#!{python}
import json, os, sys
shorter, words = json.loads({shorter!r}), sys.argv[1:]
given = {{word.lstrip("+") for word in words}}
more = [word for has, more in shorter.items() if set(has.split()) <= given for word in more.split()]
place = max([i + 1 for i, word in enumerate(words) if "=" in word and word[0] != "-"], default=None)
words[place:place] = more if place else []
os.execv({python!r}, [{python!r}, "-m", "nnjax.train", *words])
"""
MAKE = """\
#!/bin/sh
# `make` of the clone, with the environment that runs the tests in place of .venv.
exec {make} -s -f {root}/Makefile IN={shims}/in "$@"
"""
IN = """\
#!{python}
# What environment.py does once the environment is there: start Python with the words behind `--`.
import os, sys
words = sys.argv[sys.argv.index("--") + 1 :]
if words[:2] == ["-m", "nnjax.train"]:
    os.execv({train!r}, [{train!r}, *words[2:]])
os.execv({python!r}, [{python!r}, *words])
"""


def write_iris(folder: Path) -> None:
    """Write iris.csv, and new.csv with ten other rows of its kind."""
    from sklearn.datasets import load_iris

    iris = load_iris(as_frame=True)
    table = iris.frame.rename(columns={"target": "species"})
    table["species"] = iris.target_names[table["species"]]
    table.to_csv(folder / "iris.csv", index=False)
    table.iloc[::15].to_csv(folder / "new.csv", index=False)


def write_photo(folder: Path) -> None:
    """Write photo.png: a digit in black on white, as somebody may have drawn it."""
    from PIL import Image

    from nnjax.data import sources

    data = sources.load("mnist", source="bundled")
    digit = data.test.x[list(data.test.y).index(7)]
    Image.fromarray(255 - digit).resize((280, 280)).save(folder / "photo.png")


def write_truth_table(folder: Path) -> None:
    """Write truth_table.csv, the inputs of XOR."""
    (folder / "truth_table.csv").write_text("x1,x2\n0,0\n0,1\n1,0\n1,1\n", encoding="utf-8")


FILES: Mapping[str, tuple[Callable[[Path], None], ...]] = {  # page -> the files that it says it needs
    "docs/tutorial.md": (write_photo,),
    "docs/guides/sweeps.md": (write_truth_table,),
    "docs/guides/use_a_model.md": (write_iris, write_photo),
}


class Reader:
    """Somebody who types what a page says, in a folder of their own.

    Attributes:
        folder: where the blocks run.
        names: placeholder -> what it stands for, from the runs so far: RUN is the last run, RUN2 too, RUN1 the run
            before it, MNIST_RUN the last one on digits, SWEEP the last sweep.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.names = folder, dict[str, str]()
        shims, root = folder / "shims", str(ROOT)
        shims.mkdir(parents=True)
        texts = {
            "nnjax-train": SHIM.format(python=sys.executable, shorter=json.dumps(SHORTER)),
            "make": MAKE.format(make=shutil.which("make"), root=root, shims=shims),
            "in": IN.format(python=sys.executable, train=str(shims / "nnjax-train")),
            "nnjax": f'#!/bin/sh\nexec {sys.executable} -m nnjax "$@"\n',
            "python": f'#!/bin/sh\nexec {sys.executable} "$@"\n',
        }
        for name, text in texts.items():
            (shims / name).write_text(text, encoding="utf-8")
            (shims / name).chmod(0o755)
        (folder / "work" / ".venv" / "bin").mkdir(parents=True)
        (folder / "work" / ".venv" / "bin" / "activate").touch()
        self.environment = os.environ | {"PATH": f"{shims}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": root}

    @property
    def work(self) -> Path:
        """The folder in which the reader works."""
        return self.folder / "work"

    def run(self, block: Block) -> tuple[int, str]:
        """Run a block; return its exit code and all that it printed."""
        text = re.sub(r"\b(MNIST_RUN|RUN[12]?|SWEEP)\b", lambda name: self.names.get(name[0], name[0]), block.text)
        if block.language == "python":
            command = [sys.executable, "-c", text]
        else:
            command = ["bash", "-euo", "pipefail", "-c", text]
        done = subprocess.run(
            command,
            cwd=self.work,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
        )
        self.remember(done.stdout)
        return done.returncode, done.stdout

    def remember(self, output: str) -> None:
        """Remember the runs that a block has made."""
        for line in output.splitlines():
            if found := RUN_ID.search(line):
                kind = "SWEEP" if re.search(r"^lanes ", output, re.MULTILINE) else "RUN"
                if kind == "RUN":
                    self.names["RUN1"] = self.names.get("RUN2", found[0])
                    self.names["RUN2"] = found[0]
                    self.names |= {"MNIST_RUN": found[0]} if "mnist" in output else {}
                self.names[kind] = found[0]


def numbers(line: str) -> list[float]:
    """Return the numbers of a line."""
    return [float(number.replace(",", "")) for number in NUMBER.findall(line)]


def is_in(wanted: list[float], found: list[float]) -> bool:
    """Return whether numbers stand in a row among others, within what another processor may change."""
    return any(
        all(math.isclose(a, b, rel_tol=0.05, abs_tol=0.01) for a, b in zip(wanted, found[i:], strict=False))
        for i in range(len(found) - len(wanted) + 1)
    )


def differing(shown: str, printed: str) -> list[str]:
    """Return the lines of a text block with numbers that were not printed."""
    found = numbers(printed)
    lines = [line for line in shown.splitlines() if numbers(line) and not VARIES.search(line)]
    return [line for line in lines if not is_in(numbers(line), found)]


def pages_that_run() -> list[object]:
    """Return the pages that have blocks to run; the long ones run with `make test-all` alone."""
    pages = [page for page in all_pages() if any(block.language in ("bash", "python") for block in code_blocks(page))]
    kept = [page for page in pages if page not in ("docs/guides/extend.md", "docs/guides/lanes_for_any_script.md")]
    return [pytest.param(page, marks=pytest.mark.slow if page in LONG else pytest.mark.ci) for page in kept]


@pytest.mark.parametrize("page", pages_that_run())
def test_a_page_does_what_it_says(page: str, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for write in FILES.get(page, ()):
        write(reader.work)
    for block in (block for block in code_blocks(page) if block.language in ("bash", "python")):
        code, printed = reader.run(block)
        assert code == int(block.notes.get("exit", "0")), f"{block}: exit code {code}\n{printed}"
        assert block.notes.get("prints", "") in printed, f"{block}\n{printed}"
        assert differing(block.output, printed) == [], f"{block}\n{printed}"


@pytest.mark.parametrize("page", all_pages())
def test_what_is_not_run_has_its_reason(page: str) -> None:
    left_out = [str(block) for block in code_blocks(page) if block.language not in ("bash", "python")]
    assert bool(left_out) == (page in NOT_RUN) or page == "docs/guides/extend.md", left_out


@pytest.mark.parametrize("shown", ["test/accuracy 0.8", "4 lanes", "1 1"])
def test_another_number_is_noticed(shown: str) -> None:
    """The comparison would find a page that is out of date."""
    assert differing(shown, "test/accuracy 0.937, 3 lanes\nof 1 row") == [shown]


@pytest.mark.parametrize("shown", ["test/accuracy 0.937", "0.93700001", "3 lanes of 1", "no number", "42 seconds"])
def test_the_same_number_is_accepted(shown: str) -> None:
    assert differing(shown, "test/accuracy 0.937, 3 lanes\nof 1 row") == []
