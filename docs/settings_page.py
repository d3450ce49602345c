"""Write docs/reference/settings.md from the schema and the YAML files of conf/.

    python docs/settings_page.py            write the page
    python docs/settings_page.py --check    change nothing; exit with 1 if the page is not current

Type, bounds and allowed words come from the schema, defaults and descriptions from the YAML files.
"""

import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import Field, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from nnjax.config import schema  # noqa: E402

PAGE = ROOT / "docs" / "reference" / "settings.md"
CONF = ROOT / "conf"
NUMBERS = {int: "whole number", float: "number"}
WORDS = {bool: "`true` or `false`", str: "text", Any: "any value"}
INTRODUCTION = """\
# Settings

<!-- Written by docs/settings_page.py from the schema and conf/. `make docs` writes it again. -->

A setting is written `KEY=VALUE` on the command line, for example `training.epochs=3`.
[Commands](commands.md#nnjax-train) explains the signs around it: `+`, `-m` and quotes.

* **Allowed** gives the type and the bounds. `null` means "no value".
* **Default** is the value if neither you nor an experiment sets another one.
* **Lane**: runs of a sweep that differ in these settings alone are trained together by one compiled
  program ([Lanes](../explanation/lanes.md)).
* **Description** is mostly the comment beside the key in `conf/`. L7 is a fact of
  [the lecture](../lecture.md).

This command prints all settings of a run and trains nothing:

```bash
nnjax-train +experiment=xor --cfg job
```
"""
GROUPS = {  # group -> what one chooses with it
    "data": "Which data: `data=NAME`.",
    "model": "Which network: `model=NAME`. The lecture's names for some networks are [below](#the-lectures-names).",
    "loss": "Which loss: `loss=NAME`.",
    "optimizer": "Which optimizer: `optimizer=NAME`.",
    "schedule": "How the learning rate changes during training: `schedule=NAME`.",
    "training": "How one network is trained.",
    "lanes": "How the runs of a sweep are trained together.",
    "tracking": "What is recorded.",
    "runtime": "On which device and in which precision.",
}
UNSAID = {  # what a YAML file doesn't say beside a key
    "training.epochs": "passes over the training data",
    "optimizer.learning_rate": "alpha, the step size of an update",
    "optimizer.momentum": "share of the last step that is added to the next one",
    "optimizer.b1": "decay of the mean of the gradients",
    "optimizer.b2": "decay of the mean of their squares",
    "optimizer.decay": "decay of the mean of the squared gradients",
    "optimizer.eps": "is added to the denominator",
    "optimizer.weight_decay": "strength of the decay",
    "schedule.final": "last learning rate, as a share of optimizer.learning_rate",
    "schedule.factor": "multiplies the learning rate",
    "model.pooling": "of both pooling layers",
    "model.init": "how the weights are drawn at first",
    "tracking.enabled": "record the run in MLflow",
    "tracking.figures": "draw figures",
    "tracking.model": "store the network as a model in MLflow",
    "runtime.platform": "the device; `auto` takes an accelerator if JAX finds one",
}
SIGNS = {"|": "&#124;", "<": "&lt;", "~": "&#126;", "*": "&#42;"}  # that Markdown would read as its own
EXPECTED = re.compile(r"Expected: (?:test accuracy )?(.+?) in (\d[\d.]* s)")


class Line(NamedTuple):
    """What a YAML file says about a key: its default as it is written there, and the comment beside it."""

    default: str
    comment: str


def yaml_lines(file: Path, indent: str = "") -> dict[str, Line]:
    """Return the keys with a value at one level of indentation."""
    pattern = re.compile(rf"^{indent}(\w+): +(\S.*?)(?:  # (.+))?$", re.MULTILINE)
    return {key: Line(value, comment) for key, value, comment in pattern.findall(file.read_text(encoding="utf-8"))}


