"""The text of `nnjax-train --help`: the experiments, described by the headers of their files, and the choices."""

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from nnjax.config.schema import PRESETS, configuration_folder
from nnjax.errors import InputError

EXPECTED = re.compile(r"Expected: (?P<score>.+) in (?P<time>\d[\d.]* (?:s|min|h))\b")
WIDTH = 80  # of a line
HIDDEN = ("experiment", "preset")  # groups shown elsewhere: the lecture's names stand among the models
ADDED = ("sweep", "debug")  # groups without a default, written with a +
TEXT = """\
Train a network and record it in MLflow. nnjax-train = python -m nnjax.train

  nnjax-train +experiment=mnist
  nnjax-train +experiment=mnist optimizer=sgd 'model.hidden=[64]'
  nnjax-train -m +sweep=lanes +experiment=xor 'seed=range(0,64)'

Experiments, each with the test accuracy and the time to expect (on all 70,000
digits of MNIST, with 2 cores; a first run also compiles for some seconds):
{experiments}

Choices. Each has settings of its own:
{groups}

Settings are KEY=VALUE. A + adds a group that has no default. Values that
contain [, ( or a space need quotes in the shell.

  --cfg job             print all settings of this command line, and stop
  -m, --multirun        train a network for each combination: seed=0,1,2
  --config-dir FOLDER   use your own FOLDER/experiment/NAME.yaml
  -sc install=bash      print completion for bash (zsh: the same; fish):
                        eval "$(nnjax-train -sc install=bash)"
  --version             print the version of nnjax
  --hydra-help          list the other options of Hydra
"""


class Header(NamedTuple):
    """The first lines of an experiment's file: its purpose, and the expected score and time, "" where missing."""

    purpose: str
    score: str
    time: str


def header(text: str) -> Header:
    """Return the header of an experiment: a line with its purpose, and `Expected: test accuracy 0.983 in 12 s`."""
    top = re.match(r"(?:#.*\n|\s*\n)*", text)
    lines = [line.lstrip("# ").rstrip() for line in top[0].splitlines()] if top else []
    comments = [line for line in lines if line and not line.startswith("@package")]
    purpose = next((line for line in comments if not line.startswith("Expected:")), "")
    expected = next(filter(None, map(EXPECTED.match, comments)), None)
    if expected is None:
        return Header(purpose, "", "")
    return Header(purpose, expected["score"].removeprefix("test accuracy "), expected["time"])


def options(folders: Sequence[Path], group: str) -> Mapping[str, Path]:
    """Return the files of a group by name; if two folders have the same name, Hydra takes the first."""
    return {file.stem: file for folder in reversed(folders) for file in sorted((folder / group).glob("*.yaml"))}


def experiments(folders: Sequence[Path]) -> Iterator[str]:
    """Yield a line for each experiment: name, score, time, purpose."""
    headers = {name: header(file.read_text(encoding="utf-8")) for name, file in options(folders, "experiment").items()}
    rows = [(name, headers[name].score, headers[name].time, headers[name].purpose) for name in sorted(headers)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, score, time, purpose in rows:
        head = f"  {name:<{widths[0]}}  {score:<{widths[1]}}  {time:>{widths[2]}}  "
        yield textwrap.fill(purpose, WIDTH, initial_indent=head, subsequent_indent=" " * len(head)) or head.rstrip()


def groups(folders: Sequence[Path]) -> Iterator[str]:
    """Yield a line for each group that has a choice."""
    names = sorted({path.name for folder in folders for path in folder.iterdir() if path.is_dir()} - {*HIDDEN})
    for group in sorted(names, key=lambda name: (name in ADDED, name)):
        choices = [*options(folders, group), *(PRESETS if group == "model" else ())]
        if len(choices) > 1:
            head = f"  {'+' * (group in ADDED)}{group}=".ljust(14)
            yield textwrap.fill(", ".join(sorted(choices)), WIDTH, initial_indent=head, subsequent_indent=" " * 14)


def text(config_dir: str | None = None) -> str:
    """Return the whole help; config_dir: folder with the user's own configurations.

    Hydra's own template lists every group twice, which takes a second and a half more. Raises InputError if there is no
    such folder.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        raise InputError(f"--config-dir={config_dir} is not a folder. Allowed: a folder with configurations.")
    folders = [*([Path(config_dir)] if config_dir else []), configuration_folder()]
    return TEXT.format(experiments="\n".join(experiments(folders)), groups="\n".join(groups(folders))).rstrip()
