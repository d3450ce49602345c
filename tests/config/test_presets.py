"""model=NAME, the lecture's names for a model and its loss: what each name sets, and what it excludes."""

import pytest

from nnjax.config import composition, schema, validation
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
    config = read(*line.split())
    assert (config.loss.name, config.model.hidden) == (loss, hidden)
    assert config.model.name == "mlp"
    assert config.model.preset == (
        None if "mlp" in line else line.replace("preset=", "model=").split("model=")[1].split()[0]
    )


def test_the_perceptron_is_that_of_the_lecture():
    """L17: theta = 0, batch, alpha Delta, until ||Delta|| < epsilon; and other overrides still count."""
    for line in ("model=perceptron", "+experiment=xor model=perceptron", "model=perceptron +experiment=mnist"):
        config = read(*line.split())
        assert (config.model.init, config.training.batch_size, config.optimizer.name) == ("zeros", "full", "sgd")
        assert (config.optimizer.learning_rate, config.schedule.name) == (1.0, "constant")
        assert config.training.tolerance > 0
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
    ("model=softmx", ["model=softmx", "Did you mean softmax?", "mlp", "one_vs_rest"]),
    ("model.preset=softmax", ["Allowed: model=softmax."]),
    ("loss=perceptrn", ["Did you mean perceptron?"]),
]


@pytest.mark.parametrize(("line", "named"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_settings_that_a_name_excludes_are_refused_in_one_line(line, named):
    answer = complaint(*line.split())
    assert all(word in answer for word in named), answer


def test_every_preset_has_its_file_and_needs_no_rewritten_command_line():
    """`hydra.compose`, as in a notebook, and an experiment's `override /model` choose a preset too."""
    folder = schema.configuration_folder()
    assert {path.stem for path in (folder / "preset").glob("*.yaml")} == {"mlp", *schema.PRESETS}
    config = validation.to_config(composition.compose(["model=softmax", "optimizer=adam"]))
    perceptron = validation.to_config(composition.compose(["model=perceptron", "data=boolean"]))
    assert (config.model.preset, config.loss.name, config.optimizer.name) == ("softmax", "cross_entropy", "adam")
    assert (perceptron.loss.name, perceptron.training.batch_size) == ("perceptron", "full")


def test_a_sweep_may_list_lecture_names_and_models():
    assert normalize_overrides(["-m", "model=mlp,softmax", "+experiment=xor"]) == [
        "-m",
        "+experiment=xor",
        "+preset=mlp,softmax",
    ]
    assert normalize_overrides(["model=mlp", "debug=fast"]) == ["model=mlp", "+debug=fast"]
    assert read("+experiment=xor", "+preset=mlp").model.hidden == [4]


def test_an_override_that_takes_a_value_away_is_refused():
    with pytest.raises(InputError, match=r"^~seed=0 takes a value away\. Allowed: seed=0, which sets it\.$"):
        normalize_overrides(["~seed=0"])
