"""The schema of conf/: one dataclass per option of a group, with the bounds of its settings.

The values stand in the YAML files. `validation.to_config` turns a composed configuration into plain records of these
classes; the rest of the program never sees Hydra's DictConfig.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar, get_type_hints

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING


def names_in(path: str, table: str) -> dict[str, dict[str, Any]]:
    """Return the keys of a table of nnjax, each with the keyword arguments of its entry that are literals.

    The tables of network/ import JAX, which takes a second; a mistake in a setting is answered before that. So their
    source is read, and each name stands in one place.
    """
    tree = ast.parse((Path(__file__).parents[1] / path).read_text(encoding="utf-8"))
    (entries,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and ast.unparse(node).startswith((f"{table} =", f"{table}:"))
    ]
    assert isinstance(entries, ast.Dict)
    names = [ast.literal_eval(key) for key in entries.keys if key is not None]
    words = [getattr(entry, "keywords", ()) for entry in entries.values]
    literal = (ast.Constant, ast.Tuple)
    return {
        name: {word.arg: ast.literal_eval(word.value) for word in entry if isinstance(word.value, literal)}
        for name, entry in zip(names, words, strict=True)
    }


ACTIVATIONS = tuple(names_in("network/activations.py", "ACTIVATIONS"))
POOLINGS = tuple(names_in("network/layers/pooling.py", "POOLINGS"))
INITIALIZERS = tuple(names_in("network/initializers.py", "INITIALIZERS"))
TASKS = {name: entry["tasks"] for name, entry in names_in("network/losses.py", "LOSSES").items()}
PRESETS = {  # the lecture's name for an mlp -> its loss, the tasks it can be trained on, whether it has hidden layers
    "perceptron": ("perceptron", ("binary", "multiclass"), False),  # L17
    "logistic": ("log_loss", ("binary",), False),  # L5, L19
    "softmax": ("cross_entropy", ("binary", "multiclass"), False),  # L7
    "one_vs_rest": ("log_loss", ("multiclass",), False),  # L6
    "regression": ("squared_error", ("regression",), True),  # L8
}
PLUGINS = {
    "cuda": ("jax_cuda12_plugin", "jax_cuda13_plugin"),
    "tpu": ("libtpu",),
}  # packages that JAX needs for a platform
LARGEST_SEED = 2**32 - 1
STRATEGIES = ("auto", "vmap", "map")
PRECISIONS = ("float32", "float64", "bfloat16")
OBJECTIVES = tuple(f"{part}/{name}" for part in ("validation", "train") for name in ("loss", "accuracy", "rmse", "r2"))


def number(
    at_least: float | None = None,
    above: float | None = None,
    at_most: float | None = None,
    below: float | None = None,
    lane: bool = False,
) -> Any:
    """Return a field for a finite number, or a list of them, within bounds. lane: as for `lane_number`."""
    bounds = {"at_least": at_least, "above": above, "at_most": at_most, "below": below}
    return field(default=MISSING, metadata={**bounds, "lane": lane})


def lane_number(**bounds: float) -> Any:
    """Return a field for a number that is traced, so that the lanes of one program may differ in it."""
    return number(**bounds, lane=True)


def one_of(allowed: Sequence[str]) -> Any:
    """Return a field for one of these words."""
    return field(default=MISSING, metadata={"allowed": allowed})


def number_or_word(*allowed: str) -> Any:
    """Return a field for a number of at least 1, or one of these words."""
    return field(default=MISSING, metadata={"at_least": 1, "words": allowed})


def epochs_or_seconds() -> Any:
    """Return a field for a number of epochs, or of seconds such as 60s."""
    form, example = r"\d+(\.\d+)?s", "a number of epochs such as 5, or of seconds such as 60s"
    return field(default=MISSING, metadata={"at_least": 1, "form": form, "example": example})


class ModelSettings:
    """The settings of a model in network.models.MODELS. Its class has the model's name."""


class DataSettings:
    """The settings of a source in data.sources.SOURCES. Its class has the source's name, in CamelCase.

    Attributes:
        fixed_task: what the data are, `binary`, `multiclass` or `regression`; None if only the data say it.
    """

    fixed_task: ClassVar[str | None] = None


@dataclass
class Mlp(ModelSettings):
    name: str = MISSING
    preset: str | None = field(default=None, metadata={"allowed": tuple(PRESETS)})
    hidden: list[int] = number(at_least=1, at_most=1_000_000)
    activation: str = one_of(ACTIVATIONS)
    init: str = one_of(INITIALIZERS)
    init_scale: float = lane_number(at_least=0)


