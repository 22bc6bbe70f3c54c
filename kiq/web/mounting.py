"""From arguments of a program to an application that is mounted in it."""

from __future__ import annotations

import functools
import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from .. import config_file
from ..api import connection
from ..client import Client, configured, process_client
from ..config import Config, Redis
from ..errors import ConfigError
from .application import Application
from .fleets import Fleet
from .sections import all_sections
from .visitors import Policy

MAIN = "main"


def wsgi(
    *,
    policy: Policy,
    redis: Any = None,
    fleets: Mapping[str, Any] | None = None,
    environment: str = "",
    secret: str = "",
    hosts: Collection[str] = (),
) -> Application:
    """Return the UI as a WSGI application, to be mounted under any prefix.

    *policy* says who asks, and None for somebody who may not look: see :func:`kiq.web.visitor`. *redis* is
    what :func:`kiq.api.connection` takes (None: where this program pushes); *fleets* are several of these,
    by the name to show. *environment* is shown on each page; by default it is that of the settings.
    *secret* is for several processes behind one address whose users come by plain http. *hosts* are the
    names that it may be called by, where no login stands before it.

    Raises ConfigError. Nothing is asked of Redis before the first request.
    """
    if fleets is not None and redis is not None:
        raise ConfigError("kiq.web takes redis= or fleets=, not both")
    named = {MAIN: redis} if fleets is None else dict(fleets)
    if not named:
        raise ConfigError("fleets= is empty: the web UI has nothing to show")
    made = [fleet_of(name, source, environment) for name, source in named.items()]
    return Application(made, policy, all_sections(), secret=secret, hosts=hosts)


def fleet_of(name: str, source: Any, environment: str = "") -> Fleet:
    """Return a fleet on *source*, with the settings of this program for the rest."""
    config = config_file.settings(configured(), pending=True)
    if isinstance(source, str):
        config = replace(config, redis=Redis(url=source))
    elif isinstance(source, Redis):
        config = replace(config, redis=source)
    shown = environment or os.environ.get("KIQ_ENV", "") or config.environment
    pushes_by = functools.partial(_client_of, source, config)
    return Fleet(name, connection(source), config, shown, pushes_by)


def _client_of(source: Any, config: Config) -> Client:
    if source is None:
        return process_client()
    if isinstance(source, Client):
        return source
    given = config.redis if isinstance(source, str | Redis) else source
    return Client(given, codec=config.codec, sidekiq=config.sidekiq, max_payload=config.max_payload)
