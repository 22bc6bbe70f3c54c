"""The extension: ``Kiq(app)``, or ``Kiq()`` and ``init_app(app)``."""

from __future__ import annotations

import difflib
from typing import Any

from flask import Flask

from ... import plugin
from ...configure import configure
from ...errors import ConfigError
from .command import command
from .contexts import Contexts

_CONFIGURED = ("redis", "codec", "sidekiq", "max_payload", "push_buffer")
_PLACE = "KIQ, in the config of the application"


class Kiq:
    """Attaches kiq to an application of Flask.

    ``app.config["KIQ"]`` is a dict of what :func:`kiq.configure` takes. Jobs run in contexts of the
    application; of several in one process, in those of the last one. Touches no network.
    """

    def __init__(self, app: Flask | None = None) -> None:
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Attach to *app*. Raises ConfigError."""
        given: Any = app.config.get("KIQ", {})
        if not isinstance(given, dict):
            raise ConfigError(f"{_PLACE}: it is a dict, such as {{'redis': '...'}}, not {given!r}")
        for name in given:
            if name not in _CONFIGURED:
                near = difflib.get_close_matches(str(name), _CONFIGURED, 1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are: {_CONFIGURED}"
                raise ConfigError(f"{_PLACE}: unknown key {name!r}; {hint}")
        if given:
            try:
                configure(**given)
            except ConfigError as error:
                words = str(error).removeprefix("kiq.configure(...): ")
                raise ConfigError(f"{_PLACE}: {words}") from None
        known = plugin.host.plugins.get(Contexts.name)
        if isinstance(known, Contexts):
            known.app = app
        else:
            plugin.host.install(Contexts(app))
        app.extensions["kiq"] = self
        app.cli.add_command(command)
