"""Configuration files of the user's own: a mistake in one is a line with the file, and its line where YAML has one."""

import pytest

from nnjax.config.composition import read_config
from nnjax.errors import InputError

HEAD = b"# @package _global_\n"


def write_experiment(folder, content):
    (folder / "experiment").mkdir()
    (folder / "experiment" / "mine.yaml").write_bytes(content)


def test_an_experiment_of_the_users_own_is_found_in_its_folder(tmp_path):
    write_experiment(tmp_path, HEAD + b"model:\n  hidden: [3]\n")
    assert read_config(["+experiment=mine"], [str(tmp_path)]).model.hidden == [3]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            HEAD + b"model:\n\thidden: [3]\n",
            "{}/experiment/mine.yaml, line 3: the indentation has a tab. Allowed: KEY:",
        ),
        (
            HEAD + b"model:\n  hidden: [3]\n activation: relu\n",
            "{}/experiment/mine.yaml, line 4: this is not YAML (exp",
        ),
        (HEAD + b"model:\n  hidden: [3]\n   init: he\n", "{}/experiment/mine.yaml, line 4: this is not YAML (expected"),
        (HEAD + b"model: {hidden: [3}\n", "{}/experiment/mine.yaml, line 2: this is not YAML (expected ',' or ']'"),
        (HEAD + b"seed: 1\nseed: 2\n", "{}/experiment/mine.yaml, line 3: this is not YAML (found duplicate key seed"),
        (
            HEAD + b"# caf\xc3\xa9\n# caf\xe9\n",
            "{}/experiment/mine.yaml, line 3: the text is not UTF-8. Allowed: text in",
        ),
        (HEAD + b"#" * 9_000 + b"\n\xff\n", "{}/experiment/mine.yaml, line 3: the text is not UTF-8."),
        (HEAD + b"model:\n  hiden: [3]\n", "experiment/mine.yaml: model.hiden is not a setting. Did you mean hidden?"),
        (HEAD + b"training:\n  epochs: many\n", "experiment/mine.yaml: training.epochs=many has the wrong type. Allow"),
        (b"model:\n  hidden: [3]\n", "experiment/mine.yaml: the first line is missing. Allowed: # @package _global_."),
    ],
    ids=["tab", "too few spaces", "too many spaces", "bracket", "twice", "bytes", "late bytes", "key", "type", "head"],
)
def test_a_mistake_in_a_file_is_one_line_that_names_it(tmp_path, content, line):
    write_experiment(tmp_path, content)
    with pytest.raises(InputError) as raised:
        read_config(["+experiment=mine"], [str(tmp_path)])
    assert str(raised.value).startswith(line.format(tmp_path))
