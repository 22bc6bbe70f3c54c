"""The stand-alone server: waitress, on loopback unless a login stands before it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import waitress

from ..errors import ConfigError
from .application import Application
from .mounting import MAIN, fleet_of
from .passwords import Passwords, line_of, token_line
from .proxies import BehindProxies
from .sections import all_sections
from .visitors import Policy, everyone

__all__ = ["Door", "line_of", "server", "token_line"]

THREADS = 8
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Door:
    """How the server is reached: *host*, *port*, who may look, and by which names it may be called.

    *prefix* is where a proxy has it, *proxies* are those whose ``X-Forwarded-*`` count.
    """

    host: str
    port: int
    role: str = "admin"
    passwords: Path | None = None
    insecure: bool = False
    names: Collection[str] = ()
    prefix: str = ""
    proxies: Collection[str] = ()

    def policy(self) -> tuple[Policy, Collection[str]]:
        """Return who may look, and the names that requests must use (none: any).

        Raises ConfigError for an address that others reach while nobody is asked for a password.
        """
        if self.passwords is not None:
            return Passwords(self.passwords), self.names
        if self.insecure:
            return everyone(self.role), self.names
        if not _is_loopback(self.host):
            raise ConfigError(
                f"{self.host} can be reached from elsewhere, and nobody would be asked for a password:"
                " name a file with --password-file, or say --insecure where something else stands before"
            )
        return everyone(self.role), {*_LOOPBACK, self.host, *self.names}


def server(door: Door, fleets: Mapping[str, Any], environment: str = "") -> Any:
    """Return a server that is bound and not running yet: ``run()`` runs it, ``close()`` ends it.

    *fleets* are what :func:`kiq.web.wsgi` takes. Raises ConfigError, also for an address in use.
    """
    policy, hosts = door.policy()
    made = [
        fleet_of(name, source, environment) for name, source in (fleets or {MAIN: None}).items()
    ]
    application = Application(made, policy, all_sections(), hosts=hosts)
    try:
        make: Callable[..., Any] = waitress.create_server
        return make(
            BehindProxies(application, door.proxies) if door.proxies else application,
            host=door.host,
            port=door.port,
            threads=THREADS,
            ident="kiq",
            url_prefix=door.prefix,
            clear_untrusted_proxy_headers=not door.proxies,
        )
    except OSError as error:
        raise ConfigError(f"{door.host}:{door.port} can't be listened at: {error}") from error


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
