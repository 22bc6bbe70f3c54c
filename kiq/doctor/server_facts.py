"""What Redis says about itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .. import keys
from ..api import Connection
from ..cli import needs
from ..clock import steady, wall
from ..errors import StoreDenied, StoreError, StoreUnavailable

_SETTINGS = (
    "maxmemory-policy",
    "save",
    "appendfsync",
    "maxclients",
    "timeout",
    "protected-mode",
    "client-output-buffer-limit",
)
_PINGS, _WRITES = 11, 5
_PROBE_TTL = 1000  # milliseconds


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """Times are seconds. *settings* lacks what the user may not read; *refused* names such commands.

    *clock_ahead* is Redis's clock minus ours, and *uncertain* how far it may be off.
    *clients* counts connections by their name, where that may be asked. *write_refused* is why a small
    write was.
    """

    info: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    round_trip: float = 0.0
    slowest_write: float | None = None
    write_refused: str = ""
    clock_ahead: float = 0.0
    uncertain: float = 0.0
    clients: Mapping[str, int] = field(default_factory=dict)
    missing: needs.Refusals = field(default_factory=needs.Refusals)

    def number(self, name: str) -> int:
        """Return the number that INFO gives for *name*; 0 where it gives none."""
        try:
            return int(self.info.get(name, "0"))
        except ValueError:
            return 0


def gather_server(home: Connection, *, only_look: bool = False) -> ServerFacts:
    """Ask Redis, in some thirty round trips. Raises StoreUnavailable.

    Unless it is to *only_look* it writes one small key five times, and tries each command of a worker.
    """
    refused: list[str] = []

    def ask(name: str, *command: Any) -> Any:
        try:
            return home.call(command)
        except StoreUnavailable:
            raise
        except StoreError:
            refused.append(name)
            return None

    info = _fields(ask("INFO", "INFO"))
    settings: dict[str, str] = {}
    for name in _SETTINGS:
        reply = ask("CONFIG GET", "CONFIG", "GET", name)
        if reply:
            settings[name] = _text(reply[1])
    ask("EVAL", "EVAL", "return 1", 0)
    round_trip = sorted(_timed(home, ("PING",)) for _ in range(_PINGS))[_PINGS // 2]
    ahead, uncertain = _clock(ask)
    slowest, write_refused = (None, "") if only_look else _slowest_write(home, info)
    return ServerFacts(
        info,
        settings,
        tuple(dict.fromkeys(refused)),
        round_trip,
        slowest,
        write_refused,
        ahead,
        uncertain,
        _clients(ask("CLIENT LIST", "CLIENT", "LIST")),
        needs.Refusals() if only_look else needs.probe(home.replies),
    )


def _clock(ask: Any) -> tuple[float, float]:
    before = wall()
    reply = ask("TIME", "TIME")
    after = wall()
    if not reply:
        return 0.0, 0.0
    theirs = int(reply[0]) + int(reply[1]) / 1e6
    return theirs - (before + after) / 2, (after - before) / 2


def _slowest_write(home: Connection, info: Mapping[str, str]) -> tuple[float | None, str]:
    """Return how long the slowest of some small writes took, or why they were refused.

    With ``appendfsync always`` each is synced.
    """
    if info.get("role", "master") != "master":
        return None, ""
    key = f"{keys.DOCTOR}:{os.getpid()}"
    writes = (("SET", key, count, "PX", _PROBE_TTL) for count in range(_WRITES))
    try:
        return max(_timed(home, write) for write in writes), ""
    except StoreDenied:
        return None, ""  # not this user: whether the workers' may is not known
    except StoreError as error:
        home.call(("PING",))  # raises if Redis is gone; else it answers, and takes no writes
        return None, str(error)


def _timed(home: Connection, command: tuple[Any, ...]) -> float:
    began = steady()
    home.call(command)
    return steady() - began


def _clients(reply: bytes | None) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in _text(reply or b"").splitlines():
        name = next((w.removeprefix("name=") for w in line.split() if w.startswith("name=")), "")
        found[name] = found.get(name, 0) + 1
    return found


def _fields(reply: bytes | None) -> dict[str, str]:
    pairs = (line.partition(":") for line in _text(reply or b"").splitlines())
    return {name: value for name, _, value in pairs if value}


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")
