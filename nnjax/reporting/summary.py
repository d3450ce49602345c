"""A run in words: its name, its settings, what it ran on, and the summary at its end. Nothing here imports mlflow."""

import platform
import re
import subprocess
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

LIBRARIES = ("nnjax", "jax", "jaxlib", "optax", "numpy", "mlflow", "hydra-core", "tensorflow-datasets", "safetensors")
ONE_LAYER = {  # (loss, whether it has one output) -> the lecture's name for a network without hidden layers
    ("perceptron", True): "perceptron",  # L17
    ("perceptron", False): "perceptron",
    ("log_loss", True): "logistic regression",  # L5, L19
    ("log_loss", False): "one-vs-rest",  # L6
    ("cross_entropy", False): "softmax regression",  # L7
    ("squared_error", True): "linear regression",  # L8
}
IMPLIED = {True: "log_loss", False: "cross_entropy"}  # the loss that a network's name need not tell, by the same
TELLING = ("model.", "data.", "optimizer.", "schedule", "training.")  # settings that train another network
TOLD = (
    "model.name",
    "model.hidden",
    *(
        f"data.{key}"
        for key in ("name", "source", "mirror", "directory", "path", "function", "expression", "table", "inputs")
    ),
    "training.gradient_check",
)  # said otherwise, or of no effect
LONGEST_WORD = 40  # characters of one word in a name
Status = Literal["FINISHED", "FAILED", "KILLED"]  # how a run ends
GIT_PATIENCE = 2  # seconds
UNBROKEN = "\xa0"  # a space at which no line ends
NAMES = 11  # columns of the names of the summary's facts
LEAST_SECONDS = 0.05  # that the summary tells of a part
# //USER:PASSWORD@ in an address; a password may have a slash or a space in it, the path behind //HOST:PORT an @.
USER = re.compile(r"//(?:[^/\s]*|[^/\s:@[]*:(?!\d+(?:[/\s]|$))[^@\n]*)@")
SECRET = re.compile(r"([?&][^=&#\s]*(?:passw|pwd|secret|token)[^=&#\s]*=)[^&#\s'\"]+", re.IGNORECASE)  # in its query


def run_name(config: Mapping[str, Any], units: Sequence[int], data: str, typed: Sequence[str] = ()) -> str:
    """Network, optimizer, data, what was typed beside them, and the seed: `mlp 2-4-1 adam XOR learning_rate=1 seed 0`.

    typed: the command line, `optimizer.learning_rate=1`; of it what trains another network and isn't said already.
    """
    what = network(config["model"]["name"], config["loss"]["name"], units)
    words = [what, config["optimizer"]["name"], shortened(data), *told_apart(typed), f"seed {config['seed']}"]
    return " ".join(words)


def shortened(text: str) -> str:
    """A text that is short enough for a name: an expression or a table may be long."""
    return text if len(text) <= LONGEST_WORD else f"{text[: LONGEST_WORD - 3]}..."


def told_apart(typed: Sequence[str]) -> list[str]:
    """Of a command line the settings that tell runs apart and have no other place in a name, the last value of each.

    Without their groups, but for data.seed: the run's own seed ends the name.
    """
    settings = dict(word.lstrip("+").partition("=")[::2] for word in typed)
    rates = {key: value for key, value in settings.items() if key.startswith(TELLING) and not key.startswith(TOLD)}
    return [
        shortened(f"{key if key == 'data.seed' else key.rpartition('.')[2]}={value}") for key, value in rates.items()
    ]


def network(model: str, loss: str, units: Sequence[int]) -> str:
    """What a network is, not how it was chosen, with its units by layer, and the loss where the name doesn't tell it.

    `perceptron 2-1`, `softmax regression 784-10`, `mlp 784-300-100-10`, `mlp 2-4-1 squared_error`.
    """
    one = units[-1] == 1
    lectures = ONE_LAYER.get((loss, one)) if len(units) == 2 else None
    words = [lectures or model, "-".join(map(str, units)), "" if lectures or loss == IMPLIED[one] else loss]
    return " ".join(word for word in words if word)


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level of dotted keys: {"model": {"name": "mlp"}} -> {"model.name": "mlp"}."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def without_passwords(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with no user or password left in any address, fit to be recorded."""
    return {key: _without_passwords(value) for key, value in settings.items()}


def _without_passwords(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_passwords(value)
    return without_password(value) if isinstance(value, str) else value


def without_password(text: str) -> str:
    """A text with //USER:PASSWORD@ and the value of ?password= taken out of every address in it."""
    return SECRET.sub(r"\1", USER.sub("//", text))


def versions() -> dict[str, str]:
    """Python and the installed libraries, as tags `version.jax`: `0.10.2`."""
    found = {"version.python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[f"version.{library}"] = version(library)
        except PackageNotFoundError:
            continue
    return found


def git_tags(folder: str | Path) -> dict[str, str]:
    """The commit checked out around a folder, and whether files that git knows differ from it; {} outside of git."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return {}
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    return {"mlflow.source.git.commit": commit, "git.dirty": "unknown" if changes is None else str(changes != "")}


@dataclass(frozen=True)
class Facts:
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


def summary(facts: Facts, width: int = 80) -> str:
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


def note(facts: Facts) -> str:
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


def _rows(facts: Facts) -> Sequence[tuple[str, str]]:
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


def _git(folder: str | Path, *arguments: str) -> str | None:
    """What git prints, None without git, outside of a repository, or where it takes too long."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=GIT_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
