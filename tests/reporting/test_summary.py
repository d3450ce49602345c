"""A run in words: its name, its summary, and what describes it in MLflow."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import nnjax.tracking
from nnjax.config.schema import flatten
from nnjax.data.boolean.source import boolean
from nnjax.reporting.run_names import network, run_name
from nnjax.reporting.summary import RunSummary, describe_data, note, summary
from nnjax.runs.provenance import git_tags, versions
from nnjax.system.secrets import without_passwords


@pytest.mark.parametrize(
    ("loss", "units", "name"),
    [
        ("cross_entropy", (784, 300, 100, 10), "mlp 784-300-100-10"),
        ("log_loss", (2, 4, 1), "mlp 2-4-1"),
        ("log_loss", (784, 30, 10), "mlp 784-30-10 log_loss"),  # one against the rest, not softmax (L6)
        ("squared_error", (3, 10, 1), "mlp 3-10-1 squared_error"),
        ("perceptron", (2, 4, 1), "mlp 2-4-1 perceptron"),
        ("perceptron", (2, 1), "perceptron 2-1"),  # L17
        ("perceptron", (784, 10), "perceptron 784-10"),
        ("log_loss", (2, 1), "logistic regression 2-1"),  # L5, L19
        ("log_loss", (784, 10), "one-vs-rest 784-10"),  # L6
        ("cross_entropy", (784, 10), "softmax regression 784-10"),  # L7
        ("squared_error", (3, 1), "linear regression 3-1"),  # L8
        ("sigmoid_squared_error", (2, 1), "mlp 2-1 sigmoid_squared_error"),
    ],
)
def test_a_network_has_the_lectures_name_where_it_is_one_however_it_was_chosen(loss, units, name):
    assert network("mlp", loss, units) == name


def test_a_name_says_what_a_reader_of_the_runs_table_asks():
    settings = {"seed": 7, "model": {"name": "mlp"}, "loss": {"name": "cross_entropy"}, "optimizer": {"name": "adam"}}
    assert run_name(settings, (784, 10), "mnist_5k") == "softmax regression 784-10 adam mnist_5k seed 7"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["+experiment=xor", "optimizer.learning_rate=0.1", "seed=3"], ["learning_rate=0.1"]),
        (["optimizer=adam", "model.hidden=[4]", "schedule=cosine"], ["schedule=cosine"]),  # in the name already
        (["training.epochs=5", "training.gradient_check=false", "tracking.model=false"], ["epochs=5"]),
        (["data.function=and", "data.source=bundled", "data.train_size=40"], ["train_size=40"]),
        (["+model.init=he"], ["init=he"]),
        (["data.seed=3", "optimizer.learning_rate=1", "optimizer.learning_rate=2"], ["data.seed=3", "learning_rate=2"]),
        (["training.shuffle_seed=" + "1" * 60], ["shuffle_seed=" + "1" * 24 + "..."]),
    ],
)
def test_a_name_has_what_was_typed_and_trains_another_network(typed, words):
    settings = {"seed": 3, "model": {"name": "mlp"}, "loss": {"name": "log_loss"}, "optimizer": {"name": "adam"}}
    assert run_name(settings, (2, 4, 1), "XOR", typed) == " ".join(["mlp 2-4-1 adam XOR", *words, "seed 3"])


def test_flatten_gives_dotted_keys_and_keeps_values():
    nested = {"seed": 0, "model": {"hidden": [300, 100], "init": {"scale": 1.0}}, "resume": None}
    expected = {"seed": 0, "model.hidden": [300, 100], "model.init.scale": 1.0, "resume": None}
    assert flatten(nested) == expected


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("http://a:b@h/x then https://c:d@i:80/y", "http://h/x then https://i:80/y"),
        ("http://a:b@h,http://c:d@i", "http://h,http://i"),
        ("postgresql://a:b/c d@h/db", "postgresql://h/db"),
        ("http://a:b@c@h", "http://h"),
        ("http://h/?user=a&password=b&x=1#y", "http://h/?user=a&password=&x=1#y"),
        ("http://h/?sslPassword=b http://h/?token=c", "http://h/?sslPassword= http://h/?token="),
        ("http://h:5000/data@v1 and mail@there", "http://h:5000/data@v1 and mail@there"),
    ],
)
def test_no_password_is_left_in_any_address_of_a_text(text, public):
    assert without_passwords({"a": {"b": text}, "c": 1}) == {"a": {"b": public}, "c": 1}


def test_versions_name_python_and_leave_out_what_is_not_installed():
    found = versions()
    assert found["version.python"] == ".".join(map(str, sys.version_info[:3]))
    assert found["version.numpy"].split(".")[0].isdigit()
    assert all(found.values())


def test_git_tags_follow_the_folder(tmp_path):
    assert git_tags(tmp_path) == {}
    assert git_tags(tmp_path / "missing") == {}

    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)
        return done.stdout.decode().strip()

    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    commit = git("rev-parse", "HEAD")
    (tmp_path / "untracked").write_text("results are not changes of the program")
    assert git_tags(tmp_path) == {"mlflow.source.git.commit": commit, "git.dirty": "False"}
    (tmp_path / "file").write_text("2")
    assert git_tags(tmp_path)["git.dirty"] == "True"


RUN = RunSummary(
    name="mlp 784-300-100-10 adam mnist_5k seed 0",
    data="mnist_5k, 3,500 / 500 / 1,000 digits",
    model="mlp 784-300-100-10",
    parameters=266_610,
    metrics={"test/accuracy": 0.9312, "test/loss": 0.25},
    stopped="epoch limit 10",
    run_id="abc",
    folder="outputs/1",
    look="mlflow ui",
)


FULL_RUN = replace(
    RUN,
    notice="these are 5,000 digits | not all (no network); for those: data.mirror=FOLDER",
    best_epoch=0,
    best={"validation/loss": 0.5},
    last={"train/loss": 0.01234, "train/accuracy": 0.99, "validation/loss": 34_944.2, "validation/accuracy": 0.87},
    gradient_check="jax.grad within 1.5e-14",
    times={"import": 0.7, "first_step": 2.04, "train": 3.14, "model": 0.02, "total": 5.0},
)


def read_panel(text):
    """Return the facts of a panel by name, each in one line."""
    facts = {}
    for line in filter(None, text.splitlines()[1:-1]):
        name = line[:11].strip() or name
        facts[name] = f"{facts.get(name, '')} {line[11:]}".strip()
    return facts


def test_the_panel_is_aligned_and_leaves_out_what_is_missing():
    lines = summary(RUN).splitlines()
    assert lines[0] == "-- mlp 784-300-100-10 adam mnist_5k seed 0 ".ljust(80, "-")
    assert lines[-1] == "-" * 80
    assert list(read_panel(summary(RUN))) == ["data", "model", "stopped", "test", "run id", "folder", "look"]
    assert "model      mlp 784-300-100-10, 266,610 parameters" in lines
    assert "test       accuracy 0.9312, loss 0.25" in lines
    assert "" in lines


def test_the_panel_has_the_best_epoch_the_times_and_the_notice():
    facts = read_panel(summary(FULL_RUN))
    assert facts["notice"] == "these are 5,000 digits | not all"  # what to do about it was printed at the start
    table = replace(FULL_RUN, notice="mine: 9 rows; y holds numbers: regression; data.task=classification: classes")
    assert read_panel(summary(table))["notice"] == "mine: 9 rows; y holds numbers: regression"
    assert facts["last"] == "train: loss 0.01234, accuracy 0.99; validation: loss 34,940, accuracy 0.87"
    assert facts["best"] == "epoch 0, validation: loss 0.5"
    assert facts["gradients"] == "jax.grad within 1.5e-14"
    assert facts["seconds"] == "total 5.0, first step after 2.0: import 0.7, train 3.1, other 1.2"
    same = replace(FULL_RUN, best={"validation/accuracy": 0.87})
    assert read_panel(summary(same))["best"] == "epoch 0, the last"


@pytest.mark.parametrize(("width", "longest"), [(20, 60), (60, 60), (80, 80), (200, 100)])
def test_a_summary_fits_its_terminal_and_no_number_loses_its_name(width, longest):
    lines = summary(FULL_RUN, width).splitlines()
    assert max(map(len, lines)) == longest
    assert read_panel("\n".join(lines)) == read_panel(summary(FULL_RUN))
    for words in ("accuracy 0.99", "loss 34,940", "train 3.1"):
        assert any(words in line for line in lines)


def test_the_note_has_the_same_facts_as_a_table():
    markdown = note(FULL_RUN)
    assert markdown.startswith(
        "**mlp 784-300-100-10 adam mnist_5k seed 0**\n\n| | |\n|---|---|\n| test | accuracy 0.9312, "
    )
    assert "5,000 digits \\| not all (no network); for those" in markdown  # a bar would end the table's cell


def test_importing_the_summary_imports_no_library():
    root = Path(nnjax.tracking.__file__).parents[2]
    code = f"import sys; sys.path.insert(0, {str(root)!r}); import nnjax.reporting.summary; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert not {"mlflow", "jax", "numpy", "matplotlib", "hydra"} & set(done.stdout.split())


def test_data_are_described_in_a_line():
    """A whole truth table is trained and tested on; of other data each part that has rows is named."""
    assert describe_data(boolean("xor")) == "XOR: 4 rows, trained and tested on all of them"
    part = "PARITY: 6 for training, 2 for the test, from truth table of parity of 3"
    assert describe_data(boolean("parity", inputs=3, test_size=2)) == part
    sample = describe_data(boolean("xor", samples=3))
    assert sample == "XOR: 3 for training, 4 for the test, from truth table of xor"
