"""What the settings of a Django project say about kiq, put into effect."""

from __future__ import annotations

import difflib
from typing import Any

from django.conf import settings
from django.db import connections

from ... import plugin
from ...configure import configure
from ...errors import ConfigError
from ...plugins.after_commit import after_commit
from .connections import Connections
from .locale import carry_locale
from .transactions import ALL

_CONFIGURED = ("redis", "codec", "sidekiq", "max_payload", "push_buffer")
_PLACE = "KIQ, in the settings of Django"
_KNOWN = (*_CONFIGURED, "after_commit", "email_backend", "locale")


def attach() -> None:
    """Install the plugin, and apply the dict ``KIQ`` of the settings. Raises ConfigError."""
    given: Any = getattr(settings, "KIQ", {})
    if not isinstance(given, dict):
        raise ConfigError(f"{_PLACE}: it is a dict, such as {{'redis': '...'}}, not {given!r}")
    for name in given:
        if name not in _KNOWN:
            near = difflib.get_close_matches(str(name), _KNOWN, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(_KNOWN)}"
            raise ConfigError(f"{_PLACE}: unknown key {name!r}; {hint}")
    plugin.host.install(Connections())
    configured = {name: given[name] for name in _CONFIGURED if name in given}
    if configured:
        try:
            configure(**configured)
        except ConfigError as error:
            words = str(error).removeprefix("kiq.configure(...): ")
            raise ConfigError(f"{_PLACE}: {words}") from None
    database = given.get("after_commit", False)
    if database:
        after_commit.always(using=_transactions_of(database))
    if given.get("locale"):
        carry_locale()


def _transactions_of(database: Any) -> str:
    """Return whose transactions count: True means those of all databases."""
    if database is True or database == ALL:
        return ALL
    if database not in connections.settings:
        there = ", ".join(connections.settings)
        raise ConfigError(
            f"KIQ['after_commit'], in the settings of Django: there is no database {database!r}; "
            f"True means all of them, and there are: {there}"
        )
    return str(database)
