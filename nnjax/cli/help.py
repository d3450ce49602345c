"""What `nnjax-train --help` says: the experiments, as the headers of their files tell them, and the choices."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from nnjax.config.schema import PRESETS, configuration_folder
from nnjax.errors import InputError

EXPECTED = re.compile(r"Expected: (?P<score>.+) in (?P<time>\d[\d.]* (?:s|min|h))\b")
WIDTH = 80  # of a line
HIDDEN = ("experiment", "preset")  # groups told elsewhere: the lecture's names stand among the models
ADDED = ("sweep", "debug")  # groups without a default, written with a +
TEXT = """\
Trains a network and records it in MLflow. nnjax-train = python -m nnjax.train

  nnjax-train +experiment=mnist
  nnjax-train +experiment=mnist optimizer=sgd 'model.hidden=[64]'
  nnjax-train -m +sweep=lanes +experiment=xor 'seed=range(0,64)'

Experiments, test accuracy and time to expect (whole MNIST; 2 cores, warm):
{experiments}

Choices, each with settings of its own:
{groups}

Settings are KEY=VALUE with the keys of the configuration, which
  --cfg job             prints as it is for the rest of the command line
Values with [ ( or a space need quotes for the shell.

  -m, --multirun        a run for each combination of values such as seed=0,1,2
  --config-dir FOLDER   with FOLDER/experiment/NAME.yaml of your own
  -sc install=bash      prints completion for bash (zsh: the same; fish):
                        eval "$(nnjax-train -sc install=bash)"
  --hydra-help          what else Hydra can
"""


class Header(NamedTuple):
    """What an experiment's file says first: what it is for, and what to expect of it, "" where it doesn't."""

    purpose: str
    score: str
    time: str


def header(text: str) -> Header:
    """The comments at the top of an experiment: its purpose in one line, `Expected: test accuracy 0.983 in 12 s`."""
    top = re.match(r"(?:#.*\n|\s*\n)*", text)
    lines = [line.lstrip("# ").rstrip() for line in top[0].splitlines()] if top else []
    told = [line for line in lines if line and not line.startswith("@package")]
    purpose = next((line for line in told if not line.startswith("Expected:")), "")
    found = next(filter(None, map(EXPECTED.match, told)), None)
    return Header(purpose, *(found["score"].removeprefix("test accuracy "), found["time"]) if found else ("", ""))


def options(folders: Sequence[Path], group: str) -> Mapping[str, Path]:
    """The files of a group by name; where two folders have the same, the first is Hydra's choice."""
    return {file.stem: file for folder in reversed(folders) for file in sorted((folder / group).glob("*.yaml"))}


def experiments(folders: Sequence[Path]) -> Iterator[str]:
    """A line an experiment: name, score, time, purpose."""
    told = {name: header(file.read_text(encoding="utf-8")) for name, file in options(folders, "experiment").items()}
    rows = [(name, *told[name][1:], told[name].purpose) for name in sorted(told)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, score, time, purpose in rows:
        head = f"  {name:<{widths[0]}}  {score:<{widths[1]}}  {time:>{widths[2]}}  "
        yield textwrap.fill(purpose, WIDTH, initial_indent=head, subsequent_indent=" " * len(head)) or head.rstrip()


def groups(folders: Sequence[Path]) -> Iterator[str]:
    """A line a group that has a choice."""
    names = sorted({path.name for folder in folders for path in folder.iterdir() if path.is_dir()} - {*HIDDEN})
    for group in sorted(names, key=lambda name: (name in ADDED, name)):
        found = [*options(folders, group), *(PRESETS if group == "model" else ())]
        if len(found) > 1:
            head = f"  {'+' * (group in ADDED)}{group}=".ljust(14)
            yield textwrap.fill(", ".join(sorted(found)), WIDTH, initial_indent=head, subsequent_indent=" " * 14)


def text(config_dir: str | None = None) -> str:
    """The whole help; config_dir: a folder with configurations of the user's own.

    Hydra's own template lists every group twice, which takes a second and a half more.

    Raises:
        InputError: there is no such folder.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        raise InputError(f"--config-dir={config_dir}: no such folder")
    folders = [*([Path(config_dir)] if config_dir else []), configuration_folder()]
    return TEXT.format(experiments="\n".join(experiments(folders)), groups="\n".join(groups(folders))).rstrip()
