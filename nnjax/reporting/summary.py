"""The summary of a run: in the terminal, in its folder, and as its description in MLflow."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

UNBROKEN = "\xa0"  # a space at which no line ends
NAMES = 11  # columns of the names of the summary's facts
LEAST_SECONDS = 0.05  # that the summary tells of a part


@dataclass(frozen=True)
class RunSummary:
    """What the summary tells. metrics, last, best: name -> value; times: part -> seconds."""

    name: str
    data: str  # name and size: "mnist_5k, 4,000 / 500 / 1,000 digits"
    model: str  # `network`: "mlp 784-300-100-10"
    parameters: int
    metrics: Mapping[str, float]  # of the network that is kept
    stopped: str  # "epoch limit, after epoch 10", "converged, after epoch 3"
    run_id: str
    folder: str
    look: str  # Run.url_hint
    notice: str = ""  # what to know about the data, as that they are not the full set
    batch: str = ""  # where it is not what was asked for
    best_epoch: int | None = None
    gradient_check: str = ""  # "jax.grad within 2.4e-16, ..."
    times: Mapping[str, float] = field(default_factory=dict)  # first_step and total from the command on
    last: Mapping[str, float] = field(default_factory=dict)  # after the last epoch
    best: Mapping[str, float] = field(default_factory=dict)  # after the best one


def summary(facts: RunSummary, width: int = 80) -> str:
    """The panel at the end of a run: what it was, what came out, where the time went, where it is; width: of a line.

    Between 60 and 100 columns, whatever the terminal has; longer words, such as folders, are not cut.
    """
    width = min(max(width, 60), 100)
    tested = {name: value for name, value in facts.metrics.items() if name.startswith("test/")}
    clauses = re.sub(r" \([^)]*\)", "", facts.notice).split("; ")
    notice = "; ".join(each for each in clauses if "data." not in each)  # what else to set was said at the start
    blocks = [
        [
            ("data", facts.data),
            ("notice", notice),
            ("batch", facts.batch),
            ("model", f"{facts.model}, {facts.parameters:,} parameters"),
            ("gradients", facts.gradient_check),
        ],
        [
            ("stopped", facts.stopped),
            ("last", _scores(facts.last)),
            ("best", f"epoch {facts.best_epoch}: {_scores(facts.best)}" if facts.best else ""),
            ("test", _scores(tested)),
        ],
        [("seconds", _seconds(facts.times))],
        [("run id", facts.run_id), ("folder", facts.folder), ("look", facts.look)],
    ]
    paragraphs = ["\n".join(_hanging(key, value, width) for key, value in rows if value) for rows in blocks]
    title = f"-- {facts.name} "
    return "\n".join([f"{title:-<{width}}", "\n\n".join(filter(None, paragraphs)), "-" * width])


def _scores(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name}{UNBROKEN}{value:.4g}" for name, value in metrics.items())


def _seconds(times: Mapping[str, float]) -> str:
    """`total 4.8, first step after 2.4: import 0.7, ...`; parts below LEAST_SECONDS are in `other`."""
    parts = {name: seconds for name, seconds in times.items() if name not in ("total", "first_step")}
    told = {name: seconds for name, seconds in parts.items() if seconds >= LEAST_SECONDS}
    if "total" in times:
        told["other"] = times["total"] - sum(told.values())
    named = ", ".join(f"{name}{UNBROKEN}{seconds:.1f}" for name, seconds in told.items())
    moments = {"total": "total", "first_step": "first step after"}
    head = ", ".join(f"{words} {times[name]:.1f}" for name, words in moments.items() if name in times)
    return f"{head}: {named}" if head else named


def _hanging(key: str, value: str, width: int) -> str:
    """A fact with its name on the left, its further lines below the first; UNBROKEN joins what stays in one line."""
    below = textwrap.TextWrapper(width, f"{key:<{NAMES}}", " " * NAMES, break_long_words=False, break_on_hyphens=False)
    return below.fill(value).replace(UNBROKEN, " ")


def note(facts: RunSummary) -> str:
    """The same as the run's description in MLflow (tag mlflow.note.content), which shows the first lines."""
    return markdown(facts.name, sorted(_rows(facts)[1:], key=lambda row: row[0] != "result"))


def panel(rows: Sequence[tuple[str, str]]) -> str:
    """A line a fact, names in the left column, facts that are missing left out."""
    there = [(key, value) for key, value in rows if value]
    width = max(len(key) for key, _ in there)
    return "\n".join(f"{key:<{width}}  {value}" for key, value in there)


def markdown(title: str, rows: Sequence[tuple[str, str]]) -> str:
    """The same as a table below a title."""
    lines = [f"| {key} | {_cell(value)} |" for key, value in rows if value]
    return "\n".join([f"**{title}**", "", "| | |", "|---|---|", *lines])


def _rows(facts: RunSummary) -> Sequence[tuple[str, str]]:
    best = f", best epoch {facts.best_epoch}" if facts.best_epoch is not None else ""
    return [
        ("run", facts.name),
        ("data", facts.data),
        ("notice", facts.notice),
        ("batch", facts.batch),
        ("model", f"{facts.model}, {facts.parameters:,} parameters"),
        ("result", ", ".join(f"{key} {value:.4g}" for key, value in facts.metrics.items())),
        ("stopped", f"{facts.stopped}{best}"),
        ("gradients", facts.gradient_check),
        ("seconds", ", ".join(f"{key} {value:.1f}" for key, value in facts.times.items())),
        ("run id", facts.run_id),
        ("folder", facts.folder),
        ("look", facts.look),
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
