"""model=NAME, the lecture's names for a model and its loss: what each sets, and what is said to a pair of no sense."""

import hydra
import pytest

from nnjax.config import schema, validation
from nnjax.config.overrides import normalize_overrides
from nnjax.errors import InputError
from tests.config.test_schema import complaint, read

FACTS = [  # command line, loss, hidden layers
    ("model=perceptron", "perceptron", []),  # L17
    ("model=perceptron data=boolean", "perceptron", []),
    ("model=logistic data=boolean", "log_loss", []),  # L5
    ("model=softmax", "cross_entropy", []),  # L7
    ("model=softmax data=boolean", "cross_entropy", []),
    ("model=one_vs_rest", "log_loss", []),  # L6
    ("+experiment=xor model=logistic", "log_loss", []),
    ("model=softmax +experiment=xor", "cross_entropy", []),
    ("+experiment=mnist model=softmax", "cross_entropy", []),
    ("+experiment=xor model=softmax loss=cross_entropy", "cross_entropy", []),
    ("+experiment=mnist model=mlp", "cross_entropy", [300, 100]),
    ("preset=softmax +experiment=xor", "cross_entropy", []),
]


@pytest.mark.parametrize(("line", "loss", "hidden"), FACTS, ids=[line for line, *_ in FACTS])
def test_a_name_sets_model_and_loss_whatever_the_experiment_says(line, loss, hidden):
    found = read(*line.split())
    assert (found.loss.name, found.model.hidden) == (loss, hidden)
    assert found.model.name == "mlp"
    assert found.model.preset == (
        None if "mlp" in line else line.replace("preset=", "model=").split("model=")[1].split()[0]
    )


def test_the_perceptron_is_that_of_the_lecture():
    """L17: theta = 0, batch, alpha Delta, until ||Delta|| < epsilon; and what is written beside it still counts."""
    for line in ("model=perceptron", "+experiment=xor model=perceptron", "model=perceptron +experiment=mnist"):
        found = read(*line.split())
        assert (found.model.init, found.training.batch_size, found.optimizer.name) == ("zeros", "full", "sgd")
        assert (found.optimizer.learning_rate, found.schedule.name) == (1.0, "constant")
        assert found.training.tolerance > 0
    changed = read(
        "+experiment=xor", "model=perceptron", "training.epochs=7", "optimizer=adam", "training.tolerance=0.1"
    )
    assert (changed.training.epochs, changed.optimizer.name, changed.training.tolerance) == (7, "adam", 0.1)
    assert read("debug=fast", "model=perceptron").training.epochs == 1


MISTAKES = [  # command line, what the answer must name
    ("model=logistic", ["data=mnist", "logistic is for binary", "one_vs_rest", "softmax"]),
    ("model=one_vs_rest data=boolean", ["binary", "logistic"]),
    ("model=regression", ["regression data", "multiclass", "softmax"]),
    ("model=softmax loss=log_loss", ["loss=log_loss", "loss=cross_entropy", "model=mlp"]),
    ("+experiment=xor model=logistic loss=squared_error", ["loss=squared_error", "loss=log_loss"]),
    ("model=softmax model.hidden=[3]", ["model.hidden=[3]", "no hidden layer", "model=mlp"]),
    ("model=softmx", ["model=softmx", "did you mean softmax?", "mlp", "one_vs_rest"]),
    ("model.preset=softmax", ["write model=softmax"]),
    ("loss=perceptrn", ["did you mean perceptron?"]),
]


@pytest.mark.parametrize(("line", "named"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_pair_that_makes_no_sense_is_one_line(line, named):
    answer = complaint(*line.split())
    assert all(word in answer for word in named), answer


def test_every_preset_has_its_file_and_runs_without_the_command_line_s_help():
    """`hydra.compose`, as in a notebook, and an experiment's `override /model` choose a preset too."""
    folder = schema.configuration_folder()
    assert {path.stem for path in (folder / "preset").glob("*.yaml")} == {"mlp", *schema.PRESETS}
    schema.register()
    with hydra.initialize_config_dir(str(folder), version_base="1.3"):
        found = validation.read(hydra.compose("config", ["model=softmax", "optimizer=adam"]))
        perceptron = validation.read(hydra.compose("config", ["model=perceptron", "data=boolean"]))
    assert (found.model.preset, found.loss.name, found.optimizer.name) == ("softmax", "cross_entropy", "adam")
    assert (perceptron.loss.name, perceptron.training.batch_size) == ("perceptron", "full")


def test_a_sweep_may_name_them_beside_a_network():
    assert normalize_overrides(["-m", "model=mlp,softmax", "+experiment=xor"]) == [
        "-m",
        "+experiment=xor",
        "+preset=mlp,softmax",
    ]
    assert normalize_overrides(["model=mlp", "debug=fast"]) == ["model=mlp", "+debug=fast"]
    assert read("+experiment=xor", "+preset=mlp").model.hidden == [4]


def test_nothing_is_taken_away_by_its_value():
    with pytest.raises(InputError, match=r"~seed=0: takes a value away. Allowed: seed=0, which sets it"):
        normalize_overrides(["~seed=0"])
