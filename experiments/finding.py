"""What an experiment found: numbers and a figure, printed and recorded."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from nnjax.reporting import summary
from nnjax.runs import provenance
from nnjax.tracking import mlflow_client

EXPERIMENT = "lecture"  # MLflow's


class Finding(NamedTuple):
    """An answer.

    Attributes:
        question: what was asked, with the facts of the lecture that it belongs to.
        numbers: name -> value; a name is one for a metric of MLflow: letters, digits, blanks, _-.:/
        figure: the picture of it, if it has one.
    """

    question: str
    numbers: Mapping[str, float]
    figure: Figure | None = None


def table(finding: Finding) -> str:
    """The question and the numbers, a line each."""
    return summary.panel([("question", finding.question), *((key, f"{x:.6g}") for key, x in finding.numbers.items())])


def report(finding: Finding, name: str) -> None:
    """Prints the numbers, and records them with the figure as a run of MLflow's experiment `lecture`."""
    print(table(finding))
    run = mlflow_client.open_run(None, EXPERIMENT, name, provenance.versions(), Path.cwd())
    run.log_metrics({key: [(0, float(x))] for key, x in finding.numbers.items()}, 0)
    run.set_tags({"mlflow.note.content": finding.question})
    if finding.figure is not None:
        with tempfile.TemporaryDirectory() as folder:
            finding.figure.savefig(Path(folder) / f"{name}.png")
            run.log_files(folder, "figures")
    run.finish("FINISHED")
    print(f"{'run id':<10} {run.id}")