@dataclass
class Lenet5(ModelSettings):
    name: str = MISSING
    pooling: str = one_of(POOLINGS)
    activation: str = one_of(ACTIVATIONS)
    init: str = one_of(INITIALIZERS)
    init_scale: float = lane_number(at_least=0)


@dataclass
class Loss:
    name: str = one_of(tuple(TASKS))


@dataclass
class Mnist(DataSettings):
    fixed_task: ClassVar[str | None] = "multiclass"
    name: str = MISSING
    source: str = one_of(("auto", "tfds", "bundled"))
    mirror: str | None = MISSING
    directory: str | None = MISSING
    seed: int = number(at_least=0, at_most=LARGEST_SEED)
    train_size: int | None = number(at_least=1)
    validation_size: int | float = number(at_least=0)
    image_size: int = number(at_least=20, at_most=28)
    label_noise: float = lane_number(at_least=0, at_most=1)


@dataclass
class FashionMnist(Mnist):
    pass


@dataclass
class Boolean(DataSettings):
    fixed_task: ClassVar[str | None] = "binary"
    name: str = MISSING
    function: str | None = MISSING
    expression: str | None = MISSING
    table: str | None = MISSING
    inputs: int | None = number(at_least=1, at_most=12)
    samples: int | None = number(at_least=1, at_most=10_000_000)
    test_size: int | float = number(at_least=0)
    seed: int = number(at_least=0, at_most=LARGEST_SEED)
    label_noise: float = lane_number(at_least=0, at_most=1)


@dataclass
class File(DataSettings):
    name: str = MISSING
    path: str | None = MISSING
    target: str = MISSING
    task: str = one_of(("auto", "classification", "regression"))
    scale: bool = MISSING
    seed: int = number(at_least=0, at_most=LARGEST_SEED)
    train_size: int | None = number(at_least=1)
    validation_size: int | float = number(at_least=0)
    test_size: int | float = number(above=0)
    label_noise: float = lane_number(at_least=0, at_most=1)


@dataclass
class Optimizer:
    name: str = MISSING
    learning_rate: float = lane_number(above=0)


@dataclass
class Momentum(Optimizer):
    momentum: float = lane_number(at_least=0, at_most=1)


@dataclass
class Adam(Optimizer):
    b1: float = lane_number(at_least=0, below=1)
    b2: float = lane_number(at_least=0, below=1)
    eps: float = lane_number(above=0)


@dataclass
class AdamW(Adam):
    weight_decay: float = lane_number(at_least=0)


@dataclass
class RmsProp(Optimizer):
    decay: float = lane_number(at_least=0, below=1)
    eps: float = lane_number(above=0)


@dataclass
class Schedule:
    name: str = MISSING


@dataclass
class Cosine(Schedule):
    final: float = number(at_least=0, at_most=1)


@dataclass
class WarmupCosine(Cosine):
    warmup: int = number(at_least=1)


@dataclass
class Step(Schedule):
    every: int = number(at_least=1)
    factor: float = number(above=0, at_most=1)


@dataclass
class Training:
    epochs: int = number(at_least=1)
    batch_size: int | str = number_or_word("full")
    limit_batches: int | None = number(at_least=1)
    shuffle_seed: int | None = lane_number(at_least=0, at_most=LARGEST_SEED)
    l2: float = lane_number(at_least=0)
    clip_norm: float | None = lane_number(above=0)
    gradients: str = one_of(("backprop", "autodiff"))
    gradient_check: bool = MISSING
    tolerance: float = lane_number(at_least=0)
    patience: int | None = lane_number(at_least=1)
    keep: str = one_of(("last", "best"))


@dataclass
class Lanes:
    strategy: str = one_of(STRATEGIES)
    max: int | None = number(at_least=1)
    seeds: int = number(at_least=1, at_most=1_000_000)
    values: Any = None
    record: str = one_of(("auto", "runs", "table"))


@dataclass
class Checkpoint:
    every: int | str | None = epochs_or_seconds()


@dataclass
class Sweep:
    name: str | None = MISSING


@dataclass
class Tracking:
    enabled: bool = MISSING
    uri: str | None = MISSING
    experiment: str | None = MISSING
    run_name: str | None = MISSING
    tags: dict[str, str] = field(default_factory=dict)
    figures: bool = MISSING
    model: bool = MISSING
    report: bool = True  # the default for runs of earlier versions


