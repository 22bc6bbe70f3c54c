"""What a URL says besides the place: its user, its database and its parameters, as settings."""

from __future__ import annotations

from typing import Any

from ..redis_url import parse
from .schema import REDIS_REFUSED, SETTINGS, suggestion
from .tree import Invalid, Leaf

#: What may stand in a URL: the settings, by the names that redis-py has for them there.
_ALLOWED = {
    name.removeprefix("redis."): name
    for name in SETTINGS
    if name.startswith("redis.") and name not in ("redis.url", "redis.connect_timeout")
} | {"socket_connect_timeout": "redis.connect_timeout"}


def said_by(url: str) -> tuple[dict[str, Any], list[str]]:
    """Return the settings that *url* gives, by their names under ``redis``, and what is wrong with them."""
    values: dict[str, Any] = {}
    faults = []
    for written, text in parse(url).says.items():
        if written in _ALLOWED:
            setting = _ALLOWED[written]
            try:
                values[setting.removeprefix("redis.")] = SETTINGS[setting].read(Leaf(text))
            except Invalid as error:
                faults.append(f"has a wrong {written}: it {error}")
        elif written in REDIS_REFUSED:
            why = REDIS_REFUSED[written]
            faults.append(f"has a parameter that is not for you to set, {written}: {why}")
        else:
            near = suggestion(written, _ALLOWED)
            faults.append(f"has the unknown parameter {written}{near}")
    return values, faults
