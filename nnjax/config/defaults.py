"""A run's settings beside the defaults, and the command that has them all."""

import re
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from nnjax.config import schema
from nnjax.config.lanes import affects_result, format_override
from nnjax.config.schema import flatten

PLAIN = re.compile(r"(?!(true|false|null|nan|inf)$)[a-z_./][\w./:+-]*", re.IGNORECASE)  # text that needs no quotes
CHOSEN = ("name", "preset")  # keys that are not set but follow from what was chosen: optimizer=adam, model=softmax


class Setting(NamedTuple):
    """A setting, its value and its default; None where there is none, as for tracking.tags.team."""

    key: str
    value: Any
    default: Any

    @property
    def differs(self) -> bool:
        """Whether it is another than the default."""
        return bool(self.value != self.default)


def beside_defaults(settings: Mapping[str, Any]) -> list[Setting]:
    """All settings, nested as in config.yaml: first those that results depend on."""
    usual = flatten(defaults(settings))
    found = [Setting(key, value, usual.get(key)) for key, value in flatten(settings).items()]
    return sorted(found, key=lambda setting: not affects_result(setting.key))


def defaults(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What conf/ has where these options are chosen: adam's values for a run with adam, but sgd as optimizer.name.

    Under one of the lecture's names, such as model=perceptron, it is what that name sets.
    """
    tree = schema.configuration_folder()
    whole: Any = OmegaConf.load(tree / "config.yaml")
    options = chosen(whole)
    given = {group: settings[group].get("name", option) for group, option in options.items()}
    files = {group: tree / group / f"{option}.yaml" for group, option in given.items()}
    groups: dict[str, Any] = {  # a loss has no settings, so it may have no file
        group: OmegaConf.load(file) if file.exists() else OmegaConf.create({"name": ""})
        for group, file in files.items()
    }
    preset: Any = OmegaConf.load(tree / "preset" / f"{settings['model'].get('preset') or 'mlp'}.yaml")
    options |= {group.removeprefix("override /"): option for group, option in chosen(preset).items()}
    for group, values in groups.items():
        if "name" in values:
            values["name"] = options[group]
        groups[group] = OmegaConf.merge(values, preset.get(group, {}))
        groups[group].pop("defaults", None)
    single = {key: whole[key] for key in whole if key in settings and key not in options}
    found: Any = OmegaConf.to_container(OmegaConf.create({**single, **groups}), resolve=True)
    found["model"]["preset"] = None
    return dict(found)


def chosen(file: Any) -> dict[str, str]:
    """Group -> option of a file's defaults list."""
    entries = file.get("defaults", [])
    return {group: option for entry in entries if OmegaConf.is_dict(entry) for group, option in entry.items()}


def command(settings: Mapping[str, Any]) -> str:
    """What to type for a run with these settings, as far as results depend on them, without its experiment's file."""
    differing = [each for each in beside_defaults(settings) if each.differs and affects_result(each.key)]
    words = []
    for key, value, _ in differing:
        group, _, name = key.rpartition(".")
        words.append(f"{group}={value}" if name in CHOSEN else f"{key}={quoted(value)}")
    return " ".join(["python -m nnjax.train", *map(shlex.quote, words)])


def quoted(value: Any) -> str:
    """A value as Hydra reads it back: text that could be something else, such as 0110, in double quotes."""
    if not isinstance(value, str) or PLAIN.fullmatch(value):
        return format_override(value)
    inside = re.sub(r'(\\*)("|$)', lambda found: found[1] * 2 + (found[2] and '\\"'), value)
    return f'"{inside}"'
