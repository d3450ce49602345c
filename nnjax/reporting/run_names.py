"""Names of runs and networks: the network, its optimizer, its data, and what distinguishes the run from others."""

from collections.abc import Mapping, Sequence
from typing import Any

ONE_LAYER = {  # (loss, whether it has one output) -> the lecture's name for a network without hidden layers
    ("perceptron", True): "perceptron",  # L17
    ("perceptron", False): "perceptron",
    ("log_loss", True): "logistic regression",  # L5, L19
    ("log_loss", False): "one-vs-rest",  # L6
    ("cross_entropy", False): "softmax regression",  # L7
    ("squared_error", True): "linear regression",  # L8
}
USUAL_LOSS = {True: "log_loss", False: "cross_entropy"}  # whether it has one output -> the loss that a name leaves out
TRAINING_GROUPS = ("model.", "data.", "optimizer.", "schedule", "training.")  # settings that train another network
NAMED_ELSEWHERE = (  # of those, the ones that another part of the name says, or that have no effect on the network
    "model.name",
    "model.hidden",
    *(
        f"data.{key}"
        for key in ("name", "source", "mirror", "directory", "path", "function", "expression", "table", "inputs")
    ),
    "training.gradient_check",
)
LONGEST_WORD = 40  # characters of one word in a name


def run_name(config: Mapping[str, Any], units: Sequence[int], data: str, typed: Sequence[str] = ()) -> str:
    """Return `mlp 2-4-1 adam XOR learning_rate=1 seed 0`: network, optimizer, data, settings, and the seed.

    units: of each layer, inputs first. data: Dataset.called. typed: the command line, such as
    `optimizer.learning_rate=1`.
    """
    words = [network(config["model"]["name"], config["loss"]["name"], units), config["optimizer"]["name"]]
    return " ".join([*words, shortened(data), *distinguishing_settings(typed), f"seed {config['seed']}"])


def shortened(text: str) -> str:
    """Return the first 40 characters of a text, since an expression or a table may be long."""
    return text if len(text) <= LONGEST_WORD else f"{text[: LONGEST_WORD - 3]}..."


def distinguishing_settings(typed: Sequence[str]) -> list[str]:
    """Return the settings of a command line that train another network and stand nowhere else in a name.

    Of a setting typed twice the last value counts. Groups are left out, except in data.seed: the run's seed ends the
    name.
    """
    settings = dict(word.lstrip("+").partition("=")[::2] for word in typed)
    keys = [key for key in settings if key.startswith(TRAINING_GROUPS) and not key.startswith(NAMED_ELSEWHERE)]
    return [shortened(f"{key if key == 'data.seed' else key.rpartition('.')[2]}={settings[key]}") for key in keys]


def network(model: str, loss: str, units: Sequence[int]) -> str:
    """Return the name of a network with its units by layer, and with its loss where the name doesn't imply it.

    `perceptron 2-1`, `softmax regression 784-10`, `mlp 784-300-100-10`, `mlp 2-4-1 squared_error`.
    """
    one_output = units[-1] == 1
    lecture_name = ONE_LAYER.get((loss, one_output)) if len(units) == 2 else None
    implied = lecture_name or loss == USUAL_LOSS[one_output]
    return " ".join([lecture_name or model, "-".join(map(str, units)), *([] if implied else [loss])])
