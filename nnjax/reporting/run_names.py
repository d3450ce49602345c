"""What runs and networks are called: the network, its optimizer, its data, and what tells it from other runs."""

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
