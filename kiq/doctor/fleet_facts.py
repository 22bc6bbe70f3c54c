"""Which processes run, and what jobs are where."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from .. import keys
from ..api import Connection, ProcessSet, QueueSummary, Stats, Trend, Trends
from ..api.fleet import Fleet, read_fleet
from ..api.limits import dead_limits
from ..clock import wall
from ..config import Config
from ..errors import StoreError, StoreUnavailable
from ..store.flight import DeadLimits

_SETS = (keys.SCHEDULE, keys.RETRY, keys.DEAD)
_FIELDS = ("info", "beat", "quiet")
_SCAN = 2000  # keys that one round trip of a scan looks at

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """One process of the list: what it says of itself, and when it last did (epoch seconds)."""

    identity: str
    info: Mapping[str, Any]
    beat: float = 0.0
    quiet: bool = False
    state: str = "running"  # as kiq.api.Process has it
    silence: float = 0.0  # seconds since its last beat, by Redis's clock

    @property
    def started_at(self) -> float | None:
        """When it began, by its own clock; None where it does not say."""
        at = self.info.get("started_at")
        return float(at) if isinstance(at, int | float) and not isinstance(at, bool) else None

    @property
    def latencies(self) -> dict[str, float]:
        """For how many seconds no job of a queue shall wait, as its configuration says."""
        said = self.info.get("latencies")
        return {
            str(name): float(seconds)
            for name, seconds in (said.items() if isinstance(said, dict) else ())
            if isinstance(seconds, int | float) and seconds > 0
        }

    @property
    def is_kiq(self) -> bool:
        """Whether it is one of ours; another one is a Ruby Sidekiq."""
        return self.info.get("kiq") is True

    @property
    def queues(self) -> set[str]:
        """The queues that it takes."""
        named = self.info.get("queues")
        return (
            {name for name in named if isinstance(name, str)} if isinstance(named, list) else set()
        )


@dataclass(frozen=True, slots=True)
class FleetFacts:
    """*now* is Redis's clock. *holding* counts the jobs in flight by owner.

    *live* are owners with a lease, *known* those that are listed, *dead* those that are proven dead, or
    being given back. *sets* has for each set its size and its lowest score. *unread* says what could not
    be read, and why. *trends* are those of queues; *latencies* say for how many seconds no job of a queue
    shall wait, by this configuration, else by that of the workers.
    """

    now: float = 0.0
    processes: tuple[ProcessFacts, ...] = ()
    queues: tuple[QueueSummary, ...] = ()
    known: frozenset[str] = frozenset()
    live: frozenset[str] = frozenset()
    dead: frozenset[str] = frozenset()
    holding: Mapping[str, int] = field(default_factory=dict)
    sets: Mapping[str, tuple[int, float | None]] = field(default_factory=dict)
    dead_limits: DeadLimits = field(default_factory=dead_limits)
    codec: str = "msgpack"
    sidekiq: int = 8
    unread: tuple[str, ...] = ()
    trends: Mapping[str, Trend] = field(default_factory=dict)
    latencies: Mapping[str, float] = field(default_factory=dict)

    @property
    def there(self) -> list[ProcessFacts]:
        """The processes that are not dead."""
        return [process for process in self.processes if process.state != "dead"]


def gather_fleet(home: Connection, limits: DeadLimits, config: Config) -> FleetFacts:
    """Read it. One round trip for each 2,000 keys of the database, and some more.

    What Redis refuses is left out, and told in ``unread``. Raises StoreUnavailable.
    """
    unread: list[str] = []

    def read(part: str, function: Callable[[], Found]) -> Found | None:
        try:
            return function()
        except StoreUnavailable:
            raise
        except StoreError as error:
            unread.append(f"{part}: {error}")
            return None

    known = read("kiq:owners", lambda: _names(home.call(("SMEMBERS", keys.OWNERS)))) or []
    holding = read("kiq:inflight", lambda: _holding(home, unread)) or {}
    fleet = read("kiq:owners", lambda: read_fleet(home)) or Fleet(known=False)
    extents = {name: read(name, functools.partial(_extent, home, name)) for name in _SETS}
    now = read("TIME", lambda: _now(home)) or wall()
    processes = read("processes", lambda: _processes(home, unread)) or ()
    queues = read("queues", lambda: _queues(home, now)) or ()
    return FleetFacts(
        now,
        processes,
        queues,
        frozenset(known),
        fleet.leased if fleet.known else frozenset(holding),
        fleet.dead,
        holding,
        {name: extent or (0, None) for name, extent in extents.items()},
        limits,
        config.codec,
        config.sidekiq,
        tuple(unread),
        read("kiq:trend", lambda: Trends(home).queues) or {},
        _promised(processes, config),
    )


def _queues(home: Connection, now: float) -> tuple[QueueSummary, ...]:
    # Latencies are told by this machine's clock; those of a fleet that is right go by Redis's.
    ahead = now - wall()
    return tuple(
        each._replace(latency=max(0.0, each.latency + ahead)) if each.latency else each
        for each in Stats(home).queue_summaries()
    )


def _promised(processes: Iterable[ProcessFacts], config: Config) -> dict[str, float]:
    found: dict[str, float] = {}
    for process in processes:
        for name, seconds in process.latencies.items():
            found[name] = min(seconds, found.get(name, seconds))
    here = (pair for capsule in config.capsules for pair in capsule.latencies)
    return {**found, **dict(here)}


def _now(home: Connection) -> float:
    seconds, micros = home.call(("TIME",))
    return int(seconds) + int(micros) / 1e6


def _processes(home: Connection, unread: list[str]) -> tuple[ProcessFacts, ...]:
    names = _names(home.call(("SMEMBERS", keys.PROCESSES)))
    replies = home.replies([("HMGET", name, *_FIELDS) for name in names]) if names else []
    shown = {process.identity: process for process in ProcessSet(home).everyone()}
    found = []
    for name, reply in zip(names, replies, strict=True):
        if isinstance(reply, StoreError):
            unread.append(f"{name}: {reply}")
            continue
        info, beat, quiet = reply
        try:
            told = json.loads(info or b"null")
            last = float(beat or 0)
        except (ValueError, RecursionError):
            continue  # another program's entry: not ours to judge
        if isinstance(told, dict):
            process = shown.get(name)
            state, silence = (process.state, process.silence) if process else ("running", 0.0)
            found.append(ProcessFacts(name, told, last, quiet == b"true", state, silence))
    return tuple(found)


def _extent(home: Connection, name: str) -> tuple[int, float | None]:
    size, lowest = home.exchange((("ZCARD", name), ("ZRANGE", name, 0, 0, "WITHSCORES")))
    return int(size), float(lowest[1]) if lowest else None


def _holding(home: Connection, unread: list[str]) -> dict[str, int]:
    """Return how many jobs each owner has in flight, those of owners that nobody lists too."""
    found: dict[str, int] = {}
    cursor: bytes = b"0"
    while True:
        cursor, raw = home.call(("SCAN", cursor, "MATCH", "kiq:inflight:*", "COUNT", _SCAN))
        names = [name.decode(errors="replace") for name in raw]
        sizes = home.replies([("HLEN", name) for name in raw]) if raw else []
        for name, size in zip(names, sizes, strict=True):
            parts = keys.source_and_owner(name)
            if isinstance(size, StoreError):
                unread.append(f"{name}: {size}")
            elif parts:
                owner = parts[1]
                found[owner] = found.get(owner, 0) + int(size)
        if cursor == b"0":
            return found


def _names(raw: list[bytes]) -> list[str]:
    return sorted(name.decode(errors="replace") for name in raw)
