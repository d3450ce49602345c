"""The README's pictures of MLflow's user interface: runs, a run, its report, a comparison.

python -m experiments.screenshots [FOLDER]     docs/ if none is given; 2 minutes on 2 cores; needs Chromium, no network
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from experiments import browser
from nnjax.tracking import mlflow_client

DOCS = Path(__file__).parents[1] / "docs"
DIGITS = "data.source=bundled"
TRAINED = (  # on the same digits, so that they are one table
    ("+experiment=softmax", DIGITS),
    ("+experiment=mnist", DIGITS),
    ("+experiment=mnist", DIGITS, "model.hidden=[64]"),
    ("+experiment=mnist", DIGITS, "model.hidden=[64]", "optimizer.learning_rate=0.01"),
    (
        "-m",
        "+sweep=lanes",
        "+experiment=mnist",
        DIGITS,
        "model.hidden=[32]",
        "optimizer.learning_rate=0.001,0.01",
        "seed=0,1",
    ),
)
COLOURS = 256  # a picture of text needs no more


def train(folder: Path) -> None:
    """Trains all of them, recorded in a folder of their own."""
    for words in TRAINED:
        print("python -m nnjax.train", *words, flush=True)
        subprocess.run([sys.executable, "-m", "nnjax.train", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def pages(page: Any, address: str, runs: list[mlflow_client.Found], experiment: str) -> Iterator[tuple[str, int]]:
    """Opens one page after another; what each is called, and how many pixels of it there is something to see."""
    alone = [run for run in runs if not run.parent and "swept" not in run.tags]
    browser.runs(page, address, experiment)
    browser.unfold(page)
    yield "ui_runs", 560
    browser.run(page, address, experiment, alone[0].id)
    yield "ui_run", browser.SIZE["height"]
    browser.artifact(page, address, experiment, alone[0].id, "report.html", "What ran")
    yield "ui_report", browser.SIZE["height"]
    browser.compare(page, address, experiment, [run.id for run in alone[:3]])
    yield "ui_compare", browser.SIZE["height"]


def photograph(page: Any, file: Path, height: int) -> None:
    """Writes the upper part of what the page shows, in few bytes."""
    page.screenshot(path=str(file), clip={"x": 0, "y": 0, "width": browser.SIZE["width"], "height": height})
    with Image.open(file) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)
    print(file, f"{file.stat().st_size / 1000:.0f} kB")


def main(folder: Path) -> None:
    """Trains, serves, looks."""
    if reason := browser.missing():
        raise SystemExit(f"error: {reason}")
    with TemporaryDirectory() as name:
        train(Path(name))
        runs = mlflow_client.search(None, Path(name), "mnist_5k")
        with browser.served(Path(name)) as address, browser.opened(address) as page:
            for each, height in pages(page, address, runs, "1"):
                photograph(page, folder / f"{each}.png", height)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else DOCS)