def header(file: Path) -> list[str]:
    """Return the comments at the top of a YAML file, without its directives."""
    top = re.match(r"(?:#.*\n|\s*\n)*", file.read_text(encoding="utf-8"))
    lines = [line.removeprefix("#").strip() for line in top[0].splitlines()] if top else []
    return [line for line in lines if line and not line.startswith("@package")]


def description(lines: Sequence[str]) -> str:
    """Return those lines of a header that describe the option: no commands, no expectations."""
    return plain(" ".join(line for line in lines if not line.startswith(("python -m", "nnjax-train", "Expected:"))))


def allowed(hint: Any, entry: "Field[Any]") -> str:
    """Return a field's type, bounds and words, in words."""
    metadata = entry.metadata
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    last = ["`null`"] if NoneType in kinds else []
    if words := metadata.get("allowed"):
        return either([*(f"`{word}`" for word in words), *last])
    if get_origin(hint) is list:
        parts = [f"list of {NUMBERS[get_args(hint)[0]]}s, each {bounds(metadata)}"]
    elif get_origin(hint) is dict:
        parts = ["mapping of text to text"]
    elif "example" in metadata:
        parts = ["epochs such as `5`", "seconds such as `60s`"]
    elif {int, float} <= {*kinds}:
        parts = [f"whole number or share, {bounds(metadata)}"]
    else:
        parts = [", ".join(filter(None, [NUMBERS[kind], bounds(metadata)])) for kind in kinds if kind in NUMBERS]
        parts += [f"`{word}`" for word in metadata.get("words", ())] if parts else []
        parts += [WORDS[kind] for kind in kinds if kind in WORDS and not parts]
    return either([*parts, *last])


def bounds(metadata: Mapping[str, Any]) -> str:
    """Return bounds in words: `0 to 1`, `above 0`, `0 or more and below 1`; "" if there are none."""
    least, above, most, below = (metadata.get(name) for name in ("at_least", "above", "at_most", "below"))
    if least is not None and most is not None:
        return f"{least:,} to {most:,}"
    limits = {"{:,} or more": least, "above {:,}": above, "at most {:,}": most, "below {:,}": below}
    return " and ".join(text.format(limit) for text, limit in limits.items() if limit is not None)


def either(parts: Sequence[str]) -> str:
    """Return `a, b or c`, with a comma before `or` where a part has one."""
    word = ", or " if any(", " in part for part in parts) else " or "
    return word.join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def plain(text: str) -> str:
    """Return text in which no sign is Markdown's, and each number of the lecture is a link."""
    pieces = re.split(r"(`[^`]*`)", text)
    shown = [piece if i % 2 else "".join(SIGNS.get(sign, sign) for sign in piece) for i, piece in enumerate(pieces)]
    return re.sub(r"\bL(\d{1,2})\b", r"[L\1](../lecture.md#L\1)", "".join(shown))


def told(key: str, entry: "Field[Any]", comment: str) -> str:
    """Return a key's description: the comment without the words that stand under Allowed already."""
    words = " | ".join(entry.metadata.get("allowed") or ())
    comment = comment.removeprefix(words).lstrip(", ") if words else comment
    return plain(comment) if comment else UNSAID.get(key, "")


def wrapped(text: str) -> str:
    """Return prose in lines of at most 100 characters."""
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def row(key: str, entry: "Field[Any]", hint: Any, line: Line) -> str:
    """Return the table row of one key."""
    default, lane = f"`{line.default.strip(chr(34))}`", "yes" if entry.metadata.get("lane") else ""
    return f"| `{key}` | {allowed(hint, entry)} | {default} | {lane} | {told(key, entry, line.comment)} |"


def table(record: type, prefix: str, lines: Mapping[str, Line], leave_out: Sequence[str] = ("name",)) -> Iterator[str]:
    """Yield the table of a schema's keys."""
    hints = get_type_hints(record)
    shown = [entry for entry in fields(record) if entry.name not in leave_out]
    if not shown:
        yield "It has no further settings."
        return
    yield "| Key | Allowed | Default | Lane | Description |"
    yield "|---|---|---|---|---|"
    for entry in shown:
        yield row(prefix + entry.name, entry, hints[entry.name], lines.get(entry.name, Line("null", "")))


