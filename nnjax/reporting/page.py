"""A page from its template; the only place that fills in HTML, so that everything from outside is escaped."""

import base64
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from nnjax.config.lanes import format_override
from nnjax.system import atomic

TEMPLATES = Path(__file__).parent / "templates"
CAPTIONS = {  # name of a figure's file -> its title and what it shows, in the order of a page
    "bands": ("Curves of all lanes", "Loss and accuracy over the epochs: the lanes' median, and most around it."),
    "heat_map": ("Map over two settings", "A cell is the mean of its lanes, over the two settings that matter most."),
    "leaderboard": ("Leaderboard", "The best lanes, and beside them all others, by the metric that ranks them."),
    "learning_curves": ("Learning curves", "Loss and accuracy (or error) over the epochs; the star is the test."),
    "norms": ("Norms by layer", "How large each layer's parameters and gradients are over the epochs."),
    "predicted_over_true": ("Predicted over true", "A point an example of the test; on the diagonal it is right."),
    "confusion_matrix": ("Confusion matrix", "Test examples, a row a true class, a column a predicted one."),
    "most_confident_mistakes": ("Most confident mistakes", "Wrong answers on the test with the highest probability."),
    "digits": ("Training examples", "The first images of each class, as the network is given them."),
    "first_layer": ("First layer", "The weights of each unit as an image, those with the largest weights first."),
    "filters": ("Filters", "The weights of the convolutions, a column a map, a row each map below that it looks at."),
    "layers": ("What each layer sees", "A row an image of the test: what the layers make of it, and the outputs."),
    "truth_table": ("Truth table", "Each row of the function, what the network answers, and whether that is right."),
    "decision_boundary": ("Decision boundary", "The output over the plane of two inputs, and the hidden units' lines."),
    "hidden_representation": ("Hidden representation", "Where the last hidden layer puts each input."),
}


class Picture(NamedTuple):
    """A figure inside a page; png: the file's bytes."""

    title: str
    caption: str
    png: bytes

    @property
    def address(self) -> str:
        """All of it as an address."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


def pictures(folder: Path) -> list[Picture]:
    """The figures in a folder, *.png, in the order of CAPTIONS; none where there is no folder."""
    names = [path.stem for path in sorted(folder.glob("*.png"))]
    known = [name for name in CAPTIONS if name in names]
    titles = {name: (name.replace("_", " ").capitalize(), "") for name in names} | CAPTIONS
    ordered = [*known, *(name for name in names if name not in CAPTIONS)]
    return [Picture(*titles[name], (folder / f"{name}.png").read_bytes()) for name in ordered]


def write(file: Path, template: str, **facts: Any) -> None:
    """A template with these facts, as a file that is whole or not there."""
    text = environment().get_template(template).render(**facts)
    with atomic.write_file(file) as part:
        part.write_text(text, encoding="utf-8", errors="backslashreplace")


@cache
def environment() -> Environment:
    """The templates; a fact that one wants and nobody gave is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["typed"] = format_override
    return made
