"""All checks in their order, over one look at Redis and the fleet."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

from ..api import Connection
from ..config import Config
from ..errors import StoreError, StoreUnavailable
from ..store.flight import DeadLimits
from ..wording import visible
from . import deploys, fleet, queues, server
from .finding import Finding
from .fleet_facts import gather_fleet
from .server_facts import gather_server


def examine(home: Connection, config: Config, *, only_look: bool = False) -> Iterator[Finding]:
    """Yield what was found: of what is as bad, what is so now before how Redis is set.

    *only_look* leaves out what takes a write to know. Some fifty round trips, and one more for each 2,000
    keys of the database. Raises StoreUnavailable.
    """
    facts = gather_server(home, only_look=only_look)
    crew = gather_fleet(home, DeadLimits(config.dead_max_jobs, config.dead_timeout), config)
    yield Finding("redis", "ok", config.redis.masked_url)
    yield from server.version(facts)
    yield from server.writes(facts)
    yield from server.commands(facts)
    for check in (
        fleet.unread,
        fleet.processes,
        fleet.silence,
        fleet.companions,
        fleet.owners,
        queues.promises,
        queues.queues,
        fleet.sets,
    ):
        yield from check(crew)
    yield from _of_deploy(home, crew.now)
    yield from server.eviction(facts)
    yield from server.persistence(facts)
    yield from server.latency(facts)
    yield from server.clock(facts)
    yield from server.clients(facts, len(crew.processes))
    yield from server.replies(facts)
    yield from server.exposure(facts, config.redis)
    if importlib.util.find_spec("hiredis") is None:
        what = "the package hiredis is not installed here: workers would be slower"
        yield Finding("hiredis", "note", what, 'pip install "kiq[hiredis]"')


def _of_deploy(home: Connection, now: float) -> Iterator[Finding]:
    try:
        yield from deploys.failing(deploys.gather_deploy(home, now))
    except StoreUnavailable:
        raise
    except StoreError as error:
        what = f"metrics can't be read: {visible(str(error))}"
        yield Finding("unread", "note", what, "if the user may not read them, allow it")