def general() -> Iterator[str]:
    """Yield the section of the settings that belong to no group."""
    file = CONF / "config.yaml"
    hints = get_type_hints(schema.Config)
    nested = {name: hint for name, hint in hints.items() if name in ("checkpoint", "sweep")}
    yield "## General\n"
    yield "| Key | Allowed | Default | Lane | Description |"
    yield "|---|---|---|---|---|"
    for entry in fields(schema.Config):
        if entry.name in yaml_lines(file):
            yield row(entry.name, entry, hints[entry.name], yaml_lines(file)[entry.name])
    for name, record in nested.items():
        for entry in fields(record):
            hint, line = get_type_hints(record)[entry.name], yaml_lines(file, "  ")[entry.name]
            yield row(f"{name}.{entry.name}", entry, hint, line)


def group(name: str, text: str) -> Iterator[str]:
    """Yield the section of a group: a table for each option."""
    options = schema.OPTIONS[name]
    default = re.search(rf"^  - {name}: (\w+)", (CONF / "config.yaml").read_text(encoding="utf-8"), re.MULTILINE)
    assert default is not None
    chosen = f" The default is `{default[1]}`." if len(options) > 1 else ""
    yield f"\n## {name}\n\n{wrapped(text + chosen)}"
    for option, record in options.items():
        file = CONF / name / f"{option}.yaml"
        if len(options) > 1:
            yield f"\n### {name}={option}\n"
            yield f"{wrapped(description(header(file)))}\n"
        else:
            yield ""
        yield from table(record, f"{name}.", yaml_lines(file))


def files(folder: str) -> list[Path]:
    """Return the YAML files of a folder of conf/."""
    return sorted((CONF / folder).glob("*.yaml"))


def presets() -> Iterator[str]:
    """Yield the section of the lecture's names for networks."""
    yield "\n## The lecture's names\n"
    yield "`model=NAME` with one of these names sets the model and its loss.\n"
    yield "| Name | Description |"
    yield "|---|---|"
    for file in files("preset"):
        yield f"| `model={file.stem}` | {description(header(file))} |"


def experiments() -> Iterator[str]:
    """Yield the section of the experiments, with what to expect of each."""
    yield "\n## experiment\n"
    yield "An experiment is a YAML file with settings for one purpose: `+experiment=NAME`."
    yield "The expected test accuracy and time hold for whole MNIST on 2 cores, programs compiled before.\n"
    yield "| Name | Purpose | Test accuracy | Time |"
    yield "|---|---|---|---|"
    for file in files("experiment"):
        lines = header(file)
        expected = next(filter(None, map(EXPECTED.match, lines)))
        yield f"| `+experiment={file.stem}` | {plain(lines[0])} | {expected[1]} | {expected[2]} |"


def additions() -> Iterator[str]:
    """Yield the sections of what is added with a +: sweepers and aids for finding mistakes."""
    texts = {
        "sweep": "How a sweep is run: `+sweep=NAME`, with `-m`.",
        "debug": "Aids for finding mistakes: `+debug=NAME`.",
    }
    for folder, text in texts.items():
        yield f"\n## {folder}\n\n{text}\n"
        yield "| Name | Description |"
        yield "|---|---|"
        for file in files(folder):
            yield f"| `+{folder}={file.stem}` | {description(header(file))} |"


def page() -> str:
    """Return the whole page."""
    sections = [general(), *(group(name, text) for name, text in GROUPS.items()), presets(), experiments(), additions()]
    return INTRODUCTION + "\n" + "\n".join(line for section in sections for line in section) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the page, or say whether it is current; return the exit code."""
    text = page()
    if "--check" in arguments:
        current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        print(f"{PAGE.relative_to(ROOT)} is {'' if current else 'not '}current.")
        return 0 if current else 1
    PAGE.write_text(text, encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} is written.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
