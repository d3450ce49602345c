"""A run's settings compared with the defaults, and the command that has all of these settings."""

import re
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from omegaconf import OmegaConf

from nnjax.config import schema
from nnjax.config.lanes import affects_result, format_override
from nnjax.config.schema import flatten

# Text that Hydra reads as text without quotes
PLAIN = re.compile(r"(?!(true|false|null|nan|inf)$)[a-z_./][\w./:+-]*", re.IGNORECASE)
BY_GROUP = ("name", "preset")  # keys that no one sets: they follow from an option such as optimizer=adam, model=softmax


class Setting(NamedTuple):
    """A setting with its value and its default, which is None for keys without one such as tracking.tags.team."""

    key: str
    value: Any
    default: Any

    @property
    def differs(self) -> bool:
        """Whether the value is not the default."""
        return bool(self.value != self.default)


def compare_with_defaults(settings: Mapping[str, Any]) -> list[Setting]:
    """Return all settings of a nested configuration, first those that results depend on."""
    defaults = flatten(default_settings(settings))
    compared = [Setting(key, value, defaults.get(key)) for key, value in flatten(settings).items()]
    return sorted(compared, key=lambda setting: not affects_result(setting.key))


def default_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nested defaults for the options that were chosen: adam's values for adam, but optimizer.name sgd.

    For one of the lecture's names, such as model=perceptron, these are the values that the name sets. The files are
    read one by one, since composing them by Hydra takes five times as long.
    """
    conf = schema.configuration_folder()
    main: Any = OmegaConf.load(conf / "config.yaml")
    options = _chosen_options(main)
    files = {group: conf / group / f"{settings[group].get('name', option)}.yaml" for group, option in options.items()}
    groups: dict[str, Any] = {  # a loss has no settings, so it may have no file
        group: OmegaConf.load(file) if file.exists() else OmegaConf.create({"name": ""})
        for group, file in files.items()
    }
    preset: Any = OmegaConf.load(conf / "preset" / f"{settings['model'].get('preset') or 'mlp'}.yaml")
    options |= {group.removeprefix("override /"): option for group, option in _chosen_options(preset).items()}
    for group, values in groups.items():
        if "name" in values:
            values["name"] = options[group]
        groups[group] = OmegaConf.merge(values, preset.get(group, {}))
        groups[group].pop("defaults", None)
    without_options = {key: main[key] for key in main if key in settings and key not in options}
    composed: Any = OmegaConf.to_container(OmegaConf.create({**without_options, **groups}), resolve=True)
    composed["model"]["preset"] = None
    return dict(composed)


def _chosen_options(file: Any) -> dict[str, str]:
    """Return group -> option of a file's defaults list."""
    entries = file.get("defaults", [])
    return {group: option for entry in entries if OmegaConf.is_dict(entry) for group, option in entry.items()}


def format_command(settings: Mapping[str, Any]) -> str:
    """Return the command for a run with these nested settings, without the file of its experiment.

    Settings that change no result are left out.
    """
    words = []
    for key, value, default in compare_with_defaults(settings):
        group, _, name = key.rpartition(".")
        if value != default and affects_result(key):
            words.append(f"{group}={value}" if name in BY_GROUP else f"{key}={quote_override(value)}")
    return " ".join(["python -m nnjax.train", *map(shlex.quote, words)])


def quote_override(value: Any) -> str:
    """Return a value as Hydra reads it back: text that looks like another value, such as 0110, in double quotes."""
    if not isinstance(value, str) or PLAIN.fullmatch(value):
        return format_override(value)
    escaped = re.sub(r'(\\*)("|$)', lambda match: match[1] * 2 + (match[2] and '\\"'), value)
    return f'"{escaped}"'
