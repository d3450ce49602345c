"""The summary of a run: one list of facts, shown in the terminal, in MLflow and in report.html."""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nnjax.reporting import text
from nnjax.reporting.text import markdown as markdown  # nnjax.runs still asks for these two here
from nnjax.reporting.text import panel as panel
from nnjax.system.times import MOMENTS

if TYPE_CHECKING:
    from nnjax.config.schema import Config
    from nnjax.data.dataset import Dataset

Facts = list[tuple[str, str]]  # (name, text); the text is "" where nothing is known

UNBROKEN = "\xa0"  # a space at which no line ends
NAME_WIDTH = 11  # columns of the terminal for the names of facts
SMALL_SHARE = 0.05  # parts that took less than this share of the total time are summed up as `other`


@dataclass(frozen=True)
class RunSummary:
    """All that the summary of a run says. metrics, last, best: name -> value; times: as Times.seconds."""

    name: str
    data: str  # describe_data
    model: str  # run_names.network: "mlp 784-300-100-10"
    parameters: int
    metrics: Mapping[str, float]  # of the network that is kept: test/*, validation/*
    stopped: str  # "epoch limit, after epoch 10", "converged, after epoch 3"
    run_id: str
    folder: str
    look: str  # Run.url_hint
    notice: str = ""  # what the reader should know about the data, such as that they are not the full set
    batch: str = ""  # describe_batch
    best_epoch: int | None = None
    gradient_check: str = ""  # "jax.grad within 2.4e-16, ..."
    times: Mapping[str, float] = field(default_factory=dict)
    last: Mapping[str, float] = field(default_factory=dict)  # after the last epoch
    best: Mapping[str, float] = field(default_factory=dict)  # after the best epoch


def describe_data(dataset: "Dataset") -> str:
    """Return in a line which data these are and how many examples each part has.

    `mnist: 54,000 for training, 6,000 for validation, 10,000 for the test, from /data/mnist`; of a whole truth table
    `XOR: 4 rows, trained and tested on all of them`.
    """
    rows = {"training": len(dataset.train.y), "validation": len(dataset.validation.y), "the test": len(dataset.test.y)}
    if dataset.whole is not None and dataset.train.x.tobytes() == dataset.test.x.tobytes():
        return f"{dataset.called}: {text.count(rows['training'], 'row')}, trained and tested on all of them"
    counts = ", ".join(f"{count:,} for {part}" for part, count in rows.items() if count)
    return f"{dataset.called}: {counts}, from {dataset.source}"


def describe_batch(config: "Config", dataset: "Dataset") -> str:
    """Return `all 4 instances, since training.batch_size=128 is more`; "" where there are enough."""
    size, rows = config.training.batch_size, len(dataset.train.y)
    return f"all {rows:,} instances, since training.batch_size={size} is more" if size != "full" and size > rows else ""


def facts(run: RunSummary) -> dict[str, Facts]:
    """Return the facts of a run by part: `network`, `result`, `time` and `place`."""
    last, best = scores(run.last), scores(run.best)
    tested = {name: value for name, value in run.metrics.items() if name.startswith("test/")}
    same = run.best.items() <= run.last.items()
    return {
        "network": [
            ("data", run.data),
            ("notice", run.notice),
            ("batch", run.batch),
            ("model", f"{run.model}, {text.count(run.parameters, 'parameter')}"),
            ("gradients", run.gradient_check),
        ],
        "result": [
            ("stopped", run.stopped),
            ("last", last),
            ("best", best and f"epoch {run.best_epoch}, {'the last' if same else best}"),
            ("test", scores(tested).removeprefix(f"test:{UNBROKEN}")),
        ],
        "time": [("seconds", describe_times(run.times))],
        "place": [("run id", run.run_id), ("folder", run.folder), ("look", run.look)],
    }


def scores(metrics: Mapping[str, float]) -> str:
    """Return metrics part by part: `train: loss 0.25, accuracy 0.93; validation: loss 0.3`."""
    parts: dict[str, list[str]] = {}
    for name, value in metrics.items():
        part, _, metric = name.partition("/")
        parts.setdefault(part, []).append(f"{metric}{UNBROKEN}{text.number(value)}")
    return "; ".join(f"{part}:{UNBROKEN}{', '.join(values)}" for part, values in parts.items())


def describe_times(times: Mapping[str, float]) -> str:
    """Return `total 25.9, first step after 16.0: import 4.5, compile 7.5, figures 8.4, other 5.5` (seconds).

    Before the total is measured it is the sum of the parts.
    """
    parts = {part: seconds for part, seconds in times.items() if part not in MOMENTS}
    total = times.get("total", sum(parts.values()))
    shown = {part: seconds for part, seconds in parts.items() if seconds >= SMALL_SHARE * total}
    shown["other"] = total - sum(shown.values())
    first_step = f", first step after {times['first_step']:.1f}" if "first_step" in times else ""
    words = ", ".join(f"{part}{UNBROKEN}{seconds:.1f}" for part, seconds in shown.items() if seconds >= 0.05)
    return f"total {total:.1f}{first_step}: {words}" if times else ""


def summary(run: RunSummary, width: int = 80) -> str:
    """Return the panel that a run ends with, in lines of `width` columns, but at least 60 and at most 100.

    A word that is longer than a line, such as a folder, is not broken. The notice is shown without what to do about it,
    which was printed when the run began.
    """
    width = min(max(width, 60), 100)
    clauses = re.sub(r" \([^)]*\)", "", run.notice).split("; ")
    notice = "; ".join(clause for clause in clauses if "data." not in clause)
    parts = [[(name, notice if name == "notice" else fact) for name, fact in part] for part in facts(run).values()]
    paragraphs = ["\n".join(_indented(name, fact, width) for name, fact in part if fact) for part in parts]
    title = f"-- {run.name} "
    return "\n".join([f"{title:-<{width}}", "\n\n".join(filter(None, paragraphs)), "-" * width])


def _indented(name: str, fact: str, width: int) -> str:
    """Return a fact beside its name, its further lines below the first."""
    head, below = f"{name:<{NAME_WIDTH}}", " " * NAME_WIDTH
    lines = textwrap.wrap(
        fact, width, initial_indent=head, subsequent_indent=below, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines).replace(UNBROKEN, " ")


def note(run: RunSummary) -> str:
    """Return the same facts for MLflow (tag mlflow.note.content), the test first: MLflow shows the first lines."""
    rows = [(name, fact.replace(UNBROKEN, " ")) for part in facts(run).values() for name, fact in part]
    return text.markdown(run.name, sorted(rows, key=lambda row: row[0] != "test"))
