"""What every command stands on: the settings, and a connection to the Redis that they name."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from typing import Any

import click

from .. import boot, config_file
from ..api import Connection, connection
from ..client import Client, configured, use_client, use_settings
from ..config import Config
from ..errors import BootError, StoreDenied
from ..plugin import host
from ..store.server import refuse_cluster
from .screen import is_terminal, note

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


def grounded(
    *, json: bool = True, requires: bool = False, acts: bool = False
) -> Callable[[Action], Action]:
    """Give a command the flags of ``kiq run`` for settings, and a :class:`Ground` as first argument.

    *json* adds ``--json``; *requires* says that it needs the application's job classes and plugins,
    *acts* that it changes something, which must not happen in a Redis that was only guessed.
    """

    def decorate(action: Action) -> Action:
        @functools.wraps(action)
        def command(path: str | None, environment: str | None, **rest: Any) -> Any:
            modules = list(rest.pop("require"))
            flags = {"environment": environment, "require": modules}
            given = {name: value for name, value in flags.items() if value}
            config = _settings(path, given, needed=requires or bool(modules), acts=acts)
            return action(_ground(config, requires, rest.pop("as_json", False)), **rest)

        for option in (*([_JSON] if json else []), _MODULES, _ENVIRONMENT, _FILE):
            command = option(command)
        return command

    return decorate


def _settings(path: str | None, flags: dict[str, Any], *, needed: bool, acts: bool) -> Config:
    """Return the settings as a worker has them: with what the application's code says.

    An application that is not *needed* may be elsewhere: then files and variables count alone. One that
    is here and can't be imported is told, and stops what *acts*. Raises BootError.
    """
    use_settings({**configured(), **config_file.started(path, flags)})
    config = config_file.settings(configured(), pending=True)
    boot.add_working_folder()
    modules = boot.modules_of(config)
    # What the variable says, no code overrides.
    spared = os.environ.get("KIQ_REDIS_URL") or not any(map(boot.is_there, modules))
    if not modules or (spared and not needed):
        return config
    try:
        with redirect_stdout(sys.stderr):  # what a script reads from us is to be ours
            boot.import_application(modules)
    except BootError as error:
        if needed or acts:
            why = "its code may say where Redis is; the variable KIQ_REDIS_URL says so without it"
            raise BootError(f"{error}\n{why}") from error
        place = f"{config.redis.masked_url} ({config.origins['redis.url']})"
        note(f"{error}\nlooking at {place}; its code may say otherwise")
        return config
    return replace(config_file.settings(configured(), pending=True), require=modules)


def _ground(config: Config, requires: bool, as_json: bool) -> Ground:
    if requires:
        boot.install_plugins(host, config.plugins, config.disable_plugins, config)
        use_client(_unbuffered(config))
    home = connection(config.redis)
    origin = config.origins["redis.url"]
    if origin == "default":
        note(f"looking at {home.where}: nothing says otherwise (REDIS_URL, a file, -r app.jobs)")
    elif is_terminal() and (not config.require or config.redis.namespace):
        note(f"looking at {home.where} ({origin})")
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
    return Client(
        config.redis, codec=config.codec, sidekiq=config.sidekiq, max_payload=config.max_payload
    )
