"""Which keys of a config are interpolated: another value of theirs changes more than themselves."""

import json
import re
from collections.abc import Collection
from operator import eq
from typing import Any

from omegaconf import DictConfig, OmegaConf

BRACES = re.compile(r"(\$?)\{([^{}]*)\}")  # innermost first
BETWEEN = re.compile(r"[\s():,'\"\\]+")
UNKNOWN = "\0"  # stands for what a nested interpolation gives


def mentioned(config: DictConfig, keys: Collection[str]) -> dict[str, str]:
    """The keys that an interpolation outside of Hydra's own node may read, each with the text of such a one."""
    content: Any = OmegaConf.to_container(config, resolve=False, enum_to_str=True)
    text = json.dumps({**content, "hydra": None}, default=str, ensure_ascii=False, skipkeys=True)
    reasons: dict[str, str] = {}
    while match := BRACES.search(text):
        dollar, inside = match.groups()
        for name in BETWEEN.split(inside.replace("[", ".").replace("]", "")) if dollar else []:
            known = name.partition(UNKNOWN)[0].rpartition(".")[0] if UNKNOWN in name else name
            value = ":" in inside and not known.strip(".")  # what a resolver is given besides names, such as a folder
            if not value and (known or UNKNOWN in name):
                reasons |= {key: match[0].replace(UNKNOWN, "...") for key in keys if _reads(known, key)}
        text = text[: match.start()] + (UNKNOWN if dollar else f" {inside} ") + text[match.end() :]
    return reasons


def _reads(name: str, key: str) -> bool:
    """Whether a name is the key, a parent or a part of it; a relative name may begin anywhere in the key."""
    names, parts = [part for part in name.split(".") if part], key.split(".")
    return any(all(map(eq, names, parts[start:])) for start in range(len(parts) if name.startswith(".") else 1))
