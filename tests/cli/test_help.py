"""`nnjax-train --help` with its experiments, choices and settings; `nnjax` with its verbs; --version of both."""

import pytest

import nnjax
from nnjax import __main__
from nnjax.cli.help import Header, experiments, header
from nnjax.config import schema

FILES = sorted((schema.configuration_folder() / "experiment").glob("*.yaml"))
MINE = (
    "# @package _global_\n# Mine, for $5\n\n# Expected: test rmse 0.3 in 2 min, about\nseed: 1\n# Expected: no in 1 s\n"
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_experiment_says_what_it_is_for_and_what_to_expect(file):
    purpose, score, time = header(file.read_text(encoding="utf-8"))
    assert purpose
    assert score
    assert time.endswith((" s", " min"))
    assert f"+experiment={file.stem}\n" in file.read_text() or f"+experiment={file.stem} " in file.read_text()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# @package _global_\n# X, or so\n# Expected: test accuracy 1 in 4 s, warm\na: 1\n", ("X, or so", "1", "4 s")),
        (MINE, ("Mine, for $5", "test rmse 0.3", "2 min")),
        ("# Expected: soon\n# Only this\n", ("Only this", "", "")),
        ("training:\n  epochs: 1\n# late\n", ("", "", "")),
        ("", ("", "", "")),
    ],
)
def test_a_header_is_read_as_far_as_there_is_one(text, expected):
    assert header(text) == Header(*expected)


def test_help_is_short_and_has_the_users_own_experiments(main, tmp_path):
    folder = tmp_path / "mine" / "experiment"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(MINE)
    (folder / "xor.yaml").write_text("# Another XOR\n")
    code, out, error = main("--help", "--config-dir", str(tmp_path / "mine"))
    assert (code, error) == (0, "")
    lines = out.splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 80
    names = [file.stem for file in FILES] + ["mine"]
    rows = {line.split()[0]: line.split() for line in lines if line.startswith("  ") and line.split()[0] in names}
    assert sorted(rows) == sorted(names)
    assert rows["mine"][1:] == ["test", "rmse", "0.3", "2", "min", "Mine,", "for", "$5"]
    assert rows["xor"] == ["xor", "Another", "XOR"]  # as Hydra's choice is the user's
    model, optimizer = (
        next(line for line in lines if line.startswith(f"  {group}=")) for group in ("model", "optimizer")
    )
    assert {"mlp,", "lenet5,", "perceptron,"} <= set(model.split())
    assert "adamw," in optimizer
    assert "schema" not in out


def test_version_is_that_of_nnjax_not_of_hydra(main):
    assert main("--version") == (0, f"nnjax {nnjax.__version__}\n", "")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["train", "+experiment=xor"], "train is not a verb of nnjax. To train: nnjax-train +experiment=xor"),
        (["train"], "train is not a verb of nnjax. To train: nnjax-train"),
        (["predct"], "predct is not a verb of nnjax. Did you mean predict?"),
    ],
)
def test_another_verb_is_one_line_with_what_to_type(monkeypatch, capsys, words, line):
    monkeypatch.setattr("sys.argv", ["nnjax", *words])
    with pytest.raises(SystemExit, match="2"):
        __main__.main()
    error = capsys.readouterr().err
    assert error.lower().startswith(f"error: {line}".lower())
    assert error.count("\n") == 1


def test_nnjax_alone_prints_its_verbs(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["nnjax"])
    __main__.main()
    out = capsys.readouterr().out
    assert all(f"    {verb} " in out or f"    {verb}\n" in out for verb in __main__.VERBS)
    assert "nnjax-train --help" in out


def test_without_experiments_there_is_nothing_to_list(tmp_path):
    assert list(experiments([tmp_path])) == []
