"""Users, passwords and tokens in addresses: the one rule for what may not be shown or recorded."""

import re
from collections.abc import Mapping
from typing import Any

# //USER:PASSWORD@ in an address; a password may have a slash or a space in it, the path behind //HOST:PORT an @.
USER = re.compile(r"//(?:[^/\s]*|[^/\s:@[]*:(?!\d+(?:[/\s]|$))[^@\n]*)@")
SECRET = re.compile(r"([?&][^=&#\s]*(?:passw|pwd|secret|token)[^=&#\s]*=)[^&#\s'\"]+", re.IGNORECASE)  # in its query


def without_passwords(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with no user or password left in any address, fit to be recorded."""
    return {key: _without_passwords(value) for key, value in settings.items()}


def _without_passwords(value: Any) -> Any:
    if isinstance(value, Mapping):
        return without_passwords(value)
    return without_password(value) if isinstance(value, str) else value


def without_password(text: str) -> str:
    """A text with //USER:PASSWORD@ and the value of ?password= taken out of every address in it."""
    return SECRET.sub(r"\1", USER.sub("//", text))
