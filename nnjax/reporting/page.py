"""HTML pages from templates. Nothing else writes HTML, so that all text from outside is escaped."""

import base64
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nnjax.config.lanes import format_override
from nnjax.reporting import text
from nnjax.system import atomic

TEMPLATES = Path(__file__).parent / "templates"
CAPTIONS = {  # name of a figure's file -> its title and its caption, in the order of a page
    "bands": ("Curves of all lanes", "Loss and accuracy over the epochs. The title says what lines and areas show."),
    "heat_map": ("Map over two settings", "Each cell is the mean of its lanes. The two settings matter most."),
    "leaderboard": (
        "Leaderboard",
        "The best lanes are listed. Beside them, a histogram shows the metric of all lanes.",
    ),
    "learning_curves": ("Learning curves", "Loss and accuracy (or error) over the epochs. The star is the test."),
    "norms": ("Norms by layer", "How large each layer's parameters and gradients are over the epochs."),
    "predicted_over_true": ("Predicted over true", "Each point is a test example. On the diagonal it is right."),
    "confusion_matrix": ("Confusion matrix", "Test examples by true class (row) and predicted class (column)."),
    "most_confident_mistakes": (
        "Most confident mistakes",
        "The wrong answers on the test with the highest probability.",
    ),
    "digits": ("Training examples", "The first images of each class, as the network receives them."),
    "first_layer": (
        "First layer",
        "The weights of each unit as an image. The units with the largest weights come first.",
    ),
    "filters": ("Filters", "The weights of the convolutions. Each column is a map, each row a map that it reads."),
    "layers": ("What each layer sees", "Each row is a test image: what each layer makes of it, and the outputs."),
    "truth_table": ("Truth table", "Each row of the function, the network's answer, and whether it is right."),
    "decision_boundary": (
        "Decision boundary",
        "The output over the plane of two inputs, and the lines of hidden units.",
    ),
    "hidden_representation": ("Hidden representation", "Where the last hidden layer puts each input."),
}


class Picture(NamedTuple):
    """A figure inside a page; png: the bytes of its file."""

    title: str
    caption: str
    png: bytes

    @property
    def address(self) -> str:
        """Return the whole file as a data: address."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


def pictures(folder: Path) -> list[Picture]:
    """Return the figures in a folder, *.png, in the order of CAPTIONS; an empty list if there is no such folder."""
    names = sorted(path.stem for path in folder.glob("*.png"))
    names.sort(key=lambda name: [*CAPTIONS].index(name) if name in CAPTIONS else len(CAPTIONS))
    captions = {name: (name.replace("_", " ").capitalize(), "") for name in names} | CAPTIONS
    return [Picture(*captions[name], (folder / f"{name}.png").read_bytes()) for name in names]


def write(file: Path, template: str, **values: Any) -> None:
    """Write a template filled with values, and today's date. The file is either complete or not there."""
    html = environment().get_template(template).render(written=f"{datetime.now():%Y-%m-%d %H:%M}", **values)
    with atomic.file(file) as part:
        part.write_text(html, encoding="utf-8", errors="backslashreplace")


@cache
def environment() -> Environment:
    """Return the templates' environment, in which a value that is missing is an error."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"typed": format_override, "number": text.number}
    return templates
