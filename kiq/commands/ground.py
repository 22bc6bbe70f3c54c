"""What every command stands on: the settings, and a connection to the Redis that they name."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import click

from .. import boot, config_file
from ..api import Connection, connection
from ..client import Client, codec_in_use, configured, sidekiq_in_use, use_client, use_settings
from ..config import SHARED, Config
from ..errors import StoreDenied
from ..plugin import host
from ..store.server import refuse_cluster

Action = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Ground:
    """The settings of this command, and where it reads and writes. *as_json* is what ``--json`` said."""

    config: Config
    home: Connection
    as_json: bool = False

    @property
    def dead_limits(self) -> dict[str, Any]:
        """What the sorted sets must know, so that a kill trims the dead set as a worker would."""
        config = self.config
        return {"dead_max_jobs": config.dead_max_jobs, "dead_timeout": config.dead_timeout}


_FILE = click.option(
    *("-C", "--config", "path"), metavar="FILE", help="The file (default config/kiq.yml)."
)
_ENVIRONMENT = click.option(
    *("-e", "--environment"), metavar="NAME", help="The environment (default development)."
)
_MODULES = click.option(
    *("-r", "--require"), multiple=True, metavar="MODULE", help="What to import: your job classes."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON document, for scripts.")


def grounded(*, json: bool = True, requires: bool = False) -> Callable[[Action], Action]:
    """Give a command the flags of ``kiq run`` for settings, and a :class:`Ground` as first argument.

    *json* adds ``--json``; *requires* adds ``-r``, and imports the application before the command.
    """

    def decorate(action: Action) -> Action:
        @functools.wraps(action)
        def command(path: str | None, environment: str | None, **rest: Any) -> Any:
            modules = rest.pop("require", None)
            return action(_ground(path, environment, modules, rest.pop("as_json", False)), **rest)

        for option in (*([_JSON] if json else []), *([_MODULES] if requires else [])):
            command = option(command)
        return _FILE(_ENVIRONMENT(command))

    return decorate


def _ground(
    path: str | None, environment: str | None, modules: Sequence[str] | None, as_json: bool
) -> Ground:
    flags: dict[str, Any] = {"environment": environment, "require": list(modules or ())}
    config = config_file.load(path, flags={key: value for key, value in flags.items() if value})
    use_settings({name: getattr(config, name) for name in SHARED})
    if modules is not None and config.require:
        boot.add_working_folder()
        boot.import_application(config.require)  # its kiq.configure() counts from here on
        boot.install_plugins(host, config.plugins, config.disable_plugins)
    if modules is not None:
        use_client(_unbuffered(config))
    home = connection() if modules is not None else connection(config.redis)
    _refuse_cluster(home)
    return Ground(config, home, as_json)


def _refuse_cluster(home: Connection) -> None:
    """Raise StoreUnsuitable for a Redis in cluster mode: what lies on this node would look like all."""
    try:
        refuse_cluster(home.call(("INFO", "cluster")), home.where)
    except StoreDenied:
        pass  # a user who may not ask is told what else it may not by what follows


def _unbuffered(config: Config) -> Client:
    """Return the client that the settings ask for, but without a push buffer.

    A command ends at once, and what it kept in memory until Redis is back would end with it.
    """
    settings = configured()
    redis = config.redis if os.environ.get("KIQ_REDIS_URL") else settings["redis"]
    return Client(
        redis,
        codec=codec_in_use(),
        sidekiq=sidekiq_in_use(),
        max_payload=settings["max_payload"],
    )