@dataclass
class Runtime:
    platform: str = one_of(("auto", "cpu", "cuda", "tpu"))
    precision: str = one_of(PRECISIONS)
    devices: int | None = number(at_least=1)
    compile_cache: str | None = MISSING
    profile: bool = MISSING


def options(base: type) -> dict[str, type]:
    """Return the classes of settings below a class by name: FashionMnist is fashion_mnist."""
    classes: dict[str, type] = {}
    settings: type
    for settings in base.__subclasses__():
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", settings.__name__).lower()
        classes |= {name: settings} | options(settings)
    return classes


@dataclass
class Config:
    seed: int = lane_number(at_least=0, at_most=LARGEST_SEED)
    model: Any = MISSING
    loss: Any = MISSING
    data: Any = MISSING
    optimizer: Any = MISSING
    schedule: Any = MISSING
    training: Any = MISSING
    lanes: Any = MISSING
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    resume: str | None = MISSING
    sweep: Sweep = field(default_factory=Sweep)
    objective: str | None = one_of(OBJECTIVES)
    tracking: Any = MISSING
    runtime: Any = MISSING


OPTIONS: dict[str, dict[str, type]] = {
    "model": options(ModelSettings),
    "loss": dict.fromkeys(TASKS, Loss),
    "data": options(DataSettings),
    "optimizer": {
        "sgd": Optimizer,
        "momentum": Momentum,
        "nesterov": Momentum,
        "adam": Adam,
        "adamw": AdamW,
        "rmsprop": RmsProp,
    },
    "schedule": {"constant": Schedule, "cosine": Cosine, "step": Step, "warmup_cosine": WarmupCosine},
    "training": {"default": Training},
    "lanes": {"default": Lanes},
    "tracking": {"mlflow": Tracking},
    "runtime": {"default": Runtime},
}


def setting_fields() -> dict[str, Field[Any]]:
    """Return the field of every setting by its dotted key; of a key that several options have, the first option's."""
    schemas = {group: [*options.values()] for group, options in OPTIONS.items()}
    schemas |= {group: [schema] for group, schema in groups_without_options().items()}
    by_key = {entry.name: entry for entry in fields(Config) if entry.name not in schemas}
    for group, options in schemas.items():
        for entry in (entry for schema in options for entry in fields(schema)):
            by_key.setdefault(f"{group}.{entry.name}", entry)
    return by_key


def lane_keys() -> tuple[str, ...]:
    """Return the dotted keys of all settings in which lanes of one program may differ."""
    return tuple(key for key, entry in setting_fields().items() if entry.metadata.get("lane"))


def data_settings(config: Config) -> dict[str, Any]:
    """Return the settings that the data source takes. Label noise is not one of them: training adds it."""
    return {key: value for key, value in vars(config.data).items() if key != "label_noise"}


def from_settings(settings: Mapping[str, Any]) -> Config:
    """Return the records of nested settings, which `dataclasses.asdict` made of such records."""
    groups = {
        group: options.get(settings[group].get("name"), next(iter(options.values())))(**settings[group])
        for group, options in OPTIONS.items()
    }
    nested = {name: schema(**settings[name]) for name, schema in groups_without_options().items() if name in settings}
    return Config(**{**settings, **groups, **nested})


def flatten(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one level of dotted keys: {"model": {"name": "mlp"}} -> {"model.name": "mlp"}."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def groups_without_options() -> dict[str, Any]:
    """Return the schemas of the groups that have one form only, by name, such as sweep."""
    return {name: schema for name, schema in get_type_hints(Config).items() if is_dataclass(schema)}


def register() -> None:
    """Register the schema and the names of PRESETS with Hydra: conf/GROUP/OPTION.yaml extends /schema/GROUP/OPTION."""
    store = ConfigStore.instance()
    store.store(group="schema", name="config", node=Config)
    for group, schemas in OPTIONS.items():
        for option, schema in schemas.items():
            store.store(group=f"schema/{group}", name=option, node=schema)
    described = {path.stem for path in (configuration_folder() / "loss").glob("*.yaml")}
    for loss in {*TASKS} - described:  # a loss has no settings, so it needs no file
        store.store(group="loss", name=loss, node={"defaults": [f"/schema/loss/{loss}@_here_"], "name": loss})
    for preset in PRESETS:
        store.store(group="model", name=preset, node={"defaults": ["mlp", {"/preset": preset}]})


def configuration_folder() -> Path:
    """Return the folder of the Hydra tree: conf/ of a checkout, or nnjax/conf of an installed wheel."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"
