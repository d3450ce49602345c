"""Users, passwords and tokens in addresses: the only rule for what may not be shown or recorded."""

import re
from collections.abc import Mapping
from typing import Any

# //USER:PASSWORD@ in an address. A password may contain a slash or a space, the path behind //HOST:PORT an @.
USER = re.compile(r"//(?:[^/\s]*|[^/\s:@[]*:(?!\d+(?:[/\s]|$))[^@\n]*)@")
# ?password=VALUE in the query of an address
SECRET = re.compile(r"([?&][^=&#\s]*(?:passw|pwd|secret|token)[^=&#\s]*=)[^&#\s'\"]+", re.IGNORECASE)


def remove_passwords(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings, flat or nested, without the users and passwords of the addresses in their values."""

    def clean(value: Any) -> Any:
        if isinstance(value, Mapping):
            return remove_passwords(value)
        return remove_password(value) if isinstance(value, str) else value

    return {key: clean(value) for key, value in settings.items()}


def remove_password(text: str) -> str:
    """Return a text without //USER:PASSWORD@, and without the value of ?password=, in every address."""
    return SECRET.sub(r"\1", USER.sub("//", text))
